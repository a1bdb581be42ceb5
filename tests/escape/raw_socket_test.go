package escape

import "testing"

func TestCannotForgeOrOverhearPackets(t *testing.T) {
	for name, socket := range map[string]string{"raw": "AF_INET, SOCK_RAW, IPPROTO_ICMP",
		"packet": "AF_PACKET, SOCK_RAW, 0"} {
		t.Run(name, func(t *testing.T) {
			silent := []string{}
			if name == "raw" {
				silent = []string{"basic"} // the kernel: no CAP_NET_RAW
			}
			hold(t, claim{attack: `TRY(socket(` + socket + `));`, needsRoot: true,
				events: []string{"socket"}, silent: silent})
		})
	}
}

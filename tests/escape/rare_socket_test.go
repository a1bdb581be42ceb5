package escape

import "testing"

// Families whose kernel modules are loaded on demand.
func TestCannotOpenASocketOfARareFamily(t *testing.T) {
	for _, family := range []string{"AF_ALG", "AF_VSOCK", "AF_TIPC", "AF_BLUETOOTH", "AF_XDP"} {
		t.Run(family, func(t *testing.T) {
			hold(t, claim{
				attack: `
	int types[] = {SOCK_SEQPACKET, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW};
	for (int i = 0; i < 4; i++) if (socket(` + family + `, types[i], 0) >= 0) return;
	if (errno == ESOCKTNOSUPPORT || errno == EPROTONOSUPPORT || errno == EPROTOTYPE) errno = EAFNOSUPPORT;
	refused("socket");`,
				needsRoot: true, mayLack: "EAFNOSUPPORT", // packets by AF_XDP are root's
				events: []string{"socket"},
			})
		})
	}
}

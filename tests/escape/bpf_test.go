package escape

import "testing"

func TestCannotLoadBPF(t *testing.T) {
	hold(t, claim{
		attack: `
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
	TRY(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr));`,
		needsRoot: true, mayLack: "ENOSYS",
		events: []string{"bpf"},
	})
}

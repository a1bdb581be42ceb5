package escape

import "testing"

// Bare, any process of the same user stands in for PID 1.
func TestCannotReachTheHostThroughTheFilesOfInit(t *testing.T) {
	for _, file := range []string{"root/etc/hostname", "environ", "mem", "ns/mnt", "fd/0"} {
		t.Run(file, func(t *testing.T) {
			hold(t, claim{
				attack: `
	char path[128];
	snprintf(path, sizeof path, "/proc/%s/%s", argv[1], argv[2]);
	TRY(open(path, O_RDONLY));`,
				args: []string{bystander(t), file}, inside: []string{"1", file},
			})
		})
	}
}

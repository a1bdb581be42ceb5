package escape

import "testing"

func TestCannotGiveAFileCapabilities(t *testing.T) {
	dir, at := writableDir(t)
	hold(t, claim{
		attack: `
	unsigned caps[5] = {0x02000001, ~0u, 0, ~0u, 0}; // VFS_CAP_REVISION_2, effective
	int fd = TRY(open(argv[1], O_CREAT | O_WRONLY, 0755));
	TRY(setxattr(argv[1], "security.capability", caps, sizeof caps, 0));`,
		args: []string{at("/bare")}, inside: []string{"/work/inside"},
		flags: []string{"--workspace", dir}, needsRoot: true, mayLack: "EOPNOTSUPP",
		events: []string{"setxattr"}, silent: []string{"basic", "standard", "strict"},
	})
}

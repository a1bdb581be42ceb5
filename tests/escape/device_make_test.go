package escape

import "testing"

func TestCannotMakeADeviceNode(t *testing.T) {
	for name, kind := range map[string]string{"block": "S_IFBLK", "character": "S_IFCHR"} {
		t.Run(name, func(t *testing.T) {
			dir, at := writableDir(t)
			hold(t, claim{
				attack: `TRY(mknod(argv[1], ` + kind + ` | 0666, makedev(1, 5)));`,
				args:   []string{at("/bare")}, inside: []string{"/work/inside"},
				flags: []string{"--workspace", dir}, needsRoot: true,
				harmed: func(inside bool) bool {
					return inside && exists(at("/inside")) || !inside && exists(at("/bare"))
				},
				events: []string{"mknod", "mknodat"},
			})
		})
	}
}

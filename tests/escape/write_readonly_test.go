package escape

import "testing"

// Bare it writes to the folder itself; inside the same folder is bound read-only.
func TestCannotWriteToAReadOnlyMount(t *testing.T) {
	dir, at := writableDir(t)
	hold(t, claim{
		attack: `TRY(open(argv[1], O_WRONLY | O_CREAT, 0600));`,
		args:   []string{at("/new")}, inside: []string{"/data/new-inside"},
		flags: []string{"--mount", dir + ":/data:ro"},
		harmed: func(inside bool) bool {
			return inside && exists(at("/new-inside")) || !inside && exists(at("/new"))
		},
		events: []string{"openat"}, silent: []string{"basic", "standard", "strict"},
	})
}

func TestCannotWriteToTheSystemOfTheHost(t *testing.T) {
	hold(t, claim{
		attack:    `TRY(open("/usr", O_TMPFILE | O_WRONLY, 0600));`,
		needsRoot: true, mayLack: "EOPNOTSUPP",
		events: []string{"openat"}, silent: []string{"basic", "standard", "strict"},
	})
}

func TestCannotChangeTheModeOfAFileOfTheSystem(t *testing.T) {
	dir, at := writableDir(t)
	hold(t, claim{
		attack: `TRY(chmod(argv[1], 0777));`,
		args:   []string{dir}, inside: []string{"/data"},
		flags:  []string{"--mount", at("") + ":/data:ro"},
		events: []string{"chmod"}, silent: []string{"basic", "standard", "strict"},
	})
}

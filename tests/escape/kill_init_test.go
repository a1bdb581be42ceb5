package escape

import "testing"

func TestCannotSignalTheSandboxsInit(t *testing.T) {
	for _, signal := range []string{"9", "15"} {
		t.Run(signal, func(t *testing.T) {
			hold(t, claim{
				attack: `TRY(kill(atoi(argv[1]), atoi(argv[2])));`,
				args:   []string{bystander(t), signal}, inside: []string{"1", signal},
				events: []string{"kill"},
			})
		})
	}
}

package escape

import "testing"

func TestCannotSignalAProcessOfTheHost(t *testing.T) {
	hold(t, claim{
		attack: `TRY(kill(atoi(argv[1]), SIGKILL));`,
		args:   []string{bystander(t)}, inside: []string{bystander(t)},
		events: []string{"kill"}, silent: []string{"basic", "standard", "strict"},
		// there is no such process: the kernel says so itself
	})
}

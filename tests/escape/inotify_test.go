package escape

import "testing"

// The kernel counts inotify instances for the user who made the namespace too: whoever takes them
// all takes the caller's.
func TestCannotUseUpTheInotifyInstancesOfItsCaller(t *testing.T) {
	hold(t, claim{
		attack: `
	int n = 0;
	while (n < 200 && inotify_init1(0) >= 0) n++;
	char text[64];
	snprintf(text, sizeof text, "%d instances are no more than a share", n);
	if (n < 100) held(text);`,
		events: []string{"inotify_init1"}, silent: []string{"basic", "standard", "strict"},
	})
}

package escape

import (
	"os"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// Started by root, the tool's pipes are made to be opened by it: in the direction that it has, and
// no other.
func TestCannotWriteIntoThePipeThatIsItsStdin(t *testing.T) {
	hold(t, claim{
		attack: `TRY(open("/proc/self/fd/0", O_WRONLY));`,
		stdin:  func(t *testing.T) *os.File { return pipeEnds(t, true) },
		events: []string{"openat"}, silent: []string{"basic", "standard", "strict"},
	})
}

func TestCannotReadThePipeThatItMayWrite(t *testing.T) {
	hold(t, claim{
		attack: `TRY(open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK));`,
		stdin:  func(t *testing.T) *os.File { return pipeEnds(t, false) },
	})
}

// pipeEnds returns one end of a pipe; the other stays open as long as the test.
func pipeEnds(t *testing.T, reading bool) *os.File {
	t.Helper()
	testhost.Need(t,
		"root") // a user's pipes belong to the tool's own id: it opens them as it could bare
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	keep, give := r, w
	if reading {
		keep, give = w, r
	}
	t.Cleanup(func() { keep.Close() })
	return give
}

package escape

import (
	"os"
	"strconv"
	"testing"
)

// PID 1 has the caller's uid where ids are mapped singly: then nothing but the filter is between
// the tool and its limits.
func TestCannotChangeTheLimitsOfTheSandboxsInit(t *testing.T) {
	hold(t, claim{
		attack: `
	struct rlimit none = {0, 0};
	TRY(prlimit(atoi(argv[1]), RLIMIT_NOFILE, &none, NULL));`,
		args: []string{bystander(t)}, inside: []string{"1"},
		events: []string{"prlimit64"}, silent: []string{"maximum"},
	})
}

// Most calls that take a process take one of its threads for it, whose numbers no filter can know.
func TestCannotChangeTheLimitsOfTheSandboxsInitByOneOfItsThreads(t *testing.T) {
	silent := []string{"maximum"}
	if os.Geteuid() == 0 {
		silent = allPresets // the kernel: started by root, PID 1 has another id
	}
	threads := []string{}
	for tid := 2; tid < 40; tid++ {
		threads = append(threads, strconv.Itoa(tid))
	}
	hold(t, claim{
		attack: `
	struct rlimit none = {16, 16};
	int done = -1;
	for (int i = 1; i < argc; i++)
		if (atoi(argv[i]) != getpid() && !prlimit(atoi(argv[i]), RLIMIT_NOFILE, &none, NULL)) done = 0;
	errno = EPERM;
	TRY(done);`,
		args: []string{bystander(t)}, inside: threads,
		events: []string{"prlimit64"}, silent: silent,
		coldOnly: true, // PID 1 of a cell has one thread
	})
}

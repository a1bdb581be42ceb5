package escape

import (
	"os"
	"testing"
)

// CVE-2019-5736: the program that started the container, taken by /proc/<pid>/exe and written once
// it has ended.
func TestCannotOverwriteTheProgramThatStartedIt(t *testing.T) {
	dir, at := writableDir(t)
	sleep, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("/victim"), sleep, 0o755); err != nil {
		t.Fatal(err)
	}
	hold(t, claim{
		attack: `
	pid_t victim = 1;
	char path[64];
	if (argc > 1) {
		victim = fork();
		if (!victim) { execl(argv[1], "sleep", "0.2", NULL); _exit(2); }
		usleep(100000);
	}
	snprintf(path, sizeof path, "/proc/%d/exe", victim);
	int fd = TRY(open(path, O_PATH));
	if (argc > 1) waitpid(victim, NULL, 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	TRY(open(path, O_WRONLY));`,
		args: []string{dir + "/victim"}, inside: []string{},
	})
}

package escape

import "testing"

// A filter without TSYNC would leave threads that exist already alone; ours is there before the
// first instruction.
func TestCannotEscapeTheFilterInAThread(t *testing.T) {
	hold(t, claim{
		attack: `
static void *other(void *unused) { TRY(syscall(SYS_add_key, "user", "x", "x", 1, -2)); return NULL; }
static void attack(int argc, char **argv) {
	pthread_t thread;
	if ((errno = pthread_create(&thread, NULL, other, NULL))) refused("pthread_create");
	pthread_join(thread, NULL);
}`,
		events: []string{"add_key"},
	})
}

func TestCannotEscapeTheFilterByExecutingAProgram(t *testing.T) {
	hold(t, claim{
		attack: `
	if (argc > 1) { TRY(syscall(SYS_add_key, "user", "x", "x", 1, -2)); return; }
	TRY(execl("/proc/self/exe", "attack", "again", NULL));`,
		events: []string{"add_key", "execve"},
	})
}

func TestCannotEscapeTheFilterThroughAProgramInMemory(t *testing.T) {
	hold(t, claim{
		attack: `
	if (argc > 1) { TRY(syscall(SYS_add_key, "user", "x", "x", 1, -2)); return; }
	char block[65536];
	int self = TRY(open("/proc/self/exe", O_RDONLY)), fd = TRY(syscall(SYS_memfd_create, "x", 0));
	for (ssize_t n; (n = read(self, block, sizeof block)) > 0;) TRY(write(fd, block, n));
	char *args[] = {"attack", "again", NULL}, *env[] = {NULL};
	TRY(syscall(SYS_execveat, fd, "", args, env, AT_EMPTY_PATH));`,
		events: []string{"add_key", "execveat", "memfd_create"},
	})
}

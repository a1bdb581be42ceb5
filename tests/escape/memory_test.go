package escape

import "testing"

const takeMemory = `
	int mib = atoi(argv[1]);
	for (int i = 0; i < mib; i++) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED) refused("mmap");
		memset(p, 1, 1 << 20);
	}
`

func TestCannotTakeMoreMemoryThanItMay(t *testing.T) {
	hold(t, claim{
		attack: takeMemory + `sleep(atoi(argv[2]));`,
		args:   []string{"400", "0"}, inside: []string{"400", "5"},
		flags: []string{"--memory", "64MiB"},
		ends:  "memory_limit", events: []string{"memory"},
	})
}

// The main thread ends, the process lives on in another: /proc/<pid>/status has no memory figures
// any more.
func TestCannotHideMemoryBehindAMainThreadThatHasEnded(t *testing.T) {
	hold(t, claim{
		attack: `
static int mib, seconds;
static void *other(void *unused) {
	usleep(100000);
	for (int i = 0; i < mib; i++) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED) refused("mmap");
		memset(p, 1, 1 << 20);
	}
	sleep(seconds);
	puts("done");
	exit(0);
}
static void attack(int argc, char **argv) {
	mib = atoi(argv[1]); seconds = atoi(argv[2]);
	pthread_t thread;
	if ((errno = pthread_create(&thread, NULL, other, NULL))) refused("pthread_create");
	syscall(SYS_exit, 0);
}`,
		args: []string{"400", "0"}, inside: []string{"400", "5"},
		flags:   []string{"--memory", "64MiB"},
		presets: without("maximum"), // one thread
		ends:    "memory_limit", events: []string{"memory"},
	})
}

// A memfd in a message that nobody has received belongs to no process.
func TestCannotHideMemoryInAMessage(t *testing.T) {
	needCgroup(t)
	hold(t, claim{
		attack: `
	int ends[2];
	char *block = calloc(1, 1 << 20);
	TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	for (int i = 0; i < atoi(argv[1]); i++) {
		int fd = TRY(syscall(SYS_memfd_create, "x", 0));
		for (int mib = 0; mib < 8; mib++) TRY(write(fd, block, 1 << 20));
		char byte = 0, control[CMSG_SPACE(sizeof fd)] = {0};
		struct iovec data = {&byte, 1};
		struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		*c = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
		TRY(sendmsg(ends[0], &message, 0));
		close(fd);
	}
	sleep(atoi(argv[2]));`,
		args: []string{"50", "0"}, inside: []string{"50", "3"},
		flags: []string{"--memory", "64MiB"},
		ends:  "memory_limit", events: []string{"memory", "memfd_create"},
		presets: []string{"standard"},
	})
}

// A System V segment lives on when nobody has it attached.
func TestCannotHideMemoryInASegmentThatNobodyHasAttached(t *testing.T) {
	hold(t, claim{
		attack: `
	for (int i = 0; i < atoi(argv[1]); i++) {
		int id = TRY(shmget(IPC_PRIVATE, 8 << 20, 0600));
		char *p = TRY((char *)shmat(id, NULL, 0));
		memset(p, 1, 8 << 20);
		shmdt(p);
		if (argc > 3) shmctl(id, IPC_RMID, NULL); // bare: leave nothing
	}
	sleep(atoi(argv[2]));`,
		args: []string{"50", "0", "clean"}, inside: []string{"50", "3"},
		flags: []string{"--memory", "64MiB"},
		ends:  "memory_limit", events: []string{"memory", "shmget"}, presets: []string{"standard"},
	})
}

// What waits in a socket is memory of the kernel, and belongs to no process.
func TestCannotHideMemoryInSockets(t *testing.T) {
	hold(t, claim{
		attack: `
	char *block = calloc(1, 1 << 15);
	struct rlimit most;
	getrlimit(RLIMIT_NOFILE, &most);
	most.rlim_cur = most.rlim_max;
	setrlimit(RLIMIT_NOFILE, &most);
	for (int i = 0; i < atoi(argv[1]); i++) {
		int ends[2];
		TRY(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends));
		for (int e = 0; e < 2; e++) while (write(ends[e], block, 1 << 15) > 0);
	}
	sleep(atoi(argv[2]));`,
		args: []string{"400", "0"}, inside: []string{"400", "5"},
		flags: []string{"--memory", "64MiB"},
		ends:  "memory_limit", events: []string{"memory"}, presets: []string{"standard"},
	})
}

// Page tables are memory too: one page of a file, mapped once in every 2 MiB of addresses.
func TestCannotTakeMemoryByPageTables(t *testing.T) {
	hold(t, claim{
		attack: `
	int fd = TRY(open("/usr/bin/env", O_RDONLY));
	for (long i = 0; i < atol(argv[1]); i++) {
		char *at = (char *)0x100000000000UL + (i << 21);
		volatile char *p = mmap(at, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
		if (p == MAP_FAILED) refused("mmap");
		(void)*p;
	}
	sleep(atoi(argv[2]));`,
		args: []string{"40000", "0"}, inside: []string{"40000", "5"},
		flags: []string{"--memory", "64MiB"}, ends: "memory_limit", events: []string{"memory"},
	})
}

// A thread that was made without CLONE_FILES has descriptors of its own, which are not those in
// /proc/PID/fd.
func TestCannotHideMemoryInAThreadsOwnDescriptors(t *testing.T) {
	hold(t, claim{
		attack: `
static char stack[1 << 16], block[1 << 16];
static volatile long mib, seconds, done;
static int other(void *unused) {
	int fd = syscall(SYS_memfd_create, "x", 0);
	for (long i = 0; fd >= 0 && i < mib * 16; i++)
		if (syscall(SYS_write, fd, block, sizeof block) < 0) break;
	struct timespec t = {seconds, 0};
	syscall(SYS_nanosleep, &t, 0);
	done = fd >= 0 ? 1 : -1;
	for (;;) syscall(SYS_exit, 0);
}
static void attack(int argc, char **argv) {
	mib = atol(argv[1]); seconds = atol(argv[2]);
	TRY(clone(other, stack + sizeof stack - 64,
		CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, 0));
	while (!done) usleep(1000);
	if (done < 0) held("no memfd");
}`,
		args: []string{"300", "0"}, inside: []string{"300", "5"},
		flags:   []string{"--memory", "64MiB"},
		presets: []string{"basic", "standard"}, // strict and maximum have no memfd_create
		ends:    "memory_limit", events: []string{"memory"},
	})
}

// So many descriptors that a walk over all of them takes long do not hide memory.
func TestCannotHideMemoryBehindManyDescriptors(t *testing.T) {
	hold(t, claim{
		attack: `
	char *block = calloc(1, 1 << 20);
	int go[2], null = TRY(open("/dev/null", O_RDONLY));
	TRY(pipe(go));
	for (int i = 0; i < 40; i++) if (fork() == 0) {
		for (int n = 0; n < 900; n++) dup(null);
		char c;
		read(go[0], &c, 1);
		_exit(0);
	}
	int fd = TRY(syscall(SYS_memfd_create, "x", 0));
	for (int mib = 0; mib < atoi(argv[1]); mib++) TRY(write(fd, block, 1 << 20));
	sleep(atoi(argv[2]));
	close(go[1]);`,
		args: []string{"200", "0"}, inside: []string{"200", "10"},
		flags:   []string{"--memory", "64MiB"},
		presets: []string{"basic", "standard"},
		ends:    "memory_limit", events: []string{"memory"},
	})
}

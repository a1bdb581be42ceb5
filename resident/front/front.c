#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* resident/protocol.go has the same numbers. */
enum { MAX_REQUEST = 1 << 20, REPLY_EXIT = 1, REPLY_COLD = 2 };
struct header { uint32_t total, args, env, umask; };
struct packet { uint32_t kind; int32_t value; };

extern char **environ;

/* wanted: run or code --resident …, or MCPBOX_RESIDENT=1 and run or code … */
static int wanted(int argc, char **argv)
{
	const char *e;
	int i;

	if (argc < 3 || (strcmp(argv[1], "run") != 0 && strcmp(argv[1], "code") != 0))
		return 0;
	/* A program's argument of that name does no harm: the resident parses as this program does. */
	for (i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--resident") == 0)
			return 1;
	e = getenv("MCPBOX_RESIDENT");
	return e && strcmp(e, "1") == 0;
}

/* mine: a folder that only this user can write, and no link. */
static int mine(const char *dir)
{
	struct stat st;

	return lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022);
}

/* The socket's name holds the executable's identity: another version has a resident of its own. */
static int address(struct sockaddr_un *a)
{
	struct stat exe;
	char dir[sizeof(a->sun_path) - 40];
	const char *run = getenv("XDG_RUNTIME_DIR");
	int n;

	if (geteuid() == 0)
		n = snprintf(dir, sizeof(dir), "/run/mcpbox");
	else if (run && run[0] == '/' && mine(run))
		n = snprintf(dir, sizeof(dir), "%s/mcpbox", run);
	else
		n = snprintf(dir, sizeof(dir), "/tmp/mcpbox-%u", (unsigned)geteuid());
	if (n < 0 || n >= (int)sizeof(dir) || !mine(dir) || stat("/proc/self/exe", &exe) != 0)
		return -1;
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	n = snprintf(a->sun_path, sizeof(a->sun_path), "%s/resident-%llx-%llx", dir, (unsigned long long)exe.st_ino,
		     (unsigned long long)exe.st_mtim.tv_sec * 1000000000ULL + exe.st_mtim.tv_nsec);
	return n < 0 || n >= (int)sizeof(a->sun_path) ? -1 : 0;
}

/* ours: a process of this user namespace. A tool in a sandbox may have the user's id, and have replaced the socket. */
static int ours(pid_t pid)
{
	char path[40], its[64], own[64];
	ssize_t n, m;

	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	n = readlink(path, its, sizeof(its));
	m = readlink("/proc/self/ns/user", own, sizeof(own));
	return n > 0 && n == m && memcmp(its, own, n) == 0;
}

static size_t add(char *buf, size_t at, const char *s)
{
	size_t n = strlen(s) + 1;

	if (at > MAX_REQUEST || n > MAX_REQUEST - at)
		return MAX_REQUEST + 1;
	memcpy(buf + at, s, n);
	return at + n;
}

/* request: the header, the folder, the arguments, the environment. */
static char *request(int argc, char **argv, size_t *length)
{
	struct header h = {0};
	char *buf = malloc(MAX_REQUEST), *cwd = getcwd(NULL, 0);
	size_t at = sizeof(h);
	mode_t mask = umask(0);
	int i;

	umask(mask);
	if (!buf || !cwd)
		return NULL;
	at = add(buf, at, cwd);
	free(cwd);
	for (i = 1; i < argc; i++, h.args++)
		at = add(buf, at, argv[i]);
	for (i = 0; environ && environ[i]; i++, h.env++)
		at = add(buf, at, environ[i]);
	if (at > MAX_REQUEST)
		return NULL;
	h.total = at;
	h.umask = mask;
	memcpy(buf, &h, sizeof(h));
	*length = at;
	return buf;
}

/* hand_over sends the request with stdin, stdout, stderr and the working directory. */
static int hand_over(int s, const char *buf, size_t length)
{
	int fds[4] = {0, 1, 2, -1};
	char control[CMSG_SPACE(sizeof(fds))] = {0};
	struct iovec iov = {(void *)buf, length};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t n;

	fds[3] = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fds[3] < 0)
		return -1;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	n = sendmsg(s, &m, MSG_NOSIGNAL);
	close(fds[3]);
	while (n > 0 && (size_t)n < length) {
		ssize_t more = send(s, buf + n, length - n, MSG_NOSIGNAL);
		if (more < 0 && errno == EINTR)
			continue;
		if (more <= 0)
			return -1;
		n += more;
	}
	return n > 0 ? 0 : -1;
}

/* from_terminal: a key of our terminal would have reached the program's whole group, had it run bare. */
static int from_terminal(int sig)
{
	int tty, foreground;

	if (sig != SIGINT && sig != SIGQUIT && sig != SIGHUP)
		return 0;
	tty = open("/dev/tty", O_RDONLY | O_CLOEXEC);
	if (tty < 0)
		return 0;
	foreground = tcgetpgrp(tty);
	close(tty);
	return foreground > 0 && (foreground == getpgrp() || sig == SIGHUP);
}

static void pass(int s, int sig)
{
	struct packet p = {from_terminal(sig) || sig == SIGCONT, sig};

	if (sig == SIGTSTP) { /* a session without a terminal ignores it */
		p.kind = 1;
		p.value = SIGSTOP;
	}
	(void)!send(s, &p, sizeof(p), MSG_NOSIGNAL);
	if (sig == SIGTSTP)
		kill(getpid(), SIGSTOP);
}

__attribute__((constructor)) static void front(int argc, char **argv)
{
	static const int passed[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT, SIGALRM, SIGTSTP, SIGWINCH};
	struct sockaddr_un a;
	struct ucred peer;
	socklen_t size = sizeof(peer);
	sigset_t set, old;
	size_t length, i;
	char *buf;
	int s, sfd;

	if (!wanted(argc, argv) || address(&a) != 0)
		return;
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return;
	if (connect(s, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    getsockopt(s, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != geteuid() || !ours(peer.pid))
		goto cold;
	for (i = 0; i < 3; i++)
		if (fcntl(i, F_GETFD) < 0)
			goto cold;
	buf = request(argc, argv, &length);
	if (!buf)
		goto cold;
	sigemptyset(&set);
	for (i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
		struct sigaction was;
		if (sigaction(passed[i], NULL, &was) == 0 && was.sa_handler != SIG_IGN)
			sigaddset(&set, passed[i]);
	}
	sigprocmask(SIG_BLOCK, &set, &old);
	sfd = signalfd(-1, &set, SFD_CLOEXEC);
	if (sfd < 0 || hand_over(s, buf, length) != 0)
		goto unblock;
	for (;;) {
		struct pollfd fds[2] = {{.fd = s, .events = POLLIN}, {.fd = sfd, .events = POLLIN}};
		struct signalfd_siginfo info;
		struct packet reply;

		if (poll(fds, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			_exit(125);
		}
		if (fds[0].revents) {
			if (recv(s, &reply, sizeof(reply), MSG_WAITALL) != sizeof(reply)) {
				static const char died[] = "mcpbox: the resident has ended, and the program with it\n";
				(void)!write(2, died, sizeof(died) - 1);
				_exit(125);
			}
			if (reply.kind == REPLY_EXIT)
				_exit(reply.value);
			break; /* REPLY_COLD */
		}
		if (fds[1].revents && read(sfd, &info, sizeof(info)) == sizeof(info))
			pass(s, info.ssi_signo);
	}
unblock:
	if (sfd >= 0)
		close(sfd);
	sigprocmask(SIG_SETMASK, &old, NULL);
	free(buf);
cold:
	close(s);
}

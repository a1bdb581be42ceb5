// What every attack program begins with. An attack is a function that returns if it succeeded.
// Exit codes: 0 done, 1 refused (stdout says which step and which errno), 2 the attack itself is broken.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

static void refused(const char *step) {
	const char *name = strerrorname_np(errno);
	printf("refused: %s: %s\n", step, name ? name : "?");
	fflush(stdout);
	_exit(1);
}

static void held(const char *why) { // not an error, and not what the attack wanted
	printf("refused: %s\n", why);
	fflush(stdout);
	_exit(1);
}

static void broken(const char *why) {
	printf("broken: %s: %s\n", why, strerror(errno));
	fflush(stdout);
	_exit(2);
}

#define TRY(call) ({ __typeof__(call) r_ = (call); if ((long)r_ == -1) refused(#call); r_; })

static void attack(int argc, char **argv);

int main(int argc, char **argv) {
	attack(argc, argv);
	puts("done");
	fflush(stdout);
	return 0;
}

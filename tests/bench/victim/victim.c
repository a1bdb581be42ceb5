/* Does one thing many times and prints how long it took, in ns: "getppid N", the mean of N allowed calls;
 * "refused N", each of N refused ones. "sleep" says ready and waits for the end of its stdin.
 * In C, static: under the tightest preset an interpreter's or a Go program's start would be refused. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	long n = argc > 2 ? atol(argv[2]) : 0;
	if (argc < 2)
		return 2;
	if (!strcmp(argv[1], "getppid")) {
		double began = now();
		for (long i = 0; i < n; i++)
			syscall(SYS_getppid);
		printf("%.3f\n", (now() - began) / n);
	} else if (!strcmp(argv[1], "refused")) {
		for (long i = 0; i < n; i++) {
			double began = now();
			long r = syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, 1, 0, 0);
			double took = now() - began;
			if (r == 0) {
				fputs("not refused\n", stderr);
				return 1;
			}
			printf("%.0f\n", took);
		}
	} else if (!strcmp(argv[1], "sleep")) {
		char c;
		puts("ready");
		fflush(stdout);
		while (read(0, &c, 1) > 0)
			;
	}
	return 0;
}

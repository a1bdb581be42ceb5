#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

extern const Elf64_Ehdr __ehdr_start; /* by the linker */
extern const char _end[];

enum { MOST = 3, AWAY = 256 << 20, PAGE = 4096 };

/* stub is a whole executable: it has no code of its own. Its interpreter is the program itself. */
struct stub {
	Elf64_Ehdr header;
	Elf64_Phdr load, interpreter, kept[MOST];
	char path[PATH_MAX];
};

/* wanted: the commands that start a sandbox and end with it. */
static int wanted(int argc, char **argv)
{
	static const char *const commands[] = {"run", "code", "mcp", "mcp-server"};
	const char *resident = getenv("MCPBOX_RESIDENT");
	size_t i;
	int k;

	if (resident && strcmp(resident, "1") == 0)
		return 0; /* as --resident */
	for (k = 2; k < argc && strcmp(argv[k], "--") != 0; k++)
		if (strcmp(argv[k], "--resident") == 0)
			return 0; /* the resident is executed by its path */
	for (i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i]) == 0)
			return 1;
	return 0;
}

/* fill makes a stub of this program, if it is a static one at fixed addresses. */
static int fill(struct stub *s, const Elf64_Ehdr *self)
{
	const Elf64_Phdr *p = (const void *)((const char *)self + self->e_phoff);
	uint64_t base = ((uintptr_t)_end + AWAY) & ~(uint64_t)(PAGE - 1);
	ssize_t length = readlink("/proc/self/exe", s->path, sizeof(s->path) - 1);
	int i, n = 0;

	/* A path that is not there any more ends with " (deleted)", and is not found. */
	if (self->e_type != ET_EXEC || length <= 0 || s->path[0] != '/' || access(s->path, X_OK) != 0)
		return -1;
	for (i = 0; i < self->e_phnum; i++) {
		switch (p[i].p_type) {
		case PT_INTERP:
		case PT_DYNAMIC:
			return -1;
		case PT_TLS: /* libc looks for these through AT_PHDR, which is the stub's */
		case PT_GNU_STACK:
		case PT_GNU_RELRO:
			if (n == MOST)
				return -1;
			s->kept[n++] = p[i];
		}
	}
	s->header = *self;
	s->header.e_entry = base; /* not used: the interpreter's is */
	s->header.e_shoff = s->header.e_shnum = s->header.e_shstrndx = 0;
	s->header.e_phoff = offsetof(struct stub, load);
	s->header.e_phnum = 2 + n;
	s->load = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = base, .p_paddr = base,
			       .p_filesz = sizeof(*s), .p_memsz = sizeof(*s), .p_align = PAGE};
	s->interpreter = (Elf64_Phdr){.p_type = PT_INTERP, .p_flags = PF_R, .p_align = 1,
				      .p_offset = offsetof(struct stub, path),
				      .p_vaddr = base + offsetof(struct stub, path),
				      .p_filesz = length + 1, .p_memsz = length + 1};
	return 0;
}

static int sealed(const struct stub *s)
{
	const int all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int fd = memfd_create("mcpbox", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	if (fd < 0 && errno == EINVAL) /* MFD_EXEC is from Linux 6.3 */
		fd = memfd_create("mcpbox", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	(void)fchmod(fd, 0555);
	if (write(fd, s, sizeof(*s)) != sizeof(*s) || fcntl(fd, F_ADD_SEALS, all) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

__attribute__((constructor)) static void start(int argc, char **argv, char **envp)
{
	const Elf64_Ehdr *self = &__ehdr_start;
	struct stub s = {0};
	int fd;

	if (getauxval(AT_PHDR) != (uintptr_t)self + self->e_phoff) { /* it is a stub's */
		prctl(PR_SET_NAME, "mcpbox");
		return;
	}
	if (geteuid() == 0 || !wanted(argc, argv) || fill(&s, self) != 0)
		return;
	fd = sealed(&s);
	if (fd < 0)
		return;
	syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
	close(fd);
}

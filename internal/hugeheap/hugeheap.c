#define _GNU_SOURCE
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	HUGE_PAGE = 2 << 20,
	GROWTH = 4 << 20, /* the heap grows by this much, or a multiple of it */
	FIRST = 3,        /* of its growths get huge pages: a long-lived process decides for itself */
	/* The runtime's own tables come in mappings of these sizes. Larger ones it wants without huge
	 * pages, and says so for the whole mapping. */
	TABLE_MIN = 64 << 10,
	TABLE_MAX = 512 << 10,
};

static int growths;
static int brief; /* libcontainer's init: it needs one huge page, and ends after some milliseconds */
static uintptr_t next, end; /* what is left of the huge page for tables */

static void *map(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, off);
}

/* table returns len bytes of the huge page for tables, or NULL. */
static void *table(size_t len)
{
	uintptr_t at, last = __atomic_load_n(&end, __ATOMIC_RELAXED);

	len = (len + 4095) & ~(size_t)4095;
	at = __atomic_fetch_add(&next, len, __ATOMIC_RELAXED);
	return last && at + len <= last ? (void *)at : NULL;
}

/* mmap takes the place of libc's. The Go runtime calls it through runtime/cgo. */
void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	int memory = fd == -1 && prot == (PROT_READ | PROT_WRITE);
	void *p;

	if (memory && !addr && flags == (MAP_PRIVATE | MAP_ANONYMOUS) && len >= TABLE_MIN &&
	    len <= TABLE_MAX) {
		p = table(len);
		if (p)
			return p;
	}
	p = map(addr, len, prot, flags, fd, off);
	if (p != MAP_FAILED && memory && flags == (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED) &&
	    len >= GROWTH && (uintptr_t)p % HUGE_PAGE == 0 &&
	    __atomic_add_fetch(&growths, 1, __ATOMIC_RELAXED) <= FIRST)
		(void)madvise(p, brief ? HUGE_PAGE : len, MADV_HUGEPAGE);
	return p;
}

__attribute__((constructor)) static void prepare(void)
{
	uintptr_t p;

	brief = getenv("_LIBCONTAINER_INITPIPE") != NULL;
	/* Else each thread reserves 128 MiB, and touches some of it, when it allocates. */
	mallopt(M_ARENA_MAX, 1);
	p = (uintptr_t)map(NULL, 2 * HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);
	if ((void *)p == MAP_FAILED)
		return;
	p = (p + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
	if (madvise((void *)p, HUGE_PAGE, MADV_HUGEPAGE) != 0)
		return;
	next = p;
	end = p + HUGE_PAGE;
}

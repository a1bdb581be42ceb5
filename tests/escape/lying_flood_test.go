package escape

import "testing"

// Thousands of harmless refusals must not crowd out the one that matters.
func TestCannotDrownAnAttackInAFloodOfRefusals(t *testing.T) {
	hold(t, claim{
		attack: `
	char name[32];
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof name, "flood-%d", i);
		syscall(SYS_acct, name);             // a call, with as many different paths
		syscall(500 + i % 2000, i, i, i);    // as many calls without a name
	}
	TRY(syscall(SYS_delete_module, "mcpbox_no_such_module", O_NONBLOCK));`,
		needsRoot: true, bare: "ENOENT", mayLack: "ENOSYS",
		events: []string{"delete_module"},
	})
}

// Sixteen threads keep the queue of refusals full: each is answered, and each is counted.
func TestCannotGetARefusalPastTheCountByAskingFromManyThreads(t *testing.T) {
	t.Parallel()
	const threads, calls = 16, 200
	dir := compile(t, `
static void *ask(void *unused) {
	for (int i = 0; i < 200; i++) if (syscall(SYS_add_key, "user", "x", "x", 1, -2) != -1) _exit(3);
	return NULL;
}
static void attack(int argc, char **argv) {
	pthread_t t[16];
	for (int i = 0; i < 16; i++) if ((errno = pthread_create(&t[i], NULL, ask, NULL))) broken("pthread_create");
	for (int i = 0; i < 16; i++) pthread_join(t[i], NULL);
}`)
	for _, preset := range []string{"basic", "standard", "strict"} {
		r := runMcpbox(t, &claim{}, []string{"--policy", preset, "--mount", dir + ":/attack:ro"},
			[]string{"/attack/attack"})
		count := 0
		for _, e := range r.events {
			if e.Syscall != nil && e.Syscall.Name == "add_key" {
				count = max(count, e.Count) // the last line of an event tells the sum
			}
		}
		if r.code != 0 || count != threads*calls {
			t.Errorf("%s: HOLE: %d of %d refusals counted, exit code %d\n%s", preset, count,
				threads*calls, r.code, r.stdout)
		}
	}
}

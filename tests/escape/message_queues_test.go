package escape

import "testing"

// Bare, the whole allowance of a user; inside, a share of it.
func TestCannotUseUpTheMessageQueuesOfItsCaller(t *testing.T) {
	hold(t, claim{
		attack: `
	int n = 0;
	char name[64], text[64];
	struct { long flags, maxmsg, msgsize, curmsgs, rest[4]; } attr = {0, 10, 4096};
	for (; n < 8; n++) {
		snprintf(name, sizeof name, "mcpbox-escape-%d-%d", getpid(), n);
		if (syscall(SYS_mq_open, name, O_CREAT | O_RDWR, 0600, &attr) < 0) break;
		syscall(SYS_mq_unlink, name);
	}
	snprintf(text, sizeof text, "%d queues are no more than a share", n);
	if (n < 8) held(text);`,
		events: []string{"mq_open"}, silent: []string{"basic", "standard"},
	})
}

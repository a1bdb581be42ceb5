package escape

import "testing"

// So are the slots for queued signals, without which no program on the host can make a timer.
func TestCannotUseUpTheQueuedSignalsOfItsCaller(t *testing.T) {
	hold(t, claim{
		attack: `
	int n = 0;
	struct sigevent none = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	timer_t timer;
	while (n < 10000 && timer_create(CLOCK_MONOTONIC, &none, &timer) == 0) n++;
	char text[64];
	snprintf(text, sizeof text, "%d timers are no more than a share", n);
	if (n < 10000) held(text);`,
		events: []string{"timer_create"}, silent: []string{"basic", "standard", "strict"},
	})
}

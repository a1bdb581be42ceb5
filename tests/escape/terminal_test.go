package escape

import "testing"

const openTerminal = `
	int master = TRY(open("/dev/ptmx", O_RDWR | O_NOCTTY)), unlock = 0, n;
	TRY(ioctl(master, TIOCSPTLCK, &unlock));
	TRY(ioctl(master, TIOCGPTN, &n));
	char path[32];
	snprintf(path, sizeof path, "/dev/pts/%d", n);
	setsid();
	int tty = TRY(open(path, O_RDWR)); // becomes the controlling terminal
`

// Typing into the terminal is how a sandboxed program runs a command in the caller's shell once it
// has ended.
func TestCannotTypeIntoATerminal(t *testing.T) {
	for name, command := range map[string]string{"TIOCSTI": "TIOCSTI",
		"with upper bits": "(1UL << 32 | TIOCSTI)"} {
		t.Run(name, func(t *testing.T) {
			hold(t, claim{
				attack:    openTerminal + `TRY(syscall(SYS_ioctl, tty, ` + command + `, "x"));`,
				needsRoot: true, mayLack: "EIO", // switched off by sysctl
				events: []string{"ioctl"},
			})
		})
	}
}

// Bare, on what is no console, the kernel says so.
func TestCannotPasteIntoAConsole(t *testing.T) {
	hold(t, claim{
		attack: `char paste = 3; TRY(ioctl(0, TIOCLINUX, &paste));`,
		bare:   "ENOTTY",
		events: []string{"ioctl"},
	})
}

func TestCannotLoadALineDiscipline(t *testing.T) {
	hold(t, claim{
		attack: openTerminal + `int discipline = N_TTY; TRY(ioctl(tty, TIOCSETD, &discipline));`,
		events: []string{"ioctl"},
	})
}

package escape

import "testing"

// What the tool names itself, and the paths it passes, go to a log and a terminal: escapes, line
// ends, text from right to left.
func TestCannotForgeLinesOfTheLogOrTheTerminal(t *testing.T) {
	hold(t, claim{
		attack: `
	char name[] = "\x1b[2J\nmcpbox:", path[] = "/\x1b]0;x\x07\n{\"type\":\"forged\"}\n\xe2\x80\xae\xff\xfe";
	prctl(PR_SET_NAME, name, 0, 0, 0);
	TRY(mount(path, path, path, 0, path));`,
		bare:      "ENOENT", // past the permission, there is no such folder
		needsRoot: true,
		events:    []string{"mount", "prctl"},
	})
}

func TestAHugeArgumentListIsCutInTheLog(t *testing.T) {
	hold(t, claim{
		attack: `
	static char word[100000], *args[20];
	memset(word, 'a', sizeof word - 1);
	for (int i = 0; i < 18; i++) args[i] = word;
	TRY(syscall(SYS_mount, word, word, word, 0, word));`,
		bare: "EINVAL", needsRoot: true,
		events: []string{"mount"},
	})
}

package escape

import "testing"

func TestCannotSeeTheProcessesOfTheHost(t *testing.T) {
	hold(t, claim{
		attack: `
	char path[64], name[64] = "";
	snprintf(path, sizeof path, "/proc/%s/comm", argv[1]);
	int fd = TRY(open(path, O_RDONLY));
	TRY(read(fd, name, sizeof name - 1));
	if (strcmp(name, "sleep\n")) held("another process has this number here");`,
		args: []string{bystander(t)},
	})
}

package escape

import "testing"

func TestCannotReadTheEnvironmentOfItsCaller(t *testing.T) {
	hold(t, claim{
		attack: `
	char path[64], env[1 << 16];
	snprintf(path, sizeof path, "/proc/%d/environ", getppid());
	int fd = TRY(open(path, O_RDONLY));
	ssize_t n = TRY(read(fd, env, sizeof env));
	if (!memmem(env, n, "PATH=", 5)) held("no secret in it");`,
		events: []string{"getppid"}, silent: []string{"basic", "standard", "strict"},
	})
}

package escape

import "testing"

// CVE-2014-3519 and "shocker": a handle names a file past every path and mount.
func TestCannotOpenAFileByHandle(t *testing.T) {
	hold(t, claim{
		attack: `
	struct { struct file_handle h; char bytes[128]; } f = {{128}};
	int id, root = TRY(open(argv[1], O_RDONLY | O_DIRECTORY));
	name_to_handle_at(AT_FDCWD, argv[1], &f.h, &id, 0);
	TRY(open_by_handle_at(root, &f.h, O_RDONLY));`,
		args: []string{"/"}, needsRoot: true,
		events: []string{"open_by_handle_at", "name_to_handle_at"},
	})
}

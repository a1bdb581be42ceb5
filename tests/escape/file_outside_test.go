package escape

import "testing"

func TestCannotReadAFileOfTheHost(t *testing.T) {
	hold(t, claim{attack: `TRY(open(argv[1], O_RDONLY));`, args: []string{secretFile(t)}})
}

func TestCannotClimbOutOfItsRoot(t *testing.T) {
	hold(t, claim{
		attack: `
	char path[4096] = "../../../../../../../../../../../..";
	TRY(open(strcat(path, argv[1]), O_RDONLY));`,
		args: []string{secretFile(t)},
	})
}

func TestCannotReachAFileOfTheHostThroughASymlinkInTheWorkspace(t *testing.T) {
	workspace, link := writableDir(t)
	hold(t, claim{
		attack: `
	unlink(argv[2]);
	TRY(symlink(argv[1], argv[2]));
	TRY(open(argv[2], O_RDONLY));`,
		args: []string{secretFile(t), link("/l")}, inside: []string{secretFile(t), "/work/l"},
		flags: []string{"--workspace", workspace},
	})
}

package escape

import (
	"os"
	"testing"
)

// Inside, both folders are mounts of their own; a link between them would make the read-only file
// writable.
func TestCannotLinkAReadOnlyFileIntoAWritableFolder(t *testing.T) {
	read, from := writableDir(t)
	write, to := writableDir(t)
	if err := os.WriteFile(from("/file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	hold(t, claim{
		attack: `TRY(link(argv[1], argv[2]));`,
		args:   []string{from("/file"), to("/file")}, inside: []string{"/data/file", "/work/file2"},
		flags:  []string{"--mount", read + ":/data:ro", "--workspace", write},
		events: []string{"link"}, silent: []string{"basic", "standard", "strict"},
	})
}

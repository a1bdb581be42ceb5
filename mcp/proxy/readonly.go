package proxy

import (
	"bytes"
	"regexp"

	"github.com/mcpbox/mcpbox/internal/safetext"
)

// tellReadOnly says once how to let the server write, when it answers that a file system is
// read-only: many write beside their own program. Only errors are looked at.
func (s *session) tellReadOnly(answer []byte) {
	const most = 64 << 10
	if len(answer) > most || !bytes.Contains(answer, []byte("EROFS")) &&
		!bytes.Contains(answer, []byte("ead-only file system")) {
		return
	}
	s.readOnly.Do(func() {
		where := ""
		if m := regexp.MustCompile(`['"](/[^'"\\]+)`).FindSubmatch(answer); m != nil {
			where = ": " + safetext.Clean(string(m[1]), 200)
		}
		s.cfg.Warn("the server tried to write where the sandbox is read-only%s; "+
			"--workspace DIR is writable and where it starts, --home DIR keeps its "+
			"home folder, --mount DIR:rw shows one more folder", where)
	})
}

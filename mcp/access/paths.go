package access

import (
	"path"
	"strings"
)

// lexicallyInside tells whether a path, or each of a list, lies in one of the folders as far as its text goes. A relative one
// is the server's to resolve: it passes unless it climbs.
func lexicallyInside(v any, folders []string) bool {
	switch v := v.(type) {
	case string:
		p := path.Clean(strings.TrimPrefix(v, "file://"))
		if strings.ContainsRune(p, 0) {
			return false
		}
		if !path.IsAbs(p) {
			return p != ".." && !strings.HasPrefix(p, "../")
		}
		return len(subfolders([]string{p}, folders)) > 0
	case []any:
		for _, item := range v {
			if !lexicallyInside(item, folders) {
				return false
			}
		}
		return true
	}
	return false
}

package packages

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mcpbox/mcpbox/internal/digest"
)

// Hash is SHA-256 over the names, kinds and contents of all files below dir, hexadecimal, and their
// size.
func Hash(dir string) (sum string, bytes int64, err error) {
	all := sha256.New()
	err = filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		kind, content := "folder", ""
		switch info, err := d.Info(); {
		case err != nil:
			return err
		case info.Mode()&fs.ModeSymlink != 0:
			kind = "link"
			if content, err = os.Readlink(file); err != nil {
				return err
			}
		case info.Mode().IsRegular():
			kind = fmt.Sprintf("file %o", info.Mode().Perm()&0o111)
			bytes += info.Size()
			if content, err = digest.File(file); err != nil {
				return err
			}
		case !info.IsDir():
			kind = "other"
		}
		fmt.Fprintf(all, "%q %s %q\n", name, kind, content)
		return nil
	})
	return hex.EncodeToString(all.Sum(nil)), bytes, err
}

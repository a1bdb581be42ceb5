package kernel

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Version is a kernel's major and minor version.
type Version struct{ Major, Minor int }

func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Less reports whether v is older than w.
func (v Version) Less(w Version) bool {
	return v.Major < w.Major || v.Major == w.Major && v.Minor < w.Minor
}

// Parse reads a version from the beginning of a release such as 6.1.0-56-cloud-amd64.
func Parse(release string) (v Version, err error) {
	if _, err := fmt.Sscanf(release, "%d.%d", &v.Major, &v.Minor); err != nil {
		return Version{}, fmt.Errorf("kernel release %q: %w", release, err)
	}
	return v, nil
}

// Running returns the version of the running kernel. It is zero if uname(2) fails.
func Running() Version {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return Version{}
	}
	v, _ := Parse(unix.ByteSliceToString(u.Release[:]))
	return v
}

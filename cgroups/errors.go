package cgroups

import "errors"

var (
	// ErrUnavailable: this process cannot use cgroup v2 for limits.
	ErrUnavailable = errors.New("cgroup v2 is not usable")
	// ErrBusy: processes were still in the group when the deadline passed.
	ErrBusy = errors.New("cgroup is still populated")
)

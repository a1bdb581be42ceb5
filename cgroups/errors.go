package cgroups

import "errors"

var (
	// ErrUnavailable means that this process cannot use cgroup v2 for limits.
	ErrUnavailable = errors.New("cgroup v2 is not usable")
	// ErrBusy means that the group still had processes at the deadline.
	ErrBusy = errors.New("cgroup is still populated")
)

package watchdog

// taskCount remembers whether somebody has been told that the limit is reached.
type taskCount struct {
	limit int64 // 0: none
	told  bool
}

func (t *taskCount) setLimit(limit int64) { t.limit, t.told = limit, false }

// looked notes a count, and reports whether the limit is reached and nobody has been told.
func (t *taskCount) looked(tasks int64) bool {
	reached := t.limit > 0 && tasks >= t.limit
	fresh := reached && !t.told
	t.told = reached
	return fresh
}

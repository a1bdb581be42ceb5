package monitor

// rank orders severities; an unknown one ranks below low.
func (s Severity) rank() int {
	switch s {
	case Low:
		return 1
	case Medium:
		return 2
	case High:
		return 3
	case Critical:
		return 4
	}
	return 0
}

// AtLeast reports whether s is t or worse.
func (s Severity) AtLeast(t Severity) bool { return s.rank() >= t.rank() }

// Compare is negative if s is less severe than t, 0 if it is the same.
func (s Severity) Compare(t Severity) int { return s.rank() - t.rank() }

// Valid reports whether s is one of the four.
func (s Severity) Valid() bool { return s.rank() > 0 }

// Worse returns the higher of the two.
func Worse(a, b Severity) Severity {
	if b.rank() > a.rank() {
		return b
	}
	return a
}

// Valid reports whether t is one of the six.
func (t Type) Valid() bool {
	switch t {
	case SyscallBlocked, ResourceLimitExceeded, EscapeAttempt, PermissionDenied, SuspiciousBehavior,
		TimeoutExceeded:
		return true
	}
	return false
}

// refusal reports whether the event is about something the sandbox refused.
func (t Type) refusal() bool {
	return t == SyscallBlocked || t == EscapeAttempt || t == PermissionDenied
}

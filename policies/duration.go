package policies

import (
	"fmt"
	"strings"
	"time"
)

// ParseDuration reads "30s", "1m30s", "250ms" or a plain number of seconds.
func ParseDuration(text string) (Duration, error) {
	s := strings.TrimSpace(text)
	if plainDecimal(s) {
		s += "s"
	}
	d, err := time.ParseDuration(s)
	switch {
	case err == nil && d < 0:
		return 0, fmt.Errorf("duration %q %w", text, errNegative)
	case err != nil && strings.HasSuffix(s, "s") && plainDecimal(strings.TrimRight(s, "nuµmsh")):
		return 0, fmt.Errorf("duration %q %w", text, errTooLarge)
	case err != nil:
		return 0, fmt.Errorf("duration %q is not a number with a unit such as 30s, 2m or 500ms",
			text)
	}
	return Duration(d), nil
}

// String returns "30s", "2m", "1h30m": the form of time.Duration without trailing zero units.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Set and Type make *Duration a pflag.Value.
func (d *Duration) Set(text string) error {
	v, err := ParseDuration(text)
	if err == nil {
		*d = v
	}
	return err
}

// Type names the value in a flag's help.
func (*Duration) Type() string { return "duration" }

// MarshalText returns the form of String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText works like ParseDuration.
func (d *Duration) UnmarshalText(text []byte) error { return d.Set(string(text)) }

// UnmarshalJSON reads a string or a number of seconds.
func (d *Duration) UnmarshalJSON(data []byte) error { return d.Set(unquoteJSON(data)) }

package policies

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

var (
	errNegative = errors.New("must not be negative")
	errTooLarge = errors.New("is too large")
)

// ParseSize reads "256MiB", "1.5GiB", "1GB", "64k" or a plain number of bytes.
// As in dd: k, M, G, T and KiB, MiB, … count in 1024s, kB, MB, … in 1000s; case does not matter.
func ParseSize(text string) (Size, error) {
	s := strings.TrimSpace(text)
	number := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	factor, ok := sizeUnit(strings.ToLower(strings.TrimSpace(s[len(number):])))
	if strings.HasPrefix(number, "-") {
		return 0, fmt.Errorf("size %q %w", text, errNegative)
	}
	if !ok || !plainDecimal(number) {
		return 0, fmt.Errorf("size %q is not a number with a unit such as 256MiB, 1GB or 64k", text)
	}
	exact, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, fmt.Errorf("size %q is not a number with a unit such as 256MiB, 1GB or 64k", text)
	}
	exact.Mul(exact, new(big.Rat).SetInt64(factor))
	if !exact.IsInt() {
		return 0, fmt.Errorf("size %q is not a whole number of bytes", text)
	}
	if !exact.Num().IsInt64() {
		return 0, fmt.Errorf("size %q %w", text, errTooLarge)
	}
	return Size(exact.Num().Int64()), nil
}

// plainDecimal refuses the fractions, exponents and other bases that big.Rat would accept.
func plainDecimal(s string) bool {
	whole, fraction, dotted := strings.Cut(s, ".")
	digits := whole + fraction
	return len(s) <= 40 && whole != "" && (!dotted || fraction != "") &&
		strings.Trim(digits, "0123456789") == ""
}

func sizeUnit(unit string) (int64, bool) {
	switch unit {
	case "", "b":
		return 1, true
	}
	power := strings.IndexByte("kmgtpe", unit[0]) + 1
	base := int64(1024)
	switch unit[1:] {
	case "", "ib":
	case "b":
		base = 1000
	default:
		return 0, false
	}
	factor := int64(1)
	for range power {
		factor *= base
	}
	return factor, power > 0
}

// String returns the shortest exact form that ParseSize reads back.
func (s Size) String() string {
	best := strconv.FormatInt(int64(s), 10)
	for _, base := range []int64{1024, 1000} {
		n, power := int64(s), -1
		for n != 0 && n%base == 0 && n != math.MinInt64 {
			n /= base
			power++
		}
		if power < 0 {
			continue
		}
		unit := "KMGTPE"[power:power+1] + "iB"
		if base == 1000 {
			unit = "kMGTPE"[power:power+1] + "B"
		}
		if text := strconv.FormatInt(n, 10) + unit; len(text) <= len(best) || base == 1024 &&
			len(text) <= len(best)+2 {
			best = text
		}
	}
	return best
}

// Set and Type make *Size a pflag.Value.
func (s *Size) Set(text string) error {
	v, err := ParseSize(text)
	if err == nil {
		*s = v
	}
	return err
}

// Type names the value in a flag's help.
func (*Size) Type() string { return "size" }

// MarshalText returns the form of String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText works like ParseSize.
func (s *Size) UnmarshalText(text []byte) error { return s.Set(string(text)) }

// UnmarshalJSON reads a string or a number.
func (s *Size) UnmarshalJSON(data []byte) error { return s.Set(unquoteJSON(data)) }

func unquoteJSON(data []byte) string {
	text := string(data)
	if unquoted, err := strconv.Unquote(text); err == nil {
		return unquoted
	}
	return text
}

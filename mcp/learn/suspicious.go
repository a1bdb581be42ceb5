package learn

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// suspicious says why nothing is learnt from a value. It returns "" for a usable value.
func suspicious(v any) string {
	switch v := v.(type) {
	case string:
		return suspiciousText(v)
	case []any:
		for _, item := range v {
			if why := suspicious(item); why != "" {
				return why
			}
		}
	case map[string]any:
		for key, item := range v {
			if why := suspiciousText(key); why != "" {
				return why
			}
			if why := suspicious(item); why != "" {
				return why
			}
		}
	}
	return ""
}

func suspiciousText(s string) string {
	for range 3 { // as written, and with %-escapes decoded once and twice
		if climbs(s) {
			return "a path with .."
		}
		if strings.ContainsFunc(s, func(r rune) bool {
			return unicode.IsControl(r) && r != '\n' &&
				r != '\t' && r != '\r'
		}) {
			return "a control character"
		}
		if secret(s) {
			return "the path of a secret or of a kernel file"
		}
		plain, err := url.PathUnescape(s)
		if err != nil || plain == s {
			break
		}
		s = plain
	}
	return ""
}

// climbs reports whether a path has ".." as a name, between slashes or backslashes.
func climbs(s string) bool {
	return slices.Contains(strings.FieldsFunc(s,
		func(r rune) bool { return r == '/' || r == '\\' }), "..")
}

func secret(s string) bool {
	for _, part := range []string{"/etc/passwd", "/etc/shadow", "/etc/sudoers", "/.ssh/", "/.aws/",
		"/.gnupg/", "/proc/", "/sys/", "/dev/mem", "169.254.169.254"} {
		if strings.Contains(s+"/", part) {
			return true
		}
	}
	return false
}

package safetext

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestHostileTextIsEscaped(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain text stays", "/home/user/naïve 文.txt", "/home/user/naïve 文.txt"},
		{"a line break does not start a line", "a\nmcpbox: ok", `a\nmcpbox: ok`},
		{"a terminal sequence is shown", "\x1b[2J", `\x1b[2J`},
		{"right-to-left override is shown", "gpj\u202eexe", `gpj\u202eexe`},
		{"a zero-width space is shown", "a\u200bb", `a\u200bb`},
		{"bytes that are no UTF-8 are shown", "\xff\xc3", `\xff\xc3`},
		{"an escape can't be faked", `\n`, `\\n`},
		{"NUL is shown", "a\x00b", `a\x00b`},
	} {
		if got := Clean(c.in, 0); got != c.want {
			t.Errorf("%s: Clean(%q) = %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

func TestLongTextIsCutVisibly(t *testing.T) {
	if got := Clean(strings.Repeat("x", 100), 10); got != "xxxxxxxxxx…" {
		t.Errorf("got %q", got)
	}
	if got := Clean("exactly10!", 10); got != "exactly10!" {
		t.Errorf("text of just the length was cut: %q", got)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "plain", "a\nb", "\x1b]0;x\a", "\xff", "\u202e", `\`,
		"\U0010ffff"} {
		f.Add(s, 16)
	}
	f.Fuzz(func(t *testing.T, s string, max int) {
		got := Clean(s, max)
		if !utf8.ValidString(got) {
			t.Errorf("Clean(%q) is not UTF-8: %q", s, got)
		}
		for _, r := range got {
			if !unicode.IsPrint(r) {
				t.Errorf("Clean(%q) holds %U", s, r)
			}
		}
		const longest = len(`\U0010ffff`) + len("…") // one escape may go past the cut
		if max > 0 && len(got) >= max+longest {
			t.Errorf("Clean(%q, %d) has %d bytes", s, max, len(got))
		}
	})
}

package code

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func captured(limit int, writes ...string) (string, int64) {
	c := newCapture(limit)
	for _, w := range writes {
		_, _ = c.Write([]byte(w))
	}
	return c.text()
}

func TestWhatFitsIsKeptWhole(t *testing.T) {
	for _, text := range []string{"", "a", strings.Repeat("ä", 100), strings.Repeat("x", 1000)} {
		if got, n := captured(1000, text); got != text || n != int64(len(text)) {
			t.Errorf("%d bytes became %d", len(text), len(got))
		}
		if got, _ := captured(1000, strings.Split(text, "")...); got != text {
			t.Errorf("%d bytes written one by one became %d", len(text), len(got))
		}
	}
}

func TestACutIsSaidAndGoesThroughNoCharacter(t *testing.T) {
	for _, size := range []int{1, 2, 3, 5, 7, 64, 999, 5000} {
		var writes []string
		for i := 0; i < 20000; i += size {
			writes = append(writes, strings.Repeat("€", size))
		}
		got, n := captured(1000, writes...)
		if int(n) < 60000 || len(got) > 1100 || !strings.Contains(got, " bytes cut] …\n") {
			t.Errorf("writes of %d: %d of %d bytes", size, len(got), n)
		}
		if !utf8.ValidString(got) || strings.Contains(got, "\uFFFD") {
			t.Errorf("writes of %d: a character is cut: %q", size, got)
		}
	}
}

func FuzzCapture(f *testing.F) {
	f.Add("a€", 3, 100)
	f.Fuzz(func(t *testing.T, text string, times, limit int) {
		c := newCapture(limit % 10000)
		for range times % 1000 {
			_, _ = c.Write([]byte(text))
		}
		got, n := c.text()
		if !utf8.ValidString(got) {
			t.Errorf("%q is not UTF-8", got)
		}
		// U+FFFD is three bytes, where one was.
		if want := int64(len(text)) * int64(
			max(times%1000, 0),
		); n != want ||
			len(got) > 3*(2*c.limit)+50 {
			t.Errorf("%d bytes of %d, kept %d", n, want, len(got))
		}
	})
}

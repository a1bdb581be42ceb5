package policies

import (
	"fmt"
	"testing"
)

func TestParsePublished(t *testing.T) {
	for text, want := range map[string]string{
		"8080": "127.0.0.1:8080 8080", "8080:3000": "127.0.0.1:8080 3000",
		"0.0.0.0:8080": "0.0.0.0:8080 8080", "192.0.2.1:8080:3000": "192.0.2.1:8080 3000",
		"[::1]:8080": "[::1]:8080 8080", "[2001:db8::1]:8080:3000": "[2001:db8::1]:8080 3000",
	} {
		p, err := ParsePublished(text)
		if got := fmt.Sprint(p.Host, " ", p.Inside); err != nil || got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "8080:0", "65536", "http", "8080:3000:1",
		"::1:8080", "[::1]8080", "[::1]", "example.com:80", "1.2.3:80", "-1", "+1", "8080:"} {
		if p, err := ParsePublished(text); err == nil {
			t.Errorf("%q is %v", text, p)
		}
	}
}

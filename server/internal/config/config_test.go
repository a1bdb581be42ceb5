package config

import "testing"

func TestAPlainNameFitsIntoAnAddress(t *testing.T) {
	for name, want := range map[string]bool{"notes": true, "A1.b-c_d": true, "": false, ".x": false,
		"-x":  false,
		"a/b": false, "a b": false, "a\x00": false, "é": false, "a?b": false} {
		if plainName(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

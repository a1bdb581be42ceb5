package registry

import (
	"bufio"
	"io"
	"strings"
)

// Netrc finds the name and the password for a host in the text of a ~/.netrc. The entry "default"
// is for every host, if none before it is.
func Netrc(r io.Reader, host string) (name, password string, ok bool) {
	var words []string
	macro := false // the lines of a macro go on until an empty one
	for lines := bufio.NewScanner(r); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "":
			macro = false
		case !macro && !strings.HasPrefix(line, "#"):
			words = append(words, strings.Fields(line)...)
			macro = strings.HasPrefix(line, "macdef ")
		}
	}
	for i := 0; i < len(words); i++ {
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch words[i] {
		case "machine", "default":
			if ok {
				return name, password, true
			}
			if ok = words[i] == "default" || next == host; words[i] == "machine" {
				i++
			}
		case "login", "password", "account", "macdef":
			if ok && words[i] == "login" {
				name = next
			} else if ok && words[i] == "password" {
				password = next
			}
			i++
		}
	}
	return name, password, ok && password != ""
}

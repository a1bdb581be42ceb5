package needs

import (
	"regexp"
	"strings"
)

// Expand replaces the variables of a client's configuration: ${workspaceFolder}, ${userHome},
// ${env:NAME}, ${NAME}, ${NAME:-default}. ok is false if only the client knows the value of one,
// such as ${input:token}.
func (h Host) Expand(text string) (out string, ok bool) {
	if !strings.Contains(text, "${") {
		return text, true
	}
	ok = true
	out = regexp.MustCompile(`\$\{[^{}]*\}`).ReplaceAllStringFunc(text, func(v string) string {
		value, known := h.variable(v[2 : len(v)-1])
		if !known {
			ok = false
			return v
		}
		return value
	})
	return out, ok
}

func (h Host) variable(name string) (value string, known bool) {
	kind, rest, colon := strings.Cut(name, ":")
	switch {
	case kind == "workspaceFolder" || kind == "workspaceRoot" || kind == "CLAUDE_PROJECT_DIR":
		return h.Project, h.Project != ""
	case name == "userHome":
		return h.Home, true
	case name == "/" || name == "pathSeparator":
		return "/", true
	case kind == "env" && colon:
		return h.Getenv(rest), true
	case colon && strings.HasPrefix(rest, "-"): // ${NAME:-default}
		if v := h.Getenv(kind); v != "" {
			return v, true
		}
		return rest[1:], true
	case colon || name == "":
		return "", false
	}
	value = h.Getenv(name)
	return value, value != ""
}

func (f *finder) expand(text string) (string, bool) {
	out, ok := f.h.Expand(text)
	if !ok {
		f.Asked = append(f.Asked, text)
	}
	return out, ok
}

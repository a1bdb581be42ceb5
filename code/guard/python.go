package guard

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/monitor"
)

//go:embed python.py
var pythonProgram string

// python has the interpreter parse the code. What it prints is taken for what it is: text from a
// process that hostile code was fed to.
func (j *judge) python(
	ctx context.Context,
	run func(context.Context, string, []byte) ([]byte, error),
	source []byte,
) error {
	if run == nil {
		return errors.New("no Python to parse it with")
	}
	out, err := run(ctx, pythonProgram, source)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	end, ok := strings.CutPrefix(lines[len(lines)-1], "end\t")
	if n, err := strconv.Atoi(end); !ok || err != nil ||
		n != len(lines)-1 && !(n == 0 && lines[0] == "") {
		return errors.New("the parser ended early")
	}
	for _, line := range lines[:len(lines)-1] {
		if line == "" {
			continue
		}
		if err := j.pythonFact(line); err != nil {
			return err
		}
	}
	return nil
}

func (j *judge) pythonFact(text string) error {
	f := strings.Split(text, "\t")
	if len(f) != 5 {
		return fmt.Errorf("the parser printed something else than a fact")
	}
	kind, name, detail := f[0], safetext.Clean(f[1], 200), safetext.Clean(f[4], 200)
	line, _ := strconv.Atoi(f[2])
	column, _ := strconv.Atoi(f[3])
	at := place{max(line, 1), max(column, 1)}
	switch kind {
	case "import":
		j.named(kindModule, name, at, detail)
	case "ref":
		j.pythonRef(name, at, detail)
	case "star":
		if r, ok := j.lookup(kindModule, name); ok && r.severity.AtLeast(monitor.Medium) {
			j.add(kindModule, r.name, monitor.High, at, r.why, "every name of it is imported")
		}
	case "call":
		j.named(kindCall, name, at, detail)
	case "attr":
		j.pythonAttribute(name, at, detail)
	case "computed":
		j.pythonComputed(name, at)
	case "string":
		j.pythonString(name, at)
	case "path":
		if why := sensitivePath(name); why != "" {
			j.add(kindOther, "path", monitor.High, at, why, name)
		}
	case "def":
		if name == "__reduce__" || name == "__reduce_ex__" {
			j.add(kindAttribute, name, monitor.Medium, at, "decides what unpickling calls",
				"defined here")
		}
	case "encoding":
		j.add(kindOther, "encoding", monitor.High, at,
			"the source is in an encoding that can hide what it says", name)
	case "syntax":
		j.add(kindOther, "syntax", monitor.Low, at, "the code does not compile", name)
	case "complex", "overflow":
		return fmt.Errorf("too large or too deeply nested to be parsed: %s", name)
	}
	return nil
}

// pythonRef judges a dotted name: os.system, or a module that is reached through another one, as in
// random._os.
func (j *judge) pythonRef(name string, at place, how string) {
	if r, ok := j.lookup(kindCall, name); ok && strings.Contains(r.name, ".") {
		j.add(kindCall, r.name, r.severity, at, r.why, how)
		return
	}
	if r, ok := j.lookup(kindModule, name); ok && strings.Contains(r.name, ".") {
		j.add(kindModule, r.name, r.severity, at, r.why, how)
		return
	}
	parts := strings.Split(name, ".")
	if how == "by name" && len(parts) == 1 {
		j.named(kindModule, name, at, how)
		return
	}
	for i := 1; i < len(parts); i++ {
		part := strings.TrimLeft(parts[i], "_")
		if r, ok := j.lookup(kindModule, part); ok && r.severity.AtLeast(monitor.Medium) {
			j.add(kindModule, part, monitor.High, at, "reached through another module: "+r.why,
				name)
			return
		}
		if part == "builtins" || part == "sys" && i < len(parts)-1 {
			j.add(kindModule, part, monitor.High, at, "reached through another module", name)
			return
		}
	}
}

// pythonAttribute: what is ordinary on a class of the snippet's own is the usual first step to the
// interpreter's insides on anything else.
func (j *judge) pythonAttribute(name string, at place, detail string) {
	r, ok := j.lookup(kindAttribute, name)
	if !ok {
		return
	}
	severity, how := r.severity, ""
	switch detail {
	case "own":
		if severity == monitor.High && !strings.Contains(name, "builtins") &&
			!strings.Contains(name, "globals") {
			severity = monitor.Medium
		}
	case "object":
		if name == "__getattribute__" {
			severity = monitor.Low
		}
	case "by name":
		how = detail
	}
	j.add(kindAttribute, r.name, severity, at, r.why, how)
}

func (j *judge) pythonComputed(what string, at place) {
	switch what {
	case "builtins", "modules", "module", "import", "decoded":
		j.add(kindOther, "computed-name", monitor.High, at,
			"a name is computed where only a written one can be judged", what)
	}
}

// pythonString: names of the interpreter's insides in text, for getattr or a format.
func (j *judge) pythonString(text string, at place) {
	for _, r := range pythonAttributes {
		if r.severity != monitor.High || !strings.Contains(text, r.name) ||
			!strings.HasPrefix(r.name, "__") {
			continue
		}
		if text == r.name || strings.Contains(text, "."+r.name) ||
			strings.Contains(text, r.name+"(") ||
			strings.Contains(text, "{") {
			if _, ok := j.lookup(kindAttribute, r.name); ok {
				j.add(kindAttribute, r.name, monitor.High, at, r.why, "in a text")
				return
			}
		}
	}
}

// sensitivePath says why a file should not be of interest to a snippet, or "".
func sensitivePath(path string) string {
	for _, p := range [...]struct{ prefix, why string }{
		{"/etc/", "the system's configuration"}, {"/proc/", "other processes and the kernel"},
		{"/sys/", "the kernel"},
		{"/root", "the administrator's files"}, {"/home/", "people's files"},
		{"/boot/", "the system"}, {"/var/", "the system's data"},
		{"/run/", "sockets of the system's services"}, {"/dev/mem", "the machine's memory"},
		{"/dev/sd", "a disk"}, {"/dev/kmem", "the machine's memory"},
		{"/dev/tcp/", "a network connection"}, {"/dev/udp/", "a network connection"},
		{"/usr/lib", "the system's programs"}, {"/usr/bin", "the system's programs"},
	} {
		if strings.HasPrefix(path, p.prefix) && path != "/proc/self/status" &&
			!strings.HasPrefix(path, "/home/user") &&
			path != "/etc/os-release" {
			return p.why
		}
	}
	if strings.Contains(path, "../..") || strings.Contains(path, ".ssh/") ||
		strings.HasSuffix(path, ".sock") {
		return "outside of the snippet's own files"
	}
	return ""
}

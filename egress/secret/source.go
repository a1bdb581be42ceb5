package secret

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/internal/hint"
)

const (
	minLength   = 8        // bytes: an echo of fewer can't be told from other text
	maxLength   = 16 << 10 // bytes
	commandTime = 30 * time.Second
)

const remedy = "write NAME=env:VARIABLE, NAME=file:PATH or NAME=cmd:COMMAND"

// Source is where a secret's value comes from. The zero value is none.
type Source struct {
	Name  string   // of the secret
	Hosts []string // that it may go to, whatever a policy says; nil: those of the policy

	kind, from string
	lookupEnv  func(string) (string, bool)
	value      Value
}

// Value is a secret. It is printed as "(secret)" and has no JSON.
type Value struct{ text string }

// Reveal is the secret itself.
func (v Value) Reveal() string { return v.text }

func (Value) String() string   { return "(secret)" }
func (Value) GoString() string { return "(secret)" }

// MarshalText keeps a secret out of JSON.
func (Value) MarshalText() ([]byte, error) { return []byte("(secret)"), nil }

// Parse reads NAME=env:VARIABLE, NAME=file:PATH or NAME=cmd:COMMAND. Nothing is read yet.
func Parse(text string, lookupEnv func(string) (string, bool)) (Source, error) {
	name, from, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		if len(text) > 40 || strings.ContainsAny(text, " :") { // it may be the secret
			text = "what was given"
		}
		return Source{}, hint.Errorf(remedy, "%s is no NAME=SOURCE", text)
	}
	s := Source{Name: name, lookupEnv: lookupEnv}
	s.kind, s.from, ok = strings.Cut(from, ":")
	switch {
	case ok && s.from != "" && s.kind == "file":
		s.from, _ = filepath.Abs(s.from) // fails without a working directory: then as it is
		return s, nil
	case ok && s.from != "" && (s.kind == "env" || s.kind == "cmd"):
		return s, nil
	case !ok || s.kind != "env" && s.kind != "file" && s.kind != "cmd":
		return Source{}, hint.Errorf(remedy, "secret %s: that is a value or an unknown source, "+
			"not env:, file: or cmd:", name)
	}
	return Source{}, hint.Errorf(remedy, "secret %s: nothing follows %s:", name, s.kind)
}

// Of is a source that has its value already.
func Of(name, value string) Source {
	return Source{Name: name, kind: "value", value: Value{value}}
}

// String names the source, without the value: "env:GH_TOKEN".
func (s Source) String() string {
	if s.kind == "value" {
		return "value"
	}
	return s.kind + ":" + s.from
}

// GoString is String: %#v would look into the fields.
func (s Source) GoString() string { return s.String() }

// File is the path that the value is read from, "" for other sources.
func (s Source) File() string {
	if s.kind == "file" {
		return s.from
	}
	return ""
}

// Read gets the value. One line feed at its end is not part of it.
func (s Source) Read(ctx context.Context) (Value, error) {
	text, err := s.read(ctx)
	if err != nil {
		return Value{}, fmt.Errorf("secret %s: %w", s.Name, err)
	}
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	bad := func(c rune) bool { return c < ' ' || c == 0x7f }
	switch {
	case text == "":
		return Value{}, hint.Errorf("check "+s.String(), "secret %s is empty", s.Name)
	case len(text) < minLength:
		return Value{}, hint.Errorf("an echo of so few characters can't be found in responses",
			"secret %s has fewer than %d characters", s.Name, minLength)
	case len(text) > maxLength:
		return Value{}, hint.Errorf("check "+s.String(), "secret %s has more than %d bytes",
			s.Name, maxLength)
	case strings.ContainsFunc(text, bad):
		return Value{}, hint.Errorf("check "+s.String()+": it is to be one line",
			"secret %s has several lines, or control characters", s.Name)
	}
	return Value{text}, nil
}

func (s Source) read(ctx context.Context) (string, error) {
	switch s.kind {
	case "value":
		return s.value.text, nil
	case "env":
		text, ok := s.lookupEnv(s.from)
		if !ok {
			return "", hint.Errorf("export "+s.from, "the environment variable %s is not set",
				s.from)
		}
		return text, nil
	case "file":
		f, err := os.Open(s.from)
		if err != nil {
			return "", err
		}
		defer func() { _ = f.Close() }()
		data, err := io.ReadAll(io.LimitReader(f, maxLength+2))
		return string(data), err
	case "cmd":
		return s.run(ctx)
	}
	return "", hint.Errorf(remedy, "it has no source")
}

// run gives what a command prints. What it says on stderr, a question for a password say, is the
// user's to see.
func (s Source) run(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", s.from)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &limited{&out}, os.Stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil && out.Len() <= maxLength {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return "", hint.Errorf("run it by hand: "+s.from, "the command failed: %w", err)
	}
	return out.String(), nil
}

// limited fails when it has more than Read would take: the command then ends.
type limited struct{ to *bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	n, _ := l.to.Write(p[:min(len(p), maxLength+3-l.to.Len())])
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

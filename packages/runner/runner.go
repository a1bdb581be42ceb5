package runner

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Ecosystem is where a package comes from.
type Ecosystem string

const (
	NPM  Ecosystem = "npm"
	PyPI Ecosystem = "pypi"
)

// program is one row of the list.
type program struct {
	words     []string // the program's name, and its subcommand
	ecosystem Ecosystem
	flags     []string // options that change nothing here, and take no value
	from      []string // options whose value is the package, if the word after them is a program
	values    valued   // further options with a value
	dashes    bool     // the runner reads options after the package too, up to "--"
}

// valued are options with a value, and what they do to a request. false: the value is no good.
type valued map[string]func(*Request, string) bool

func programs() []program {
	quiet := []string{"-q", "--quiet"}
	yes := []string{"-y", "--yes", "-q", "--quiet", "-s", "--silent", "--prefer-offline",
		"--prefer-online", "--no-audit", "--no-fund", "--no-update-notifier"}
	npm := []string{"-p", "--package"}
	bun := []string{"--bun", "--silent", "--verbose"}
	uv := append(quiet, "-v", "--verbose", "--no-progress", "--offline", "--isolated", "-n",
		"--no-cache", "--native-tls", "--no-config")
	registry := valued{"--registry": (*Request).setIndex}
	tool := valued{"--with": (*Request).addWith,
		"-w": (*Request).addWith, "--python": (*Request).setPython, "-p": (*Request).setPython,
		"--index": (*Request).addIndex, "--extra-index-url": (*Request).addIndex,
		"--default-index": (*Request).setIndex, "--index-url": (*Request).setIndex,
		"-i": (*Request).setIndex}
	pipx := valued{"--python": (*Request).setPython,
		"--index-url": (*Request).setIndex, "-i": (*Request).setIndex}
	return []program{
		{[]string{"npx"}, NPM, yes, npm, registry, false},
		{[]string{"npm", "exec"}, NPM, yes, npm, registry, true},
		{[]string{"npm", "x"}, NPM, yes, npm, registry, true},
		{[]string{"pnpx"}, NPM, []string{"-s", "--silent"}, []string{"--package"}, nil, false},
		{[]string{"pnpm", "dlx"}, NPM, []string{"-s", "--silent"}, []string{"--package"}, nil,
			false},
		{[]string{"yarn", "dlx"}, NPM, quiet, npm, nil, false},
		{[]string{"bunx"}, NPM, bun, npm, nil, false},
		{[]string{"bun", "x"}, NPM, bun, npm, nil, false},
		{[]string{"uvx"}, PyPI, uv, []string{"--from"}, tool, false},
		{[]string{"uv", "tool", "run"}, PyPI, uv, []string{"--from"}, tool, false},
		{[]string{"pipx", "run"}, PyPI, append(quiet, "--no-cache"), []string{"--spec"}, pipx,
			false},
	}
}

func find(command []string) (program, bool) {
	for _, p := range programs() {
		if len(command) >= len(p.words) && path.Base(command[0]) == p.words[0] &&
			slices.Equal(command[1:len(p.words)], p.words[1:]) {
			return p, true
		}
	}
	return program{}, false
}

// Of names the runner that a command line starts ("npx", "npm exec" …); "": it starts none.
func Of(command []string) string {
	p, _ := find(command)
	return strings.Join(p.words, " ")
}

// Parse reads the command line of a runner. ok is false if it starts none, or if it may run
// something else than one package of a registry.
func Parse(command []string) (r *Request, ok bool) {
	p, ok := find(command)
	if !ok {
		return nil, false
	}
	r = &Request{Ecosystem: p.ecosystem}
	from, words, ok := p.options(r, command[len(p.words):])
	if len(words) > 0 && words[0] == "--" && (p.dashes || p.words[0] == "npx") {
		words, p.dashes = words[1:], false
	}
	if !ok || len(words) == 0 {
		return nil, false
	}
	spec := words[0]
	if from != "" {
		spec, r.Program = from, words[0]
	}
	if r.Args, ok = arguments(words[1:], p.dashes); !ok {
		return nil, false
	}
	return r, r.name(spec) && (r.Program == "" || programName.MatchString(r.Program))
}

// options reads those before the package. from is the package, if one of them names it.
func (p *program) options(r *Request, words []string) (from string, rest []string, ok bool) {
	for len(words) > 0 && strings.HasPrefix(words[0], "-") && words[0] != "--" {
		name, value, joined := strings.Cut(words[0], "=")
		set, isValue := p.values[name]
		if slices.Contains(p.flags, words[0]) {
			words = words[1:]
			continue
		}
		if isFrom := slices.Contains(p.from, name) && from == ""; !isFrom && !isValue ||
			!joined && len(words) < 2 {
			return "", nil, false
		}
		if !joined {
			words = words[1:]
			value = words[0]
		}
		if isValue && !set(r, value) {
			return "", nil, false
		}
		if !isValue {
			from = value
		}
		words = words[1:]
	}
	return from, words, true
}

// arguments are the program's. npm exec takes what looks like an option for its own, up to "--".
func arguments(words []string, dashes bool) ([]string, bool) {
	if !dashes {
		return words, true
	}
	at := slices.Index(words, "--")
	if at < 0 {
		at = len(words)
	}
	if slices.ContainsFunc(words[:at], func(w string) bool { return strings.HasPrefix(w, "-") }) {
		return nil, false
	}
	return slices.Concat(words[:at], words[min(at+1, len(words)):]), true
}

// lazy is a pattern that is compiled when it is first used.
type lazy string

func (l lazy) MatchString(s string) bool { return regexp.MustCompile(string(l)).MatchString(s) }

const (
	npmName     = lazy(`^(@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*$`)
	npmRange    = lazy(`^[0-9A-Za-z.^~<>=*| +_-]+$`)
	pypiName    = lazy(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)
	pypiRange   = lazy(`^[0-9A-Za-z.<>=!~,*+-]+$`)
	programName = lazy(`^[A-Za-z0-9._-]+$`)
)

// Normal is the name that PyPI knows a package by (PEP 503).
func Normal(name string) string {
	return strings.ToLower(regexp.MustCompile(`[-_.]+`).ReplaceAllString(name, "-"))
}

// Split reads NAME[@RANGE]; for PyPI also NAME==VERSION and its like.
func Split(e Ecosystem, spec string) (name, versions string, ok bool) {
	if len(spec) > 214 {
		return "", "", false
	}
	name = spec
	if at := strings.LastIndexByte(spec, '@'); at > 0 {
		name, versions = spec[:at], strings.TrimPrefix(spec[at+1:], "=")
		if versions == "" {
			return "", "", false
		}
	} else if at := strings.IndexAny(spec, "=<>!~"); e == PyPI && at > 0 {
		name, versions = spec[:at], spec[at:]
	}
	if versions == "latest" {
		versions = ""
	}
	if e == PyPI {
		name = Normal(name)
	}
	names, ranges := npmName, npmRange
	if e == PyPI {
		names, ranges = pypiName, pypiRange
	}
	return name, versions, names.MatchString(name) &&
		(versions == "" || ranges.MatchString(versions))
}

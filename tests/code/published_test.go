package code

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	mcpcode "github.com/mcpbox/mcpbox/code"
	"github.com/mcpbox/mcpbox/internal/testhost"
)

// published lists programs that the distribution ships: the examples of its packages
// (python3-examples has most of them), and Python's own modules, many of which do something when
// they are run.
func published(t *testing.T) (files []string) {
	t.Helper()
	var patterns []string
	for _, ending := range []string{"py", "pl", "rb", "lua", "php"} {
		patterns = append(patterns, "/usr/share/doc/*/examples/*."+ending,
			"/usr/share/doc/*/examples/*/*."+ending, "/usr/lib/ruby/gems/*/gems/*/sample/*."+ending)
	}
	patterns = append(patterns, "/usr/lib/python3.*/*.py")
	for _, p := range patterns {
		found, err := filepath.Glob(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			path, err = filepath.EvalSymlinks(path) // several packages may share one folder
			if err == nil && !servers.MatchString(path) && !slices.Contains(files, path) {
				files = append(files, path)
			}
		}
	}
	return files
}

// servers are examples that wait for others, and those that ask the host's name servers: a sandbox
// knows none.
var servers = regexp.MustCompile(
	`/python3-(aiohttp|httpx|websockets|tornado|flask|zeroconf|dns)[^/]*/`)

// unlike what a sandbox promises to be the same: programs that wait, and those that tell of the
// host.
var unlike = regexp.MustCompile(`/(antigravity|webbrowser|platform|sysconfig|site|pydoc|getpass|uuid|` +
	`timeit|nturl2path|tracemalloc|trace|profile|cProfile|pstats|socketserver|smtpd|turtle|ensurepip|` +
	`compileall|pdb|bdb|_sysconfigdata.*|_distutils_system_mod|cmd|code|sre_.*|mailcap|imghdr|sndhdr|cgi|life|userns-block-fd)\.py$`)

// Programs that people publish do in the sandbox what they do bare.
func TestPublishedProgramsBehaveAsBare(t *testing.T) {
	testhost.Need(t, "sandbox", "python3", "root")
	const enough = 90
	same, unstable := 0, 0
	for _, path := range published(t) {
		code, err := os.ReadFile(path)
		if err != nil || len(code) > mcpcode.MaxCode || unlike.MatchString(path) {
			continue
		}
		language := mcpcode.OfFile(path)
		if language == "" || !installed(language) {
			continue
		}
		if same+unstable >= enough {
			break
		}
		want := bare(t, language, string(code), 2)
		if want.Exit == 124 {
			continue // it shows something for ever
		}
		r := run(t, code, "--lang", language, "--no-store", "-")
		got := expected{r.ExitCode, short(r.Stdout), lastLine(r.Stderr)}
		switch {
		case got == want:
			same++
		case bare(t, language, string(code), 2) != want:
			unstable++ // bare, it does not do the same twice
		default:
			t.Errorf("%s: status %s\ngot  %+v\nwant %+v", path, r.Status, got, want)
		}
	}
	t.Logf("%d programs do the same, %d do not do the same twice bare", same, unstable)
	if same < 60 {
		testhost.Lacks(t, "language", "%d published programs only: install python3-examples", same)
	}
}

func installed(language string) bool {
	if language == "typescript" && !stripsTypes() {
		return false
	}
	for _, program := range programs[language] {
		if filepath.IsAbs(program) {
			_, err := os.Stat(program)
			return err == nil
		}
		for _, dir := range []string{"/usr/bin/", "/usr/local/bin/", "/usr/local/go/bin/"} {
			if _, err := os.Stat(dir + program); err == nil {
				return true
			}
		}
	}
	return false
}

// stripsTypes: Node runs TypeScript from version 22.6 on.
func stripsTypes() bool {
	out, err := exec.Command("/usr/bin/node", "-p",
		"process.allowedNodeEnvironmentFlags.has('--experimental-strip-types')").Output()
	return err == nil && strings.TrimSpace(string(out)) == "true"
}

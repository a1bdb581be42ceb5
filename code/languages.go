package code

import (
	"path"
	"strings"

	"github.com/mcpbox/mcpbox/code/guard"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

// Language says how code of a language is run. In commands, PROGRAM is the program that was found,
// FILE the snippet's file, BINARY what the compiler made.
type Language struct {
	Name     string
	Aliases  []string
	File     string         // the snippet's name in /work
	Guard    guard.Language // "": no guard knows it
	Programs []string       // the first that is there: a name, or a path below the sandbox's /usr
	Package  string         // the Debian package that has it
	Compile  []string       // nil: interpreted
	Run      []string
	Env      []string
	Version  int       // the least major version, 0: any
	Prestart *Prestart // nil: it is started with its snippet
	Session  *Prestart // what runs the snippets of a session; nil: the language has none
	Library  *Library  // nil: the compiler has nothing to keep

	// Memory is what the interpreter needs to start, where that is more than a tier may have.
	Memory policies.Size
}

// OfFile guesses the language from a file's name, "" if it can't.
func OfFile(name string) string {
	ending := path.Ext(name)
	for _, l := range languages() {
		if ending != "" && path.Ext(l.File) == ending {
			return l.Name
		}
	}
	switch ending {
	case ".mjs", ".cjs":
		return "node"
	case ".cpp", ".cxx":
		return "c++"
	}
	return ""
}

// Names in commands.
const (
	program = "PROGRAM"
	file    = "FILE"
	binary  = "BINARY"

	bootFile = "/home/user/.mcpbox-boot.cjs" // of node's Prestart
)

// languages is data: a function, so that it costs nothing at start.
func languages() []Language {
	run := []string{program, file}
	return []Language{
		{
			Name:     "python",
			Aliases:  []string{"py", "python3"},
			File:     "main.py",
			Guard:    guard.Python,
			Programs: []string{"python3"},
			Package:  "python3",
			Run:      []string{program, "-I", file},
			Prestart: &Prestart{Run: []string{program, "-I", "-c", boot}, Boot: bootPython},
			Session:  &Prestart{Run: []string{program, "-I", "-c", boot}, Boot: sessionPython},
		},
		{
			Name:     "node",
			Aliases:  []string{"javascript", "js", "nodejs"},
			File:     "main.js",
			Guard:    guard.JavaScript,
			Programs: []string{"node", "nodejs"},
			Package:  "nodejs",
			Run:      run,
			Env:      []string{"NODE_NO_WARNINGS=1"},
			Prestart: &Prestart{
				Run:  []string{program, "-r", boot, file},
				Boot: bootNode,
				File: bootFile,
			},
			Session: &Prestart{Run: []string{program, boot}, Boot: sessionNode, File: bootFile},
		},
		{
			Name:     "typescript",
			Aliases:  []string{"ts"},
			File:     "main.ts",
			Guard:    guard.JavaScript,
			Programs: []string{"node", "nodejs"},
			Package:  "nodejs (22 or later)",
			Run: []string{
				program,
				"--experimental-strip-types",
				file,
			},
			Prestart: &Prestart{
				Run:  []string{program, "--experimental-strip-types", "-r", boot, file},
				Boot: bootNode,
				File: bootFile,
			},
			Env:     []string{"NODE_NO_WARNINGS=1"},
			Version: 22,
		},
		{
			Name:     "bash",
			Aliases:  []string{"sh", "shell"},
			File:     "main.sh",
			Guard:    guard.Shell,
			Programs: []string{"bash"},
			Package:  "bash",
			Run:      run,
			Session:  &Prestart{Run: []string{program, "-c", boot, "bash"}, Boot: sessionBash},
		},
		{
			Name:     "perl",
			Aliases:  []string{"pl"},
			File:     "main.pl",
			Programs: []string{"perl"},
			Package:  "perl",
			Run:      run,
		},
		{
			Name:     "ruby",
			Aliases:  []string{"rb"},
			File:     "main.rb",
			Programs: []string{"ruby"},
			Package:  "ruby",
			Run:      run,
		},
		{Name: "php", File: "main.php", Programs: []string{"php"}, Package: "php-cli", Run: run},
		{
			Name:     "lua",
			File:     "main.lua",
			Programs: []string{"lua5.4", "lua", "lua5.3", "luajit"},
			Package:  "lua5.4",
			Run:      run,
		},
		{
			Name:     "go",
			Aliases:  []string{"golang"},
			File:     "main.go",
			Programs: []string{"go", "/usr/local/go/bin/go", "/usr/lib/go/bin/go"},
			Package:  "golang-go",
			Compile: []string{
				program,
				"build",
				"-trimpath",
				"-ldflags=-s -w",
				"-o",
				binary,
				file,
			},
			Run: []string{binary},
			Env: []string{
				"GOCACHE=/tmp/go-cache",
				"GOPATH=/tmp/go",
				"GOTOOLCHAIN=local",
				"GOPROXY=off",
				"GOTELEMETRY=off",
				"CGO_ENABLED=0",
				"GO111MODULE=off",
			},
			Library: &Library{
				Make: []string{program, "build", "-trimpath", "std"},
				Env:  []string{"GOCACHE=" + libraryFolder},
				// The compiler writes to its cache: links in a folder of its own. trim.txt keeps it
				// from looking for old entries.
				Use: []string{
					"/bin/sh",
					"-c",
					`cp -rs "$1/." /tmp/go-cache && rm -f /tmp/go-cache/trim.txt &&
date +%s >/tmp/go-cache/trim.txt; shift; exec "$@"`,
					"sh",
					library,
				},
			},
		},
		{
			Name:     "c",
			File:     "main.c",
			Programs: []string{"gcc", "cc", "clang"},
			Package:  "gcc libc6-dev",
			Compile: []string{
				program,
				"-O1",
				"-o",
				binary,
				file,
				"-lm",
				"-lpthread",
			},
			Run: []string{binary},
		},
		{
			Name:     "c++",
			Aliases:  []string{"cpp", "cxx", "cc"},
			File:     "main.cc",
			Programs: []string{"g++", "c++", "clang++"},
			Package:  "g++",
			Compile: []string{
				program,
				"-O1",
				"-std=c++17",
				"-o",
				binary,
				file,
				"-lpthread",
			},
			Run: []string{binary},
		},
		{
			Name:     "rust",
			Aliases:  []string{"rs"},
			File:     "main.rs",
			Programs: []string{"rustc"},
			Package:  "rustc",
			Compile:  []string{program, "-O", "-o", binary, file},
			Run:      []string{binary},
		},
		{
			Name:     "java",
			File:     "Main.java",
			Programs: []string{"java"},
			Package:  "openjdk-17-jdk-headless",
			// The sandbox's JAVA_TOOL_OPTIONS would be announced on standard error.
			Run: []string{
				"/usr/bin/env",
				"-u",
				"JAVA_TOOL_OPTIONS",
				program,
				"-XX:+UseSerialGC",
				"-XX:TieredStopAtLevel=1",
				"-Xshare:auto",
				"-Xss512k",
				"-Xmx96m",
				"-XX:-UsePerfData",
				file,
			},
			Memory: 192 << 20,
		},
	}
}

// Names lists the languages.
func Names() (names []string) {
	for _, l := range languages() {
		names = append(names, l.Name)
	}
	return names
}

// Lookup finds a language by its name or an alias.
func Lookup(name string) (*Language, error) {
	name = strings.ToLower(name)
	for _, l := range languages() {
		if l.Name == name {
			return &l, nil
		}
		for _, a := range l.Aliases {
			if a == name {
				return &l, nil
			}
		}
	}
	return nil, hint.Errorf("use one of: "+strings.Join(Names(), ", "), "unknown language %q", name)
}

// command fills in what the table leaves open.
func command(words []string, with map[string]string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		if v, ok := with[w]; ok {
			w = v
		}
		out[i] = w
	}
	return out
}

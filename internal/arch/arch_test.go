package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/mcpbox/mcpbox"

// layers, lowest first. A package imports only packages of lower layers, of its own folder, or
// under internal/. Packages that are not listed are in no layer.
var layers = [][]string{
	{"policies"},
	{"monitor"},
	{"seccomp", "cgroups", "rootfs", "egress"},
	{"runtime/internal"},
	{"runtime"},
	{"report"},
	{"pool"},
	{"resident"},
	{"packages/runner", "packages/registry", "packages/provenance"},
	{"packages/npm", "packages/pypi"},
	{"packages/audit", "packages/osv"},
	{"packages", "code", "mcp/internal/wire", "mcp/internal/sanitize", "mcp/internal/schema"},
	{"mcp/internal/mark", "mcp/access", "mcp/pin", "mcp/audit", "mcp/launch"},
	{"mcp/identity", "mcp/store", "mcp/learn", "mcp/proxy", "mcp/clientconfig",
		"mcp/needs", "mcp/trial"},
	{"packages/admission"},
	{"server"},
	{"cmd/mcpbox"},
}

// doors lists, for each library that opens the kernel or a file format, the packages that may
// import it.
var doors = map[string][]string{
	"github.com/opencontainers/runc": {"runtime/internal/container"},
	// libcontainer's configuration types
	"github.com/opencontainers/cgroups": {"runtime/internal/container"},
	// to silence libcontainer
	"github.com/sirupsen/logrus":           {"runtime/internal/container"},
	"github.com/seccomp/libseccomp-golang": {"seccomp"},
	"github.com/goccy/go-yaml": {"policies/internal/yaml", "server/internal/config",
		"mcp/clientconfig"},
	"github.com/containerd/cgroups":       {"cgroups"},
	"github.com/coreos/go-systemd":        {"cgroups"},
	"github.com/godbus/dbus":              {"cgroups"},
	"github.com/landlock-lsm/go-landlock": {"runtime/internal/landlock"},
	"github.com/spf13/cobra":              {"cmd/mcpbox"},
	"github.com/mattn/go-sqlite3": {"internal/sqlite", "mcp/store", "code/store",
		"server/internal/state"},
	"github.com/tdewolff/parse": {"code/guard"},
	"mvdan.cc/sh":               {"code/guard"},
}

// pure packages check and rewrite data. They start no process and need nothing of the kernel.
var pure = []string{"policies", "mcp/access", "mcp/audit", "mcp/clientconfig", "mcp/identity",
	"mcp/internal", "mcp/learn", "mcp/needs", "mcp/pin", "mcp/store", "packages/audit",
	"packages/runner", "packages/npm"}

// initMay lists what PID 1 of the sandbox may import in addition to the standard library.
var initMay = []string{module + "/internal/initproto", "golang.org/x/sys"}

type pkg struct {
	ImportPath string
	Name       string
	Dir        string
	GoFiles    []string
	CgoFiles   []string
	Imports    []string
}

// packages returns the module's packages by path below the module.
func packages(t *testing.T) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Dir,GoFiles,CgoFiles,Imports",
		"./...")
	cmd.Dir = filepath.Join("..", "..")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	all := map[string]pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(p.ImportPath, module+"/")] = p
	}
	if len(all) < 8 {
		t.Fatalf("go list found %d packages only: nothing was checked", len(all))
	}
	return all
}

func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

// layerOf returns the layer and the folder that path belongs to, or -1.
func layerOf(path string) (level int, folder string) {
	level = -1
	for i, names := range layers {
		for _, name := range names {
			if within(path, name) && len(name) > len(folder) {
				level, folder = i, name
			}
		}
	}
	return level, folder
}

func TestImportsFlowDown(t *testing.T) {
	for path, p := range packages(t) {
		level, folder := layerOf(path)
		for _, imp := range p.Imports {
			below, ours := strings.CutPrefix(imp, module+"/")
			if !ours || within(path, "tests") {
				continue
			}
			if within(below, "tests") {
				t.Errorf("%s imports the test helper %s", path, below)
			}
			to, toFolder := layerOf(below)
			switch {
			case within(path, "internal") && to >= 0:
				t.Errorf("%s imports %s: what is under internal/ serves every layer and knows none",
					path, below)
			case to >= 0 && level >= 0 && to >= level && folder != toFolder:
				t.Errorf("%s imports %s: imports flow down only", path, below)
			}
		}
	}
}

func TestPurePackagesStartNoProcess(t *testing.T) {
	for path, p := range packages(t) {
		for _, imp := range p.Imports {
			isPure := slices.ContainsFunc(pure, func(root string) bool {
				return within(path,
					root)
			})
			if isPure && within(imp, module+"/runtime") {
				t.Errorf("%s imports %s: it may only judge data", path, imp)
			}
		}
	}
}

func TestEachKernelLibraryHasOneImporter(t *testing.T) {
	used := map[string]bool{}
	for path, p := range packages(t) {
		for _, imp := range p.Imports {
			for lib, owners := range doors {
				if !within(imp, lib) {
					continue
				}
				used[lib] = true
				if !slices.ContainsFunc(owners, func(o string) bool { return within(path, o) }) {
					t.Errorf("%s imports %s: only %s may", path, imp, strings.Join(owners, ", "))
				}
			}
		}
	}
	for lib := range doors {
		if !used[lib] {
			t.Errorf("nobody imports %s: its rule is out of date", lib)
		}
	}
}

func TestInitImportsFewPackages(t *testing.T) {
	for path, p := range packages(t) {
		if path != "cmd/mcpbox-init" && path != "internal/initproto" {
			continue
		}
		for _, imp := range p.Imports {
			standard := !strings.Contains(strings.SplitN(imp, "/", 2)[0], ".")
			if !standard && !slices.ContainsFunc(initMay,
				func(m string) bool { return within(imp, m) }) {
				t.Errorf("%s imports %s: PID 1 of the sandbox may have the standard library and "+
					"%s only", path, imp, strings.Join(initMay, ", "))
			}
		}
	}
}

// Library code returns errors and emits events; it never logs and never prints.
func TestLibrariesNeitherLogNorPrint(t *testing.T) {
	for path, p := range packages(t) {
		if within(path, "cmd") || within(path, "server") || within(path, "tests") ||
			p.Name == "main" {
			continue
		}
		for _, imp := range p.Imports {
			if imp == "log" && path == "egress/intercept" {
				continue // it takes a logger to silence net/http
			}
			if imp == "log" || imp == "log/slog" {
				t.Errorf("%s imports %s", path, imp)
			}
		}
		for _, name := range append(p.GoFiles, p.CgoFiles...) {
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil,
				parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if what := printer(call.Fun); what != "" {
						t.Errorf("%s: %s in a library", fset.Position(call.Pos()), what)
					}
				}
				return true
			})
		}
	}
}

// printer names the printing function that fun is, or "".
func printer(fun ast.Expr) string {
	switch fun := fun.(type) {
	case *ast.Ident:
		if fun.Name == "print" || fun.Name == "println" {
			return fun.Name
		}
	case *ast.SelectorExpr:
		if x, ok := fun.X.(*ast.Ident); ok && x.Name == "fmt" &&
			strings.HasPrefix(fun.Sel.Name, "Print") {
			return "fmt." + fun.Sel.Name
		}
	}
	return ""
}

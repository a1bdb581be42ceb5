package needs

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree makes files below a folder. A name that ends in / is a folder; "a -> b" is a link.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		mode := os.FileMode(0o644)
		if strings.Contains(name, "bin/") {
			mode = 0o755
		}
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		switch to, link := strings.CutPrefix(text, "-> "); {
		case err != nil:
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		case link:
			err = os.Symlink(to, path)
		default:
			err = os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)), mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func host(dir string) Host {
	return Host{Home: dir + "/home", Path: dir + "/path/bin:/usr/bin:/bin", State: dir + "/state",
		Getenv: func(name string) string { return map[string]string{"SET": "yes"}[name] },
		Shown: func(p string) bool {
			return within(p, "/usr") || within(p, "/bin") || within(p, "/lib")
		}}
}

// said returns the needs in one line, without the common folder.
func said(n Needs, dir string) string {
	var out []string
	for _, m := range n.Mounts {
		mode := ""
		if m.Write {
			mode = ":rw"
		}
		out = append(out, m.Source+mode)
	}
	if n.Dir != "" {
		out = append(out, "in "+n.Dir)
	}
	out = append(out, n.Env...)
	if n.Home != "" {
		out = append(out, "home "+n.Home)
	}
	return strings.ReplaceAll(strings.Join(out, " "), dir, "")
}

func TestFoldersOfProgramsAreFound(t *testing.T) {
	dir := tree(t, map[string]string{
		"npm/node_modules/.bin/srv":                   "-> ../srv/dist/index.js",
		"npm/node_modules/srv/dist/index.js":          "#!/usr/bin/env node\n",
		"mono/node_modules/":                          "",
		"mono/packages/a/package.json":                "{}",
		"mono/packages/a/dist/index.js":               "",
		"py/.venv/pyvenv.cfg":                         "home = DIR/pyenv/versions/3/bin\n",
		"py/.venv/bin/python":                         "-> ../../../pyenv/versions/3/bin/python3",
		"pyenv/versions/3/bin/python3":                "\x7fELF",
		"pyenv/versions/3/lib/":                       "",
		"py/.venv/bin/srv":                            "#!DIR/py/.venv/bin/python\n",
		"py/src/":                                     "",
		"py/.venv/lib/python3/site-packages/":         "",
		"py/.venv/lib/python3/site-packages/edit.pth": "DIR/py/src\nimport x\n",
		"go/bin/srv":                                  "\x7fELF",
		"opt/acme/bin/srv":                            "\x7fELF",
		"opt/acme/lib/":                               "",
		"home/bin/srv":                                "\x7fELF",
		"home/srv.py":                                 "",
		"home/.nvm/versions/node/v1/bin/x":            "\x7fELF",
		"home/.nvm/versions/node/v1/lib/":             "",
		"path/bin/tool":                               "\x7fELF",
		"path/bin/shims/":                             "",
		"proj/pyproject.toml":                         "",
		"proj/server.py":                              "",
		"proj/pkg/":                                   "",
		"java/x.jar":                                  "",
	})
	for command, want := range map[string]string{
		"DIR/npm/node_modules/.bin/srv":       "/npm/node_modules",
		"node DIR/npm/node_modules/srv/dist/": "/npm/node_modules",
		"node --no-warnings DIR/mono/packages/a/dist/index.js": "/mono/packages/a " +
			"/mono/node_modules",
		"DIR/py/.venv/bin/srv":                 "/py/.venv /pyenv/versions/3 /py/src",
		"DIR/py/.venv/bin/python -m x":         "/py/.venv /pyenv/versions/3 /py/src",
		"DIR/go/bin/srv stdio":                 "/go/bin",
		"DIR/opt/acme/bin/srv":                 "/opt/acme",
		"DIR/home/bin/srv":                     "/home/bin/srv",
		"python3 DIR/home/srv.py":              "/home/srv.py",
		"DIR/home/.nvm/versions/node/v1/bin/x": "/home/.nvm/versions/node/v1",
		"tool -x": "/path/bin " +
			"PATH=/path/bin:/usr/local/bin:/usr/bin:/bin",
		"python3 -u DIR/proj/server.py":           "/proj",
		"java -Xmx1g -jar DIR/java/x.jar a":       "/java",
		"nosuch":                                  "",
		"node -e 1 DIR/nosuch":                    "",
		"npx -y @x/y DIR/proj":                    "/proj",
		"/usr/bin/env python3 DIR/proj/server.py": "/proj",
	} {
		words := strings.Fields(strings.ReplaceAll(command, "DIR", dir))
		if got := said(Of(Server{Command: words}, host(dir)), dir); got != want {
			t.Errorf("%s\n  got  %s\n  want %s", command, got, want)
		}
	}
	h := host(dir)
	h.Project = dir + "/proj"
	for command, want := range map[string]string{
		"python3 server.py":       "/proj in /proj",
		"python3 -m pkg":          "/proj in /proj",
		"python3 -m pkg.other":    "/proj in /proj",
		"python3 nosuch.py":       "",
		"node server.py ./nosuch": "/proj in /proj",
		"srv --dir ./pkg":         "/proj in /proj",
		"srv pkg":                 "",
	} {
		if got := said(Of(Server{Command: strings.Fields(command)}, h), dir); got != want {
			t.Errorf("in the project: %s\n  got  %s\n  want %s", command, got, want)
		}
	}
}

func TestKnownWritersGetWritableFolders(t *testing.T) {
	dir := tree(t, map[string]string{"a/": "", "b/x.db": "", "repo/": "", "f.txt": ""})
	for _, c := range []struct {
		command string
		env     map[string]string
		want    string
	}{
		{"npx -y @modelcontextprotocol/server-filesystem DIR/a DIR/b", nil, "/a:rw /b:rw"},
		{"mcp-server-filesystem DIR/f.txt", nil, "/f.txt"},
		{"uvx mcp-server-git --repository DIR/repo", nil, "/repo:rw"},
		{"python3 -m mcp_server_git -r DIR/repo", nil, "/repo:rw"},
		{"npx mcp-server-sqlite-npx DIR/b/x.db", nil, "/b:rw"},
		{"uvx mcp-server-sqlite --db-path DIR/b/new.db", nil, "/b:rw"},
		{"other DIR/a --config DIR/f.txt", nil, "/a /f.txt"},
		{"other --output-dir=DIR/a", nil, "/a:rw"},
		{"other", map[string]string{"CACHE_DIR": dir + "/a", "LIST": dir + "/b:" + dir + "/repo"},
			"/a:rw /b /repo"},
		{"other", map[string]string{"DB": "sqlite:///" + dir[1:] + "/b/x.db", "URL": "https://a/b"},
			""},
		{"other", map[string]string{"FILE": "file://" + dir + "/f.txt"}, "/f.txt"},
		{"npx @modelcontextprotocol/server-memory", nil,
			"MEMORY_FILE_PATH=/home/user/memory.jsonl home /state/my_name"},
		{"npx @modelcontextprotocol/server-memory",
			map[string]string{"MEMORY_FILE_PATH": dir + "/a/new.jsonl"}, "/a:rw"},
	} {
		s := Server{Name: "my name", Env: c.env,
			Command: strings.Fields(strings.ReplaceAll(c.command, "DIR", dir))}
		if got := said(Of(s, host(dir)), dir); got != c.want {
			t.Errorf("%s %v\n  got  %s\n  want %s", c.command, c.env, got, c.want)
		}
	}
}

// A server may write to the folder that its own code is in. The code stays read-only.
func TestCodeInsideAWritableFolderStaysReadOnly(t *testing.T) {
	dir := tree(t, map[string]string{
		"p/node_modules/server-filesystem/dist/index.js": "", "p/docs/": "",
		"q/package.json": "", "q/node_modules/": "", "q/dist/server-filesystem/index.js": "",
		"r/.venv/pyvenv.cfg": "", "r/.venv/bin/mcp-server-git": "#!/usr/bin/python3\n",
	})
	for command, want := range map[string]string{
		"node DIR/p/node_modules/server-filesystem/dist/index.js DIR/p": "/p:rw /p/node_modules",
		"node DIR/p/node_modules/server-filesystem/dist/index.js DIR/p/docs": "/p/node_modules " +
			"/p/docs:rw",
		"node DIR/q/dist/server-filesystem/index.js DIR/q": "/q:rw /q/node_modules /q/dist",
		"DIR/r/.venv/bin/mcp-server-git -r DIR/r":          "/r:rw /r/.venv",
	} {
		words := strings.Fields(strings.ReplaceAll(command, "DIR", dir))
		if got := said(Of(Server{Command: words}, host(dir)), dir); got != want {
			t.Errorf("%s\n  got  %s\n  want %s", command, got, want)
		}
	}
}

func TestProtectedPathsAreNeverMounted(t *testing.T) {
	dir := tree(t, map[string]string{
		"home/.ssh/id_ed25519": "", "home/.config/x/y": "", "home/docs/": "",
		"k/server.key": "", "k/ca.pem": "CERTIFICATE",
		"k/key.pem": "-----BEGIN RSA PRIVATE KEY-----",
		"k/sa.json": `{"private_key": "x"}`, "k/.env.local": "", "k/plain.json": "{}",
		"k/id_rsa.pub": "", "link": "-> home/.ssh",
	})
	l, err := net.Listen("unix", dir+"/sock")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for path, may := range map[string]bool{
		"/home": false, "": false, "/home/.ssh": false, "/home/.ssh/id_ed25519": false,
		"/home/.config/x/y": false, "/home/.config": false, "/link": false, "/sock": false,
		"/k/server.key": false, "/k/key.pem": false, "/k/sa.json": false, "/k/.env.local": false,
		"/home/docs": true, "/k/ca.pem": true, "/k/plain.json": true, "/k/id_rsa.pub": true,
	} {
		n := Of(Server{Command: []string{"srv", dir + path}}, host(dir))
		if len(n.Mounts) == 1 != may || len(n.Notes) == 1 == may {
			t.Errorf("%s: %+v", path, n)
		}
	}
	for _, path := range []string{"/", "/etc", "/dev/sda", "/proc/1"} {
		if n := Of(Server{Command: []string{"srv", path}}, host(dir)); len(n.Mounts) > 0 {
			t.Errorf("%s: %+v", path, n)
		}
	}
	if got := Exposed(dir + "/home"); !slices.Equal(got, []string{".ssh"}) {
		t.Errorf("exposed: %q", got)
	}
	if got := Exposed(dir + "/k"); !slices.Equal(got, []string{".env.local", "key.pem", "sa.json",
		"server.key"}) {
		t.Errorf("exposed: %q", got)
	}
}

func TestVariablesOfTheConfigurationAreExpanded(t *testing.T) {
	h := Host{Home: "/h", Project: "/p", Getenv: func(name string) string {
		return map[string]string{"SET": "yes"}[name]
	}}
	for text, want := range map[string]string{
		"plain": "plain", "${workspaceFolder}/x": "/p/x", "${workspaceFolder:app}": "/p",
		"${userHome}": "/h", "${env:SET}-${env:UNSET}": "yes-", "${SET}": "yes",
		"${UNSET:-else}": "else", "${SET:-else}": "yes",
	} {
		if got, ok := h.Expand(text); got != want || !ok {
			t.Errorf("%s: %q, %v", text, got, ok)
		}
	}
	for _, text := range []string{"${input:token}", "${UNSET}", "${}", "${command:x}"} {
		if got, ok := h.Expand(text); ok || got != text {
			t.Errorf("%s: %q, %v", text, got, ok)
		}
	}
	n := Of(Server{Command: []string{"srv", "${input:dir}"}}, h2())
	if len(n.Asked) != 1 || len(n.Mounts) != 0 {
		t.Errorf("%+v", n)
	}
	n = Of(Server{Command: []string{"node", "${workspaceFolder}/x.js"}}, h2())
	if len(n.Mounts) != 1 || n.Mounts[0].Source != "${workspaceFolder}" {
		t.Errorf("%+v", n)
	}
}

func h2() Host {
	return Host{Home: "/h", Getenv: func(string) string { return "" },
		Shown: func(string) bool { return false }}
}

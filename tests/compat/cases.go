package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// program is a command that prints the same each time; own: not the same inside.
type program struct {
	name    string
	command []string
	flags   string
	own     bool
}

var programs = []program{
	{name: "sh, a write to /dev/stdout", command: []string{"sh", "-c", "echo hi >/dev/stdout"}},
	{name: "tee /dev/stderr", command: []string{"sh", "-c", "echo hi | tee /dev/stderr"}},
	{name: "python3", command: []string{"/usr/bin/python3", "-c",
		"import ssl, sqlite3, json, multiprocessing; print(sum(range(10)))"}},
	{name: "python3, a process pool", command: []string{"/usr/bin/python3", "-c",
		"import concurrent.futures as f\n" +
			"with f.ProcessPoolExecutor(2) as p: print(list(p.map(abs, [-1, -2])))"}},
	{name: "node", command: []string{"node", "-e",
		"new (require('worker_threads').Worker)('0', {eval: true})" +
			".on('exit', c => console.log(c))"}},
	{name: "php", command: []string{"php", "-r", "echo count(get_loaded_extensions());"}},
	{name: "lua", command: []string{"lua", "-e", "print(os.getenv('LANG'))"}},
	{name: "perl", command: []string{"perl", "-MPOSIX", "-e", "print floor(3.7)"}},
	{name: "java", command: []string{"java", "-version"}},
	{name: "java, a single source file", command: []string{"sh", "-c",
		"printf 'class A { public static void main(String[] a) { System.out.println(42); } }' " +
			">$HOME/A.java && java $HOME/A.java"}},
	{name: "gcc", command: []string{"sh", "-c",
		"cd $(mktemp -d) && printf 'int main(void) { return 0; }' >compat.c && " +
			"gcc -o compat compat.c && " +
			"./compat && echo built"}},
	{name: "git", command: []string{"sh", "-c",
		"cd $(mktemp -d) && git init -q . && " +
			"git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x && " +
			"git log --format=%s"}},
	{name: "sqlite3", command: []string{"sqlite3", ":memory:", "select sqlite_version() > '3'"}},
	{name: "tar, set-group-ID folders", command: []string{"sh", "-c",
		"cd $(mktemp -d) && mkdir compat-g && chmod 2775 compat-g && " +
			"tar cf compat-g.tar compat-g && tar xpf compat-g.tar && echo kept"}},
	{name: "make -j4", command: []string{"sh", "-c",
		"printf 'all: a b\\na b:\\n\\t@true\\n' | make -s -j4 -f - && echo made"}},
	{name: "lscpu", command: []string{"sh", "-c", "lscpu >/dev/null && echo listed"}},
	{name: "openssl", command: []string{"openssl", "dgst", "-sha256", "/usr/bin/env"}},
	{name: "busybox", command: []string{"busybox", "sha256sum", "/usr/bin/env"}},
	{name: "chromium --headless", command: []string{"chromium", "--headless", "--no-sandbox",
		"--disable-gpu", "--dump-dom", "data:text/html,<p>hi"}, flags: "--policy browser"},
	{name: "curl, without a network", command: []string{"sh", "-c",
		"curl -s http://192.0.2.1 || echo none"}, own: true},
}

// server is one as its page says to configure it. HOME is the account's own folder.
type server struct {
	name    string
	command []string
	env     []string
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// serverList are the servers of tests/integration.
func (b *bench) serverList() (out []server, err error) {
	official := filepath.Join(b.servers, "node_modules", "@modelcontextprotocol")
	clients := filepath.Join(b.servers, "clients")
	browsers := filepath.Join(b.servers, "browsers", "node_modules")
	native := filepath.Join(b.servers, "native", "node_modules")
	for _, dir := range []string{official, filepath.Join(clients, "node_modules"), browsers,
		native} {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("run the tests of tests/integration first: %w", err)
		}
	}
	out = []server{
		{name: "memory", command: []string{"node", official + "/server-memory/dist/index.js"}},
		{name: "filesystem", command: []string{"node",
			official + "/server-filesystem/dist/index.js", "HOME/notes"}},
		{name: "everything", command: []string{"node",
			official + "/server-everything/dist/index.js", "stdio"}},
		{name: "git", command: []string{clients + "/node_modules/.bin/mcp-git", "HOME/repo"}},
		{name: "sqlite (Python)", command: []string{"/usr/bin/python3",
			clients + "/servers/sqlite.py", "HOME/data/notes.db"}},
		{name: "playwright", command: []string{"node", browsers + "/@playwright/mcp/cli.js",
			"--headless", "--isolated", "--no-sandbox", "--executable-path", "/usr/bin/chromium"}},
		{name: "puppeteer", command: []string{"node",
			browsers + "/@modelcontextprotocol/server-puppeteer/dist/index.js"},
			env: []string{"PUPPETEER_EXECUTABLE_PATH=/usr/bin/chromium"}},
		{name: "chrome-devtools", command: []string{"node",
			browsers + "/chrome-devtools-mcp/build/src/bin/chrome-devtools-mcp.js", "--headless",
			"--isolated", "--executablePath", "/usr/bin/chromium", "--chromeArg=--no-sandbox"}},
		{name: "azure (.NET)", command: []string{native + "/.bin/azmcp-linux-x64", "server",
			"start"}},
		{name: "cortex (Rust)", command: []string{
			native + "/@temporal-cortex/cortex-mcp-linux-x64/bin/cortex-mcp"}},
		{name: "time (Go)", command: []string{native + "/mcp-time-linux-x64/bin/mcp-time"}},
	}
	if demo, err := filepath.Abs("bin/demo/notesserver"); err == nil && exists(demo) {
		out = append(out, server{name: "notes (Go)", command: []string{demo, "HOME/notes"}})
	}
	for _, a := range b.who {
		for _, dir := range []string{"notes", "repo", "data"} {
			if err := os.MkdirAll(filepath.Join(a.home, dir), 0o755); err != nil {
				return nil, err
			}
			if a.cred != nil {
				if err := os.Chown(filepath.Join(a.home, dir), int(a.cred.Uid),
					int(a.cred.Gid)); err != nil {
					return nil, err
				}
			}
		}
		git := exec.Command("git", "init", "-q", filepath.Join(a.home, "repo"))
		if a.cred != nil {
			git.SysProcAttr = &syscall.SysProcAttr{Credential: a.cred}
		}
		if said, err := git.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("git init: %w: %s", err, said)
		}
	}
	return out, nil
}

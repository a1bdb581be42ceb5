package egress

import (
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/internal/testnet"
)

// outside starts a real server beside the world's own, and waits until it listens.
func (w *world) outside(port int, uid int, args ...string) {
	w.t.Helper()
	if uid != 0 {
		id := strconv.Itoa(uid)
		args = append([]string{"setpriv", "--reuid", id, "--regid", id, "--clear-groups"}, args...)
	}
	cmd := w.Outside(args...)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	w.t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	})
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		var conn net.Conn
		open := false
		w.Here(func() (err error) {
			conn, err = net.DialTimeout("tcp",
				net.JoinHostPort(testnet.Public, strconv.Itoa(port)), time.Second)
			open = err == nil
			return nil
		})
		if open {
			conn.Close()
			return
		}
		select {
		case <-ended:
			w.t.Fatalf("%v ended: %s", args, log.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	w.t.Fatalf("%v does not listen: %s", args, log.String())
}

// owned is a folder of a user's.
func owned(t *testing.T, uid int) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "egress-server-")
	if err == nil {
		err = os.Chown(dir, uid, uid)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestRedis(t *testing.T) {
	testhost.Need(t, "redis")
	w := newWorld(t)
	w.outside(6379, 12345, "redis-server", "--port", "6379", "--bind", testnet.Public, "--save", "",
		"--protected-mode", "no", "--dir", owned(t, 12345))
	set := []string{"redis-cli", "-h", api, "set", "key", "a value that came through"}
	r := w.mcpbox(append([]string{"--allow-net", api + ":6379", "--"}, set...)...)
	if !strings.Contains(r.stdout, "OK") || len(r.result.Events) > 0 {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	r = w.mcpbox("--allow-net", api+":6379", "--", "sh", "-c",
		"(echo get key; sleep 0.2; echo get key) | redis-cli -h "+api)
	if strings.Count(r.stdout, "a value that came through") != 2 {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	w.attack("OK", "", []string{"--allow-net", api}, set...)
}

func TestPostgreSQL(t *testing.T) {
	testhost.Need(t, "postgres")
	account, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(account.Uid)
	w := newWorld(t)
	programs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	dir := owned(t, uid)
	init := exec.Command("setpriv", "--reuid", account.Uid, "--regid", account.Gid,
		"--clear-groups",
		programs[0]+"/initdb", "-D", dir+"/data", "-U", "me", "-A", "trust", "-N")
	init.Dir = "/"
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	hba, err := os.OpenFile(dir+"/data/pg_hba.conf", os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(hba, "host all all 0.0.0.0/0 trust")
	hba.Close()
	w.outside(5432, uid, programs[0]+"/postgres", "-D", dir+"/data", "-h",
		testnet.Public, "-k", dir, "-F")
	ask := []string{"psql", "-h", api, "-U", "me", "-d", "postgres", "-Atc",
		"select 'it is ' || 6*7; select repeat('x', 3000000)"}
	r := w.mcpbox(append([]string{"--allow-net", api + ":5432", "--"}, ask...)...)
	if !strings.Contains(r.stdout, "it is 42") || len(r.stdout) < 3_000_000 ||
		len(r.result.Events) > 0 {
		t.Errorf("%.100s%s", r.stdout, r.stderr)
	}
	if n := r.result.Network; len(n) != 1 || n[0].Port != 5432 || n[0].Received < 3_000_000 {
		t.Errorf("network %+v", n)
	}
	w.attack("it is 42", "", []string{"--allow-net", api}, ask...)
}

func TestGitOverSSH(t *testing.T) {
	testhost.Need(t, "git", "sshd")
	w := newWorld(t)
	repository(t, w.dir)
	dir := t.TempDir()
	for _, name := range []string{dir + "/host", w.dir + "/key"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
			name).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	w.outside(22, 0, "/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-h", dir+"/host", "-o",
		"ListenAddress="+testnet.Public, "-o", "Port=22",
		"-o", "AuthorizedKeysFile="+w.dir+"/key.pub", "-o", "StrictModes=no", "-o", "UsePAM=no",
		"-o", "PidFile=none", "-o", "PermitRootLogin=prohibit-password")
	clone := []string{"sh", "-c",
		"cp /data/key /tmp/key; chmod 600 /tmp/key; export GIT_SSH_COMMAND='ssh -i /tmp/key -o " +
			"StrictHostKeyChecking=no -o UserKnownHostsFile=/tmp/hosts -o ConnectTimeout=10'; " +
			"git clone -q ssh://root@" + api + w.dir + "/x.git /tmp/x && git -C /tmp/x log " +
			"--oneline"}
	r := w.mcpbox(append([]string{"--allow-net", api + ":22", "--"}, clone...)...)
	if !strings.Contains(r.stdout, "first") || len(r.result.Events) > 0 {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	w.attack("first", "egress:port", []string{"--allow-net", api}, clone...)
}

// repository makes x.git in dir, with one commit.
func repository(t *testing.T, dir string) {
	t.Helper()
	work := t.TempDir()
	for _, args := range [][]string{{"init", "-q", "-b", "main", work},
		{"-C", work, "-c", "user.name=t", "-c", "user.email=t@example.test", "commit", "-q",
			"--allow-empty", "-m", "first"},
		{"clone", "-q", "--bare", work, dir + "/x.git"},
		{"-C", dir + "/x.git", "update-server-info"},
		{"-C", dir + "/x.git", "config", "http.receivepack", "true"}} {
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
}

// git clones and pushes by its smart protocol, through the requests' reader, with a token that it
// does not have.
func TestGitPushesWithASecret(t *testing.T) {
	testhost.Need(t, "git")
	w := newWorld(t)
	dir := t.TempDir()
	repository(t, dir)
	backend := &cgi.Handler{Path: "/usr/lib/git-core/git-http-backend",
		Env: []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=me",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}}
	server := &http.Server{TLSConfig: w.CA.Server(api),
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if _, password, ok := r.BasicAuth(); !ok || password != token {
				rw.Header().Set("WWW-Authenticate", "Basic realm=git")
				http.Error(rw, "who are you", http.StatusUnauthorized)
				return
			}
			backend.ServeHTTP(rw, r)
		})}
	go server.ServeTLS(w.Listen(testnet.Public+":8443"), "", "")
	t.Cleanup(func() { server.Close() })
	for _, version := range []string{"HTTP/1.1", "HTTP/2"} {
		r := w.use(w.bound("basic: true"), "sh", "-c", `set -e; cd /tmp
git config --global http.version `+version+`; git config --global user.name t; git config `+
			`--global user.email t@example.test
git clone -q "https://me:$TOKEN@`+api+`:8443/x.git" x; cd x
head -c 3000000 /dev/urandom > big; git add big; git commit -qm "by `+version+`"; git push -q; `+
			`git ls-remote | head -1; git log --oneline origin/main`)
		if !strings.Contains(r.stdout, "by "+version) || !strings.Contains(r.stdout, "first") ||
			len(r.result.Events) > 0 {
			t.Errorf("%s: %s%s", version, r.stdout, r.stderr)
		}
	}
}

// Each client finds the sandbox's authority by the usual variables, and sends its placeholder.
func TestLibrariesTrustTheSandboxsAuthority(t *testing.T) {
	testhost.Need(t, "python-http", "node")
	w, asked := secretive(t)
	url := "https://" + api + ":8443/"
	headers := `{"Authorization": "Bearer " + __import__("os").environ["TOKEN"]}`
	for name, command := range map[string][]string{
		"requests": {"/usr/bin/python3", "-c", `import requests; print(requests.get("` + url +
			`", headers=` + headers + `).text)`},
		"httpx": {"/usr/bin/python3", "-c", `import httpx; print(httpx.get("` + url +
			`", headers=` + headers + `).text)`},
		"urllib": {"/usr/bin/python3", "-c",
			`import urllib.request as u; print(u.urlopen(u.Request("` + url + `", headers=` +
				headers + `)).read())`},
		"aiohttp": {"/usr/bin/python3", "-c", `
import aiohttp, asyncio
async def main():
    async with aiohttp.ClientSession() as s:
        async with s.get("` + url + `", headers=` + headers + `) as r: print(await r.text())
asyncio.run(main())`},
		"fetch": {"node", "-e", `fetch("` + url +
			`", {headers: {authorization: "Bearer " + process.env.TOKEN}}).then(r => ` +
			`r.text()).then(console.log)`},
		"https": {"node", "-e", `require("https").get("` + url +
			`", {headers: {authorization: "Bearer " + process.env.TOKEN}}, r => ` +
			`r.pipe(process.stdout))`},
		"http2": {"node", "-e", `const c = require("http2").connect("` + url +
			`"); const r = c.request({":path": "/", authorization: "Bearer " + ` +
			`process.env.TOKEN}); r.on("data", d => process.stdout.write(d)); r.on("end", ` +
			`() => c.close())`},
		"openssl": {"sh", "-c", `printf 'GET / HTTP/1.1\r\nHost: ` + api +
			`:8443\r\nConnection: close\r\nAuthorization: Bearer %s\r\n\r\n' "$TOKEN" | ` +
			`openssl s_client -quiet -verify_return_error -connect ` + api + `:8443 ` +
			`-servername ` + api},
		"go": {"/data/client", "get", url},
	} {
		if name == "go" {
			w.client(t)
		}
		before := len(asked.list())
		r := w.use(append(w.bound(bearer), "--memory", "2GiB", "--mount", w.dir+":/data"),
			command...)
		got := strings.Join(asked.list()[before:], "\n")
		if !strings.Contains(r.stdout, "welcome") || !strings.Contains(got,
			`auth="Bearer `+token) || len(r.result.Events) > 0 {
			t.Errorf("%s: %s%s\n%s", name, r.stdout, r.stderr, got)
		}
		if version := map[string]string{"http2": "HTTP/2.0",
			"go": "HTTP/2.0"}[name]; !strings.Contains(r.stdout, version) {
			t.Errorf("%s did not speak %s: %s", name, version, r.stdout)
		}
	}
}

// Java has a list of authorities of its own, in a format of its own.
func TestJavaTrustsTheSandboxsAuthority(t *testing.T) {
	testhost.Need(t, "java")
	w, asked := secretive(t)
	w.file("Use.java", `
import java.net.*;
import java.net.http.*;
public class Use {
    public static void main(String[] a) throws Exception {
        var auth = "Bearer " + System.getenv("TOKEN");
        var ask = HttpRequest.newBuilder(URI.create(a[0])).header("Authorization", auth).build();
        var r = HttpClient.newHttpClient().send(ask, HttpResponse.BodyHandlers.ofString());
        System.out.println(r.version() + " " + r.body());
        var c = new URL(a[0]).openConnection();
        c.setRequestProperty("Authorization", auth);
        System.out.println("old " + new String(c.getInputStream().readAllBytes()));
    }
}`)
	all, _ := filepath.Glob("/usr/lib/jvm/*/bin/java")
	seen := map[string]bool{}
	for _, java := range append([]string{"java"}, all...) {
		if real, err := filepath.EvalSymlinks(java); err == nil && seen[real] {
			continue
		} else {
			seen[real] = true
		}
		before := len(asked.list())
		r := w.use(append(w.bound(bearer), "--memory", "2GiB", "--pids", "512", "--disk", "1GiB",
			"--file-size", "512MiB", "--mount", w.dir+":/data"), java, "/data/Use.java",
			"https://"+api+":8443/")
		if !strings.Contains(r.stdout, "HTTP_2 welcome") ||
			!strings.Contains(r.stdout, "old welcome") || len(r.result.Events) > 0 {
			t.Errorf("%s: %s%s", java, r.stdout, r.stderr)
		}
		got := strings.Join(asked.list()[before:], "\n")
		if strings.Count(got, `auth="Bearer `+token) != 2 {
			t.Errorf("%s: the host was asked %s", java, got)
		}
	}
}

// A client in Rust, with the system's OpenSSL, as reqwest has it by default.
func TestRust(t *testing.T) {
	testhost.Need(t, "rust-ureq")
	w, asked := secretive(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Cargo.toml": `[package]
name = "get"
version = "0.1.0"
edition = "2021"
[dependencies]
ureq = { version = "2", default-features = false, features = ["native-tls"] }
native-tls = "0.2"
[profile.dev]
debug = false
`,
		".cargo/config.toml": `[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "/usr/share/cargo/registry"
`,
		"src/main.rs": `fn main() {
    let url = std::env::args().nth(1).unwrap();
    let tls = std::sync::Arc::new(native_tls::TlsConnector::new().unwrap());
    let token = std::env::var("TOKEN").unwrap_or_default();
    let ask = ureq::builder().tls_connector(tls).build().get(&url);
    let answer = ask.set("Authorization", &format!("Bearer {}", token)).call().unwrap();
    println!("{}", answer.into_string().unwrap());
}
`} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("/usr/bin/cargo", "build", "--offline", "--quiet")
	build.Dir = dir
	build.Env = append(os.Environ(), "CARGO_HOME="+dir+"/home", "RUSTC=/usr/bin/rustc")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program, err := os.ReadFile(dir + "/target/debug/get")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.dir+"/get", program, 0o755); err != nil {
		t.Fatal(err)
	}
	r := w.mcpbox("--allow-net", api, "--", "/data/get", "https://"+api+"/")
	if !strings.Contains(r.stdout, "this is api") || len(r.result.Events) > 0 {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	r = w.use(append(w.bound(bearer), "--mount", w.dir+":/data"), "/data/get",
		"https://"+api+":8443/")
	got := strings.Join(asked.list(), "\n")
	if !strings.Contains(r.stdout, "welcome") || !strings.Contains(got, `auth="Bearer `+token) ||
		len(r.result.Events) > 0 {
		t.Errorf("%s%s: the host was asked %s", r.stdout, r.stderr, got)
	}
}

// The same libraries where nobody reads their requests.
func TestLibrariesReachTheirHost(t *testing.T) {
	testhost.Need(t, "python-http", "java")
	w := newWorld(t)
	url := "https://" + api + "/"
	w.client(t)
	if out, err := exec.Command("keytool", "-importcert", "-noprompt", "-file", w.dir+"/ca.pem",
		"-keystore", w.dir+"/keys", "-storepass", "changeit").CombinedOutput(); err != nil {
		t.Fatalf("keytool: %v\n%s", err, out)
	}
	w.file("Get.java", `
import java.net.URI;
import java.net.http.*;
public class Get {
    public static void main(String[] a) throws Exception {
        var r = `+
		`HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(a[0])).build(), `+
		`HttpResponse.BodyHandlers.ofString());
        System.out.println(r.version() + " " + r.body());
    }
}`)
	for name, command := range map[string][]string{
		"requests": {"/usr/bin/python3", "-c", `import requests; ` +
			`print(requests.get("` + url + `").text)`},
		"httpx": {"/usr/bin/python3", "-c", `import httpx; ` +
			`print(httpx.get("` + url + `").text)`},
		"aiohttp": {"/usr/bin/python3", "-c", `
import aiohttp, asyncio
async def main():
    async with aiohttp.ClientSession() as s:
        async with s.get("` + url + `") as r: print(await r.text())
asyncio.run(main())`},
		"go": {"/data/client", "get", url},
		"java": {"java", "-Djavax.net.ssl.trustStore=/data/keys",
			"-Djavax.net.ssl.trustStorePassword=changeit", "/data/Get.java", url},
	} {
		flags := []string{"--memory", "2GiB", "--pids", "512", "--disk", "1GiB", "--file-size",
			"512MiB", "--env", "REQUESTS_CA_BUNDLE=/data/ca.pem", "--allow-net", api, "--"}
		r := w.mcpbox(append(flags, command...)...)
		if !strings.Contains(r.stdout, "this is api") || len(r.result.Events) > 0 {
			t.Errorf("%s: %s%s", name, r.stdout, r.stderr)
		}
	}
}

func TestWebSocketClients(t *testing.T) {
	testhost.Need(t, "python-http")
	w := newWorld(t)
	w.file("server.py", `
import asyncio, ssl, sys, websockets
async def echo(ws):
    async for m in ws: await ws.send("you said " + m if isinstance(m, str) else m)
async def main():
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.load_cert_chain(sys.argv[1])
    async with websockets.serve(echo, "`+testnet.Public+`", 8443, ssl=c, max_size=None): await `+
		`asyncio.Future()
asyncio.run(main())`)
	w.file("client.py", `
import asyncio, os, websockets
async def main():
    h = {"Authorization": "Bearer " + os.environ.get("TOKEN", "")}
    async with websockets.connect("wss://`+api+`:8443/", extra_headers=h, max_size=None) as ws:
        await ws.send("hello"); print(await ws.recv())
        big = os.urandom(3_000_000)
        await ws.send(big); print("whole" if await ws.recv() == big else "broken")
        await asyncio.sleep(0.3); await ws.send("again"); print(await ws.recv())
asyncio.run(main())`)
	certificate := filepath.Join(t.TempDir(), "server.pem")
	if err := os.WriteFile(certificate, w.CA.PEM(api), 0o600); err != nil {
		t.Fatal(err)
	}
	w.outside(8443, 0, "/usr/bin/python3", w.dir+"/server.py", certificate)
	check := func(what string, r *ran) {
		t.Helper()
		if got := strings.Fields(r.stdout); !slices.Equal(got,
			strings.Fields("you said hello whole you said again")) || len(r.result.Events) > 0 {
			t.Errorf("%s: %s%s", what, r.stdout, r.stderr)
		}
	}
	check("passed on", w.mcpbox("--allow-net", api+":8443", "--", "/usr/bin/python3",
		"/data/client.py"))
	check("read", w.use(append(w.bound(bearer), "--mount", w.dir+":/data"), "/usr/bin/python3",
		"/data/client.py"))
}

func TestHostsWithOneFamily(t *testing.T) {
	talk := []string{"/data/client", "get", "http://" + api + "/"}
	for family, only := range map[string]func(*world){"IPv6": func(w *world) { w.OnlyIPv6() },
		"IPv4": func(w *world) { w.OnlyIPv4() }} {
		w := newWorld(t)
		w.client(t)
		w.Names.Set(api, testnet.Public, testnet.Public6)
		server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter,
			r *http.Request) {
			fmt.Fprintln(rw, "this is api")
		})}
		go server.Serve(w.Listen("[" + testnet.Public6 + "]:80"))
		t.Cleanup(func() { server.Close() })
		only(w)
		for _, host := range []string{"curl -sS -m 20 http://" + api + "/",
			"curl -4 -sS -m 20 http://" + api + "/"} {
			r := w.mcpbox("--allow-net", api, "--", "sh", "-c", host)
			if !strings.Contains(r.stdout, "this is api") || len(r.result.Events) > 0 {
				t.Errorf("%s only: %s: %s%s", family, host, r.stdout, r.stderr)
			}
		}
		if r := w.mcpbox(append([]string{"--allow-net", api, "--"},
			talk...)...); !strings.Contains(r.stdout, "this is api") {
			t.Errorf("%s only: %s%s", family, r.stdout, r.stderr)
		}
	}
}

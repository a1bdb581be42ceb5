package server_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/server"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/client"
)

func TestOverTCPWithoutATokenNothingIsTold(t *testing.T) {
	d := start(t, folder(t), "listen: 127.0.0.1:0\n"+tokenLine(token))
	bearer := "Bearer " + token
	for _, c := range []struct {
		what   string
		header []string
		status int
	}{
		{"no token", nil, 401},
		{"another token", []string{"Authorization", "Bearer " + token + "x"}, 401},
		{"the digest for a token",
			[]string{"Authorization", "Bearer " + strings.TrimSpace(tokenLine(token))}, 401},
		{"another scheme", []string{"Authorization", "Basic " + token}, 401},
		{"a host that is not its name",
			[]string{"Authorization", bearer, "Host", "attacker.example"}, 421},
		{"a host that begins like its name",
			[]string{"Authorization", bearer, "Host", "127.0.0.1.attacker.example"}, 421},
		{"an origin", []string{"Authorization", bearer, "Origin", "http://attacker.example"}, 403},
		{"an origin that is its own address",
			[]string{"Authorization", bearer, "Origin", d.tcp}, 403},
		{"no origin to speak of", []string{"Authorization", bearer, "Origin", "null"}, 403},
		{"the token", []string{"Authorization", bearer}, 200},
		{"the token, to localhost", []string{"Authorization", bearer, "Host", "localhost:1"}, 200},
	} {
		t.Run(c.what, func(t *testing.T) {
			for _, path := range []string{"/v1/version", "/healthz", "/metrics"} {
				status, body, _ := do(t, new(http.Client), "GET", d.tcp+path, "", c.header...)
				if status != c.status {
					t.Errorf("%s: %d %s, want %d", path, status, body, c.status)
				}
				if status != 200 && !strings.Contains(body, `"remedy"`) {
					t.Errorf("%s: no remedy: %s", path, body)
				}
			}
		})
	}
}

func TestOriginsAndHostsOfTheConfigComeIn(t *testing.T) {
	d := start(
		t,
		folder(t),
		"listen: 127.0.0.1:0\norigins: ['https://ui.example']\nhosts: [box.example]\n"+tokenLine(
			token),
	)
	status, body, _ := do(
		t,
		new(http.Client),
		"GET",
		d.tcp+"/v1/version",
		"",
		"Authorization",
		"Bearer "+token,
		"Origin",
		"https://ui.example",
		"Host",
		"box.example:80",
	)
	if status != 200 {
		t.Errorf("%d %s", status, body)
	}
}

func TestAClientOverTCPHasNoWayAroundTheSandbox(t *testing.T) {
	dir := folder(t)
	write(t, filepath.Join(dir, "mounts.yaml"),
		"version: 1\nextends: standard\nfilesystem: {mounts: [{source: "+dir+", target: /data}]}\n")
	d := start(t, dir, "listen: 127.0.0.1:0\npolicies: {mounts: mounts.yaml}\n"+tokenLine(token))
	c, err := client.Dial(d.tcp, client.WithToken(token))
	if err != nil {
		t.Fatal(err)
	}
	document := func(text string) api.ExecutionRequest {
		return api.ExecutionRequest{Command: []string{"ls", "/data"}, Document: []byte(text)}
	}
	mount := `{"version": 1, "extends": "standard", "filesystem": {"mounts": [{"source": "` + dir +
		`", "target": "/data"}]}}`
	for what, req := range map[string]api.ExecutionRequest{
		"no sandbox":         {Command: []string{"true"}, Policy: "none"},
		"the host's network": {Command: []string{"true"}, Policy: "basic"},
		"a mount":            document(mount),
		"a document":         document(`{"version": 1, "extends": "standard"}`),
	} {
		_, err := c.Run(background(t), req)
		if p := refused(t, err, 403); p.Remedy == "" {
			t.Errorf("%s: no remedy", what)
		}
	}
	if _, err := d.Run(background(t), document(mount)); err != nil {
		t.Errorf("the daemon's own user may mount what it can read: %v", err)
	}
	x, err := c.Run(background(t),
		api.ExecutionRequest{Command: []string{"ls", "/data"}, Policy: "mounts"})
	if err != nil || !strings.Contains(x.Result.Stdout, "mounts.yaml") {
		t.Errorf("a policy that the operator lists: %+v, %v", x, err)
	}
	if x.Client != "token:ci" {
		t.Errorf("client %q", x.Client)
	}
}

func TestDocumentsOfRestrictedClientsNameNothingOfTheHost(t *testing.T) {
	d := start(t, folder(t),
		"listen: 127.0.0.1:0\nrestricted: {documents: true}\n"+tokenLine(token))
	t.Setenv("SECRET_OF_THE_DAEMON", "1")
	c, err := client.Dial(d.tcp, client.WithToken(token))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"filesystem": {"mounts": [{"source": "/etc", "target": "/data"}]}`,
		`"filesystem": {"rootfs": "/usr"}`,
		`"network": {"mode": "host"}`, `"isolation": "none"`,
		`"environment": {"pass": ["SECRET_OF_THE_DAEMON"]}`,
		`"mcp": {"pin": {"file": "/etc/passwd"}}`,
	} {
		_, err := c.Run(background(t), api.ExecutionRequest{Command: []string{"true"},
			Document: []byte(`{"version": 1, "extends": "standard", ` + part + `}`)})
		refused(t, err, 403)
	}
	x, err := c.Run(background(t), api.ExecutionRequest{Command: []string{"true"},
		Document: []byte(`{"version": 1, "extends": "standard", "limits": {"memory": "64MiB"}}`)})
	if err != nil || x.Result.Limits["memory"].Value != 64<<20 {
		t.Errorf("%+v, %v", x, err)
	}
}

func TestOneClientDoesNotSeeAnothersThings(t *testing.T) {
	d := start(t, folder(t), "listen: 127.0.0.1:0\n"+tokenLine(token))
	c, err := client.Dial(d.tcp, client.WithToken(token))
	if err != nil {
		t.Fatal(err)
	}
	own, err := d.Start(background(t), api.ExecutionRequest{Command: []string{"sleep", "600"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Execution(background(t), own.ID)
	refused(t, err, 404)
	_, err = c.Cancel(background(t), own.ID)
	refused(t, err, 404)
	for _, query := range []string{"", "state=running"} {
		if list, err := c.Executions(background(t), query); err != nil ||
			len(list.Executions) != 0 {
			t.Errorf("%q: %+v, %v", query, list, err)
		}
	}
	box, err := d.CreateSandbox(background(t), api.SandboxRequest{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Exec(background(t), box.ID, api.ExecRequest{Command: []string{"true"}})
	refused(t, err, 404)
	refused(t, c.Destroy(background(t), box.ID), 404)
	if x, err := d.Cancel(background(t), own.ID); err != nil || x.State == api.Running {
		t.Errorf("its own client: %+v, %v", x, err)
	}
}

// asUser connects as another user: the kernel notes the ids of the thread that calls connect(2).
func asUser(t *testing.T, socket string, uid int) net.Conn {
	t.Helper()
	type result struct {
		fd  int
		err error
	}
	done := make(chan result)
	go func() {
		goruntime.LockOSThread() // never unlocked: the thread ends with the goroutine
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			if _, _, errno := unix.RawSyscall(
				unix.SYS_SETRESUID,
				uintptr(uid),
				uintptr(uid),
				uintptr(uid),
			); errno != 0 {
				err = errno
			}
		}
		if err == nil {
			err = unix.Connect(fd, &unix.SockaddrUnix{Name: socket})
		}
		done <- result{fd, err}
	}()
	r := <-done
	if r.err != nil {
		t.Fatalf("connect as uid %d: %v", uid, r.err)
	}
	f := os.NewFile(uintptr(r.fd), "socket")
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func statusAs(t *testing.T, socket string, uid int) int {
	t.Helper()
	conn := asUser(t, socket, uid)
	defer conn.Close()
	fmt.Fprint(conn, "GET /v1/version HTTP/1.1\r\nHost: mcpbox\r\nConnection: close\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func TestTheSocketIsForItsOwnUserAndTheListed(t *testing.T) {
	testhost.Need(t, "root")
	d := start(t, folder(t), "users: [1234]\n")
	info, err := os.Stat(d.socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v: it should have mode 0600", info, err)
	}
	// The mode is the first wall, the peer's credentials the second: without the first, it stands.
	for _, name := range []string{d.folder, d.socket} {
		if err := os.Chmod(name, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if got := statusAs(t, d.socket, 65534); got != 403 {
		t.Errorf("another user: %d", got)
	}
	if got := statusAs(t, d.socket, 1234); got != 200 {
		t.Errorf("a listed user: %d", got)
	}
	if got := statusAs(t, d.socket, 0); got != 200 {
		t.Errorf("root: %d", got)
	}
	if status, body, _ := d.raw(
		t,
		"GET",
		"/v1/version",
		"",
		"Origin",
		"http://attacker.example",
	); status != 403 {
		t.Errorf("a browser's origin on the socket: %d %s", status, body)
	}
}

func TestATCPAddressNeedsItsGuards(t *testing.T) {
	for what, config := range map[string]string{
		"no token":                "listen: 127.0.0.1:0\n",
		"another host's address":  "listen: 0.0.0.0:0\n" + tokenLine(token),
		"remote, but without TLS": "listen: 0.0.0.0:0\nallow_remote: true\n" + tokenLine(token),
		"half a certificate":      "listen: 127.0.0.1:0\ntls: {key: x}\n" + tokenLine(token),
		"a misspelt key":          "lisen: 127.0.0.1:0\n",
		"a token that is none":    "listen: 127.0.0.1:0\ntokens: [{name: ci, sha256: abc}]\n",
	} {
		dir := folder(t)
		write(t, filepath.Join(dir, "serve.yaml"), "version: 1\n"+config)
		err := server.Run(
			background(t),
			server.Options{ConfigFile: filepath.Join(dir, "serve.yaml"),
				Socket: filepath.Join(dir, "s"), State: filepath.Join(dir, "state")},
		)
		if err == nil {
			t.Errorf("%s: it started", what)
		}
	}
}

func TestTheSecondDaemonSaysSo(t *testing.T) {
	d := start(t, folder(t), "")
	other := folder(t)
	for what, opt := range map[string]server.Options{
		"socket": {Socket: d.socket, State: filepath.Join(other, "state")},
		"state":  {Socket: filepath.Join(other, "s.sock"), State: filepath.Join(d.folder, "state")},
	} {
		err := server.Run(background(t), opt)
		if err == nil || !strings.Contains(err.Error(), "another mcpbox serve") ||
			!strings.Contains(err.Error(), what) ||
			!strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
			t.Errorf("the same %s: %v", what, err)
		}
	}
	if _, err := d.Version(background(t)); err != nil {
		t.Errorf("the first one is disturbed: %v", err)
	}
}

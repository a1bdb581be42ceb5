package egress

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/internal/testnet"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/tests/internal/built"
)

const (
	api  = "api.example.test"
	evil = "evil.example.test"
)

// world is testnet's, with servers that say who they are: "api" at the public address, "evil" at
// the other ones.
type world struct {
	*testnet.World
	t   testing.TB
	dir string   // files for the tool, as /data
	env []string // of mcpbox itself, beside the test's own
	pre []string // what starts mcpbox, in front of its command line
}

func newWorld(t testing.TB) *world {
	testhost.Need(t, "sandbox", "curl", "python3")
	w := &world{World: testnet.New(t), t: t}
	var err error
	if w.dir, err = os.MkdirTemp("", "egress-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(w.dir) })
	if err := os.Chmod(w.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	w.Names.Set(api, testnet.Public)
	w.Names.Set(evil, testnet.Other)
	for addr, who := range map[string]string{testnet.Public: "api", testnet.Other: "evil",
		testnet.Private: "private", testnet.Metadata: "metadata"} {
		handler := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(rw,
				"this is %s for %s\n", who, r.Host)
		})
		server := &http.Server{Handler: handler, TLSConfig: w.CA.Server(api, evil),
			ErrorLog: log.New(io.Discard, "", 0)}
		go server.Serve(w.Listen(addr + ":80"))
		go server.ServeTLS(w.Listen(addr+":443"), "", "")
		t.Cleanup(func() { server.Close() })
	}
	ca, err := os.ReadFile(w.CA.File)
	if err != nil {
		t.Fatal(err)
	}
	w.file("ca.pem", string(ca))
	return w
}

func (w *world) file(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func mcpbox(t testing.TB) string { return built.Mcpbox(t) }

// ran is how a run in the sandbox went.
type ran struct {
	stdout, stderr string
	code           int
	result         struct {
		Network []struct {
			Host        string `json:"host"`
			Port        int    `json:"port"`
			Connections int    `json:"connections"`
			Sent        int    `json:"bytes_sent"`
			Received    int    `json:"bytes_received"`
		} `json:"network"`
		Events []monitor.Event   `json:"security_events"`
		Layers map[string]string `json:"layers"`
	}
}

func (r *ran) event(rule string) *monitor.Event {
	i := slices.IndexFunc(r.result.Events, func(e monitor.Event) bool { return e.Rule == rule })
	if i < 0 {
		return nil
	}
	return &r.result.Events[i]
}

// mcpbox runs on the machine: flags, then the command after "--".
func (w *world) mcpbox(args ...string) *ran {
	w.t.Helper()
	return w.as(0, args...)
}

// as runs it as a user of the machine. The tool trusts the world's authority.
func (w *world) as(uid int, args ...string) *ran {
	w.t.Helper()
	return w.run(uid, []string{"--mount", w.dir + ":/data", "--env", "SSL_CERT_FILE=/data/ca.pem",
		"--env", "CURL_CA_BUNDLE=/data/ca.pem"}, args...)
}

func (w *world) run(uid int, first []string, args ...string) *ran {
	w.t.Helper()
	results, err := os.MkdirTemp("", "egress-result-")
	if err != nil {
		w.t.Fatal(err)
	}
	defer os.RemoveAll(results)
	if err := os.Chmod(results, 0o777); err != nil {
		w.t.Fatal(err)
	}
	file := filepath.Join(results, "result.json")
	return w.start(uid, file, slices.Concat([]string{"run", "--result", file}, first, args)...)
}

// start runs mcpbox, and reads the result that it writes to file, if there is one.
func (w *world) start(uid int, file string, args ...string) *ran {
	w.t.Helper()
	command := slices.Concat(w.pre, []string{mcpbox(w.t)}, args)
	if uid != 0 {
		command = append([]string{"setpriv", "--reuid", fmt.Sprint(uid), "--regid", fmt.Sprint(uid),
			"--clear-groups", "env", "-u", "XDG_RUNTIME_DIR", "HOME=/dev/null"}, command...)
	}
	cmd := w.Command(command...)
	cmd.Env = append(os.Environ(), w.env...)
	r := &ran{}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second
	kill := time.AfterFunc(60*time.Second, func() { cmd.Process.Signal(syscall.SIGKILL) })
	defer kill.Stop()
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		w.t.Fatalf("%v: %v\n%s", args, err, stderr.String())
	}
	r.stdout, r.stderr, r.code = stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
	if file == "" {
		return r
	}
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &r.result)
	}
	if err != nil && r.code != 125 {
		w.t.Fatalf("result: %v\n%s", err, r.stderr)
	}
	return r
}

// attack runs command with the host's network, where it must print what, and in a sandbox with
// flags, where it must not, and where an event of the rule must tell of it; no rule: none is due,
// the kernel refuses by itself.
func (w *world) attack(what, rule string, flags []string, command ...string) *ran {
	w.t.Helper()
	if bare := w.mcpbox(append([]string{"--network", "host", "--"},
		command...)...); !strings.Contains(bare.stdout, what) {
		w.t.Fatalf("with the host's network the attack fails too: it shows nothing\n%s%s",
			bare.stdout, bare.stderr)
	}
	r := w.mcpbox(slices.Concat(flags, []string{"--"}, command)...)
	if strings.Contains(r.stdout, what) {
		w.t.Errorf("the attack succeeds: %s", r.stdout)
	}
	if rule != "" && r.event(rule) == nil {
		w.t.Errorf("no event of %s\n%s%s", rule, r.stdout, r.stderr)
	}
	return r
}

func curl(args ...string) []string { return append([]string{"curl", "-sS", "-m", "20"}, args...) }

// serve accepts connections of a plain TCP server.
func serve(l net.Listener, f func(net.Conn)) {
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				f(conn)
			}()
		}
	}()
}

func echo(conn net.Conn) { io.Copy(conn, conn) }

// files serves a folder over HTTPS.
func (w *world) files(name, addr string, root fs.FS) {
	w.t.Helper()
	server := &http.Server{Handler: http.FileServerFS(root), TLSConfig: w.CA.Server(name),
		ErrorLog: log.New(io.Discard, "", 0)}
	go server.ServeTLS(w.Listen(addr), "", "")
	w.t.Cleanup(func() { server.Close() })
}

// runHere runs mcpbox on this machine itself, and returns all that is printed.
func runHere(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, built.Mcpbox(t), append([]string{"run"}, args...)...)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	return fmt.Sprintf("%s%v", out, err)
}

func private(addr string) bool {
	a, err := netip.ParseAddr(addr)
	return err == nil && (a.IsPrivate() || a.IsLoopback() ||
		netip.MustParsePrefix("100.64.0.0/10").Contains(a))
}

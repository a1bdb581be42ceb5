package server_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/lockedbuf"
	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/server"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/client"
)

// patience bounds every wait: a loaded machine is slow, and nothing here measures time.
const patience = 60 * time.Second

const token = "a-token-of-the-tests"

func tokenLine(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "tokens: [{name: ci, sha256: " + hex.EncodeToString(sum[:]) + "}]\n"
}

// daemon is a running one.
type daemon struct {
	*client.Client
	folder, socket string
	tcp            string // http://ADDRESS
	log            lockedbuf.Buffer
	reload         chan struct{}
	stop           context.CancelFunc
	ended          chan error
}

func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "serve-") // short: a socket's path has a bound
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// start runs a daemon with a config file in a folder.
func start(t testing.TB, dir, config string) *daemon {
	t.Helper()
	testhost.Need(t, "sandbox")
	d := &daemon{
		folder: dir,
		socket: filepath.Join(dir, "s.sock"),
		reload: make(chan struct{}),
		ended:  make(chan error, 1),
	}
	file := filepath.Join(dir, "serve.yaml")
	write(t, file, "version: 1\n"+config)
	ready := make(chan []string, 1)
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	go func() {
		d.ended <- server.Run(ctx, server.Options{ConfigFile: file, Socket: d.socket,
			State: filepath.Join(dir, "state"), Version: "test", BestEffort: true,
			Log: slog.New(slog.NewTextHandler(&d.log, nil)), Reload: d.reload,
			Ready: func(where []string) { ready <- where }})
	}()
	select {
	case where := <-ready:
		for _, w := range where {
			if address, ok := strings.CutPrefix(w, "tcp:"); ok {
				d.tcp = "http://" + address
			}
		}
	case err := <-d.ended:
		t.Fatalf("the daemon did not start: %v", err)
	case <-time.After(patience):
		t.Fatal("the daemon is not ready")
	}
	t.Cleanup(func() { d.end(t) })
	var err error
	if d.Client, err = client.Dial(d.socket); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *daemon) end(t testing.TB) {
	t.Helper()
	if d.stop == nil {
		return
	}
	d.stop()
	d.stop = nil
	select {
	case err := <-d.ended:
		if err != nil {
			t.Errorf("the daemon ended with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the daemon does not end")
	}
	if t.Failed() {
		t.Logf("log:\n%s", d.log.String())
	}
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func background(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// http is a client of the socket.
func (d *daemon) http() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", d.socket)
		}}}
}

// raw makes a request over the socket as it is.
func (d *daemon) raw(
	t *testing.T, method, path, body string, header ...string,
) (status int, answer string, h http.Header) {
	t.Helper()
	return do(t, d.http(), method, "http://mcpbox"+path, body, header...)
}

func do(
	t *testing.T,
	c *http.Client,
	method, url, body string,
	header ...string,
) (int, string, http.Header) {
	t.Helper()
	defer c.CloseIdleConnections()
	req, err := http.NewRequestWithContext(background(t), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data), res.Header
}

// refused asserts a problem with a status and a remedy.
func refused(t *testing.T, err error, status int) *api.Problem {
	t.Helper()
	var p *api.Problem
	if !errors.As(err, &p) {
		t.Fatalf("got %v, want a problem with status %d", err, status)
	}
	if p.Status != status || p.Detail == "" {
		t.Fatalf("got %d %q, want %d", p.Status, p.Detail, status)
	}
	return p
}

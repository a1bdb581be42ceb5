package server_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/server/api"
)

func newBox(t *testing.T, d *daemon, req api.SandboxRequest) string {
	t.Helper()
	b, err := d.CreateSandbox(background(t), req)
	if err != nil {
		t.Fatal(err)
	}
	return b.ID
}

func sh(
	script string,
) api.ExecRequest {
	return api.ExecRequest{Command: []string{"sh", "-c", script}}
}

func TestSandboxes(t *testing.T) {
	dir := folder(t)
	secret := filepath.Join(dir, "secret-of-the-host")
	write(t, secret, "host")
	d := start(t, dir, "")
	id := newBox(
		t,
		d,
		api.SandboxRequest{
			Policy: "standard",
			Files:  []api.File{{Path: "in.txt", Text: "given"}},
			Labels: []string{"a"},
		},
	)

	t.Run("commands share its files", func(t *testing.T) {
		if r, err := d.Exec(background(t), id, sh("cat in.txt; echo kept >f")); err != nil ||
			r.Stdout != "given" {
			t.Fatalf("%+v, %v", r, err)
		}
		if r, err := d.Exec(background(t), id,
			sh("cat f; exit 4")); err != nil || r.Stdout != "kept\n" ||
			r.ExitCode != 4 {
			t.Errorf("%+v, %v", r, err)
		}
	})
	t.Run("a stream carries stdin and signals", func(t *testing.T) {
		in := make(chan api.Message, 8)
		var out string
		var result *api.Result
		err := d.ExecStream(
			background(t),
			id,
			sh(
				`trap 'echo got it; exit 7' TERM; read a; echo "read $a"; while :; do sleep 0.05; done`,
			),
			in,
			func(m api.Message) error {
				switch m.Kind {
				case api.KindStarted:
					in <- api.Chunk(api.KindStdin, []byte("line\n"))
				case api.KindStdout:
					if out += string(m.Bytes()); out == "read line\n" {
						in <- api.Message{Kind: api.KindSignal, Signal: "TERM"}
					}
				case api.KindResult:
					result = m.Result
				}
				return nil
			},
		)
		if err != nil || out != "read line\ngot it\n" || result.ExitCode != 7 {
			t.Errorf("%q %+v %v", out, result, err)
		}
	})
	t.Run("the end of the input is the end of stdin", func(t *testing.T) {
		in := make(chan api.Message, 2)
		in <- api.Chunk(api.KindStdin, []byte{0xff, 1})
		close(in)
		var out []byte
		err := d.ExecStream(
			background(t),
			id,
			api.ExecRequest{Command: []string{"cat"}},
			in,
			func(m api.Message) error {
				out = append(out, m.Bytes()...)
				return nil
			},
		)
		if err != nil || !bytes.Equal(out, []byte{0xff, 1}) {
			t.Errorf("%q %v", out, err)
		}
	})
	t.Run("files go in and out", func(t *testing.T) {
		data := bytes.Repeat([]byte{0, 1, 0xff}, 100_000)
		if err := d.WriteFile(background(t), id, "/work/new/folder/it's a file", data); err != nil {
			t.Fatal(err)
		}
		got, err := d.ReadFile(background(t), id, "/work/new/folder/it's a file")
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		_, err = d.ReadFile(background(t), id, "/work/none")
		refused(t, err, 404)
	})
	t.Run("no link leads to the host's files", func(t *testing.T) {
		if _, err := os.ReadFile(secret); err != nil {
			t.Fatal(err) // outside, it can be read
		}
		if r, err := d.Exec(background(t), id,
			sh("ln -s "+secret+" l; ln -s / root; ln -s "+dir+" folder")); err != nil ||
			!r.Success {
			t.Fatalf("%+v, %v", r, err)
		}
		outside := []string{"/work/l", "/work/root" + secret,
			"/work/folder/secret-of-the-host"}
		for _, name := range outside {
			if got, err := d.ReadFile(background(t), id, name); err == nil {
				t.Errorf("%s: read %q", name, got)
			}
		}
		for _, name := range outside {
			_ = d.WriteFile(background(t), id, name,
				[]byte("changed")) // in the sandbox's own /tmp, it may work
		}
		if got, err := os.ReadFile(secret); err != nil || string(got) != "host" {
			t.Errorf("the host's file is %q, %v", got, err)
		}
		for _, path := range []string{"", "relative", "/work/../etc/passwd"} {
			_, err := d.ReadFile(background(t), id, path)
			refused(t, err, 422)
		}
	})
	t.Run("its use is counted", func(t *testing.T) {
		in, up := make(chan api.Message), make(chan struct{})
		done := make(chan error, 1)
		go func() {
			cat := api.ExecRequest{Command: []string{"cat"}}
			done <- d.ExecStream(background(t), id, cat, in, func(m api.Message) error {
				if m.Kind == api.KindStarted {
					close(up)
				}
				return nil
			})
		}()
		<-up
		if u, err := d.Usage(background(t), id); err != nil || u.Commands != 1 {
			t.Errorf("%+v, %v", u, err)
		}
		close(in)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Run("it is listed until it is destroyed", func(t *testing.T) {
		list, err := d.Sandboxes(background(t))
		if err != nil || len(list) != 1 || list[0].ID != id || list[0].Labels[0] != "a" {
			t.Errorf("%+v, %v", list, err)
		}
		if err := d.Destroy(background(t), id); err != nil {
			t.Fatal(err)
		}
		_, err = d.Exec(background(t), id, sh("true"))
		if p := refused(t, err, 410); !strings.Contains(p.Detail, "destroyed by") {
			t.Error(p.Detail)
		}
		if list, err = d.Sandboxes(background(t)); err != nil || len(list) != 0 {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

func TestASandboxThatEndsByItselfSaysSo(t *testing.T) {
	d := start(
		t,
		folder(t),
		`rules: [{id: debugger, when: 'syscall == "ptrace"', action: kill}]`+"\n",
	)
	id := newBox(t, d, api.SandboxRequest{})
	r, err := d.Exec(background(t), id, api.ExecRequest{Command: attack})
	if err != nil || r.Status != "violation" {
		t.Fatalf("%+v, %v", r, err)
	}
	for {
		if _, err = d.Exec(background(t), id, sh("true")); err == nil {
			t.Fatal("it lives on")
		}
		var p *api.Problem
		if errors.As(err, &p) && p.Status == 410 { // it is written down
			return
		}
		if p == nil || p.Status != 409 {
			t.Fatal(err)
		}
	}
}

func TestSandboxesAreBoundedAndSurviveNoRestart(t *testing.T) {
	dir := folder(t)
	d := start(t, dir, "sandboxes: {most: 1}\n")
	id := newBox(t, d, api.SandboxRequest{})
	_, err := d.CreateSandbox(background(t), api.SandboxRequest{})
	if p := refused(t, err, 429); p.RetryAfter == 0 {
		t.Error("it does not say when to come back")
	}
	d.end(t)
	d = start(t, dir, "")
	_, err = d.Exec(background(t), id, sh("true"))
	refused(t, err, 410)
}

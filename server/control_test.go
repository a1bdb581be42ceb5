package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/client"
)

func TestASandboxIsPausedAndResumed(t *testing.T) {
	d := start(t, folder(t), "")
	id := newBox(t, d, api.SandboxRequest{})
	if b, err := d.Pause(background(t), id); err != nil || b.State != api.Paused {
		t.Fatalf("%+v %v", b, err)
	}
	_, err := d.Exec(background(t), id, sh("true"))
	if p := refused(t, err, 409); !strings.Contains(p.Remedy, "resume") {
		t.Error(p.Remedy)
	}
	if b, err := d.Resume(background(t), id); err != nil || b.State != api.Started {
		t.Fatalf("%+v %v", b, err)
	}
	if r, err := d.Exec(background(t), id, sh("echo on")); err != nil || r.Stdout != "on\n" {
		t.Errorf("%+v %v", r, err)
	}
}

func TestLimitsAreChangedWhileASandboxRuns(t *testing.T) {
	d := start(t, folder(t), "")
	id := newBox(t, d, api.SandboxRequest{})
	now, err := d.SetLimits(background(t), id, policies.Limits{Memory: 64 << 20})
	if err != nil || now["memory"].Value != 64<<20 {
		t.Fatal(now, err)
	}
	r, err := d.Exec(background(t), id, api.ExecRequest{Command: []string{"python3", "-c",
		"a = bytearray(200 << 20)"}})
	if err != nil || r.Status != "memory_limit" {
		t.Errorf("%+v %v", r, err)
	}
	id = newBox(t, d, api.SandboxRequest{})
	_, err = d.SetLimits(background(t), id, policies.Limits{Disk: 1 << 20})
	refused(t, err, 422)
	_, err = d.SetLimits(background(t), id, policies.Limits{PIDs: -1})
	refused(t, err, 422)
}

func TestStaleSandboxesAreCleared(t *testing.T) {
	d := start(t, folder(t), "")
	old, used := newBox(t, d, api.SandboxRequest{}), newBox(t, d, api.SandboxRequest{})
	if ids, err := d.Clear(background(t), time.Hour, time.Hour); err != nil || len(ids) != 0 {
		t.Errorf("%v %v", ids, err)
	}
	status, _, _ := d.raw(t, "DELETE", "/v1/sandboxes", "")
	if status != 400 {
		t.Errorf("without a bound: %d", status)
	}
	in := make(chan api.Message)
	started := make(chan struct{})
	go func() {
		_ = d.ExecStream(t.Context(), used, sh("sleep 600"), in, func(m api.Message) error {
			if m.Kind == api.KindStarted {
				close(started)
			}
			return nil
		})
	}()
	<-started
	status, text, _ := d.raw(t, "DELETE", "/v1/sandboxes?idle=0", "")
	if status != 200 || !strings.Contains(text, old) || strings.Contains(text, used) {
		t.Errorf("%d %s", status, text)
	}
	var u *api.Usage
	var err error
	eventually(t, "its use is known", func() bool {
		u, err = d.Usage(background(t), used)
		return err != nil || u.Processes >= 1
	})
	if err != nil || u.Commands != 1 || u.Processes < 1 || u.Sent != 0 {
		t.Errorf("%+v %v", u, err)
	}
}

func TestATerminalOverTheAPI(t *testing.T) {
	d := start(t, folder(t), "")
	id := newBox(t, d, api.SandboxRequest{})
	in := make(chan api.Message, 4)
	var out string
	req := sh("stty size; read x; stty size")
	req.TTY, req.Rows, req.Cols = true, 33, 99
	err := d.ExecStream(background(t), id, req, in, func(m api.Message) error {
		before := out
		out += string(m.Bytes())
		if !strings.Contains(before, "33 99") && strings.Contains(out, "33 99") {
			in <- api.Message{Kind: api.KindResize, Rows: 44, Cols: 111}
			in <- api.Chunk(api.KindStdin, []byte("\n"))
		}
		return nil
	})
	if err != nil || !strings.Contains(out, "44 111") {
		t.Errorf("%q %v", out, err)
	}
	req.Mode = ""
	_, err = d.Exec(background(t), id, req)
	refused(t, err, 422)
}

// A rule about usage over a time freezes the sandbox: nothing of it uses the CPU any more.
func TestUsageForATimeIsQuarantined(t *testing.T) {
	d := start(t, folder(t), "rules: [{id: full, when: 'usage.memory_percent > 60', for: 1s, "+
		"action: quarantine}]\n")
	id := newBox(t, d, api.SandboxRequest{Document: []byte(
		`{"extends": "standard", "limits": {"memory": "96MiB"}}`)})
	_, err := d.Exec(background(t), id, api.ExecRequest{Command: []string{"python3", "-c",
		"a = bytearray(70 << 20)\nwhile True: a[0] = 1"}})
	refused(t, err, 409)
	b, err := d.Sandbox(background(t), id)
	if err != nil || b.State != api.Quarantined || b.Reason != "rule full" {
		t.Fatalf("%+v %v", b, err)
	}
	use := func() float64 {
		u, err := d.Usage(background(t), id)
		if err != nil {
			t.Fatal(err)
		}
		return u.CPU
	}
	eventually(t, "it uses no CPU", func() bool { // it did all the time before
		before := use()
		time.Sleep(300 * time.Millisecond)
		return before > 0 && use() == before
	})
	if _, err := d.Release(background(t), id); err != nil {
		t.Error(err)
	}
	before := use()
	eventually(t, "it goes on", func() bool { return use() > before })
}

const keepRule = `rules: [{id: odd, when: 'syscall == "unshare"', action: quarantine}]
listen: 127.0.0.1:0
`

func TestAQuarantineIsKeptUntilAnOperatorDecides(t *testing.T) {
	d := start(t, folder(t), keepRule+tokenLine(token))
	guest, err := client.Dial(d.tcp, client.WithToken(token))
	if err != nil {
		t.Fatal(err)
	}
	b, err := guest.CreateSandbox(background(t), api.SandboxRequest{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = guest.Exec(background(t), b.ID, sh("echo found >evidence; unshare -m true; sleep 600"))
	refused(t, err, 409)
	if b, err = guest.Sandbox(background(t), b.ID); err != nil || b.State != api.Quarantined ||
		b.Reason != "rule odd" {
		t.Fatalf("%+v %v", b, err)
	}
	_, err = guest.Resume(background(t), b.ID)
	refused(t, err, 409)
	_, err = guest.Release(background(t), b.ID)
	refused(t, err, 403)
	refused(t, guest.Destroy(background(t), b.ID), 403)
	if ids, err := d.Clear(background(t), time.Nanosecond, 0); err == nil && len(ids) > 0 {
		t.Errorf("it was cleared: %v", ids)
	}
	if b, err = d.Release(background(t), b.ID); err != nil || b.State != api.Started {
		t.Fatalf("%+v %v", b, err)
	}
	data, err := d.ReadFile(background(t), b.ID, "/work/evidence")
	if err != nil || string(data) != "found\n" {
		t.Errorf("%q %v", data, err)
	}
	if err := d.Destroy(background(t), b.ID); err != nil {
		t.Error(err)
	}
}

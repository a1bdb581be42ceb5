package egress

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/internal/testnet"
	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// Whoever runs the test, on the machine as it is: a host of the loopback device that the policy
// names, and a name server of the policy's own.
func TestAHostOfThisMachine(t *testing.T) {
	testhost.Need(t, "sandbox", "curl")
	names, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer names.Close()
	dns := testnet.ServeNames(names)
	dns.Set(api, "127.0.0.1")
	dns.Set(evil, "127.0.0.1")
	ca := testnet.NewCA(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	asked := make(chan string, 100)
	server := &http.Server{TLSConfig: ca.Server(api, evil), ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			asked <- r.Header.Get("Authorization")
			fmt.Fprintf(rw, "this is %s by %s\n", r.Host, r.Proto)
		})}
	go server.ServeTLS(l, "", "")
	defer server.Close()
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.yaml")
	network := fmt.Sprintf("network: {mode: allow, allow: [\"%s:%d\", \"127.0.0.1:%[2]d\"], dns: "+
		"{servers: [\"%s\"]}}\n", api, port, dns.Addr)
	secrets := fmt.Sprintf("secrets: [{name: TOKEN, hosts: [\"%s:%d\"], header: Authorization, "+
		"format: \"Bearer {secret}\"}]\n", api, port)
	run := func(extra string, flags ...string) (string, map[string]any) {
		t.Helper()
		if err := os.WriteFile(policy, []byte("version: 1\nextends: standard\n"+network+extra),
			0o644); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		script := fmt.Sprintf("curl -sS -m 20 -H \"Authorization: Bearer $TOKEN\" "+
			"https://%s:%d/; curl -sSk -m 20 https://%s:%[2]d/", api, port, evil)
		args := append([]string{"run", "--policy", policy, "--result", dir + "/result.json"},
			flags...)
		cmd := exec.CommandContext(ctx, built.Mcpbox(t), append(args, "--", "sh", "-c", script)...)
		cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+ca.File, "TOKEN_OUTSIDE="+token)
		out, err := cmd.CombinedOutput()
		var result map[string]any
		data, err2 := os.ReadFile(dir + "/result.json")
		if err2 == nil {
			err2 = json.Unmarshal(data, &result)
		}
		if err2 != nil {
			t.Fatalf("%v, %v: %s", err, err2, out)
		}
		return string(out), result
	}
	out, result := run("", "--mount", filepath.Dir(ca.File)+":/ca", "--env",
		"CURL_CA_BUNDLE=/ca/ca.pem")
	if !strings.Contains(out, "this is "+api) || strings.Contains(out, "this is "+evil) ||
		!strings.Contains(fmt.Sprint(result["security_events"]), "egress:name") {
		t.Errorf("%s\n%v", out, result["security_events"])
	}
	if got := <-asked; strings.Contains(got, token) {
		t.Error("a token comes from nowhere")
	}
	out, result = run(secrets, "--secret", "TOKEN=env:TOKEN_OUTSIDE")
	if !strings.Contains(out, "this is "+api) || strings.Contains(out, "this is "+evil) ||
		strings.Contains(out, token) {
		t.Errorf("%s\n%v", out, result["security_events"])
	}
	if got := <-asked; got != "Bearer "+token {
		t.Errorf("the host was sent %q", got)
	}
}

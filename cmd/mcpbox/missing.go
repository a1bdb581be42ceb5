package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/mcpbox/mcpbox/internal/datadir"
	"github.com/mcpbox/mcpbox/internal/steady"
	"github.com/mcpbox/mcpbox/policies"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// tellMissing says on stderr which layers and limits this run goes without; --quiet, only which
// that the policy requires. A client's log gets the same line once a day.
func (f *sandboxFlags) tellMissing(require []policies.Layer, layers mcpruntime.Layers,
	limits map[string]mcpruntime.LimitState) {
	var out []string
	required := false
	for _, l := range layers.Missing() {
		if must := slices.Contains(require, l); must || !f.quiet {
			out = append(out, "layer "+string(l))
			required = required || must
		}
	}
	for name, s := range limits {
		if s.Backend == "none" && !f.quiet {
			out = append(out, "limit "+name)
		}
	}
	if len(out) == 0 {
		return
	}
	sort.Strings(out)
	line := "mcpbox: not enforced on this host: " + strings.Join(out, ", ") +
		" (`mcpbox doctor` says why)"
	if !required && f.oncePerDay != "" && saidToday(f.oncePerDay+"\x00"+line) {
		return
	}
	fmt.Fprintln(steady.File(f.who().stderr), line)
}

// saidToday reports whether this was said on this host today, and remembers it. Where it can't
// remember, it was not.
func saidToday(what string) bool {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		return false
	}
	dir, err := datadir.Path("said")
	if err != nil {
		return false
	}
	host, _ := os.Hostname()
	client, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", os.Getppid())) // each has its own log
	sum := sha256.Sum256([]byte(host + "\x00" + client + "\x00" + what))
	name := filepath.Join(dir, hex.EncodeToString(sum[:8]))
	today := time.Now().Format(time.DateOnly)
	if last, err := os.ReadFile(name); err == nil && string(last) == today {
		return true
	}
	if os.MkdirAll(dir, 0o700) == nil {
		_ = os.WriteFile(name, []byte(today), 0o600)
	}
	return false
}

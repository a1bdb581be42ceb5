// Command survey installs published MCP servers by mcpbox's two phases, lists their tools, and
// compares the times with bare npx, and with node and the installed program. They run in turns:
// first with empty homes, then warm.
//
//	go run ./tests/packages/survey -warm 3 >table.md
//
// It needs a registry of npm. Servers get a made-up value for each variable that they ask for.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// servers are command lines after "npx -y", with variables before.
var servers = []string{
	"@modelcontextprotocol/server-everything",
	"@modelcontextprotocol/server-filesystem /tmp",
	"@modelcontextprotocol/server-memory",
	"@modelcontextprotocol/server-sequential-thinking",
	"GITHUB_PERSONAL_ACCESS_TOKEN @modelcontextprotocol/server-github",
	"GITLAB_PERSONAL_ACCESS_TOKEN @modelcontextprotocol/server-gitlab",
	"BRAVE_API_KEY @modelcontextprotocol/server-brave-search",
	"GOOGLE_MAPS_API_KEY @modelcontextprotocol/server-google-maps",
	"SLACK_BOT_TOKEN SLACK_TEAM_ID @modelcontextprotocol/server-slack",
	"@modelcontextprotocol/server-postgres postgresql://localhost/none",
	"@upstash/context7-mcp@latest",
	"@playwright/mcp",
	"chrome-devtools-mcp",
	"FIRECRAWL_API_KEY firecrawl-mcp",
	"TAVILY_API_KEY tavily-mcp",
	"EXA_API_KEY exa-mcp-server",
	"FIGMA_API_KEY figma-developer-mcp --stdio",
	"mongodb-mcp-server",
	"kubernetes-mcp-server",
	"mcp-server-kubernetes",
	"NOTION_TOKEN @notionhq/notion-mcp-server",
	"SUPABASE_ACCESS_TOKEN @supabase/mcp-server-supabase",
	"@wonderwhy-er/desktop-commander",
	"@browsermcp/mcp",
	"@shopify/dev-mcp",
	"SEARXNG_URL mcp-searxng",
	"@negokaz/excel-mcp-server",
	"@executeautomation/playwright-mcp-server",
	"n8n-mcp",
	"@azure/mcp@latest server start",
	"STRIPE_SECRET_KEY @stripe/mcp --tools=all",
	"@modelcontextprotocol/server-memory@^2025",
	"mcp-remote https://localhost:1/mcp",
	"@sentry/mcp-server --access-token=made-up",
	"@heroku/mcp-server",
	"APIFY_TOKEN @apify/actors-mcp-server",
	"@brave/brave-search-mcp-server --brave-api-key made-up",
	"@bitbonsai/mcpvault /tmp",
	"mcp-server-code-runner",
	"puppeteer-mcp-server",
	"@hisma/server-puppeteer",
	"@antv/mcp-server-chart",
	"mcp-mermaid",
	"ssh-mcp -- --host=localhost --user=none",
	"@drawio/mcp",
	"@cloudflare/mcp-server-cloudflare run 0123456789abcdef0123456789abcdef",
}

const hello = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":` +
	`"2025-06-18","capabilities":{},"clientInfo":{"name":"survey","version":"1"}}}` + "\n" +
	`{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n" +
	`{"jsonrpc":"2.0","id":2,"method":"tools/list"}` + "\n"

// run is one start, until the tools are listed.
type run struct {
	wall, cpu time.Duration
	tools     int // -1: it did not list any
	said      string
}

func start(home string, words, env []string, limit time.Duration) run {
	began := time.Now()
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir, cmd.Env = home, append(append(os.Environ(), "HOME="+home), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return run{tools: -1, said: err.Error()}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return run{tools: -1, said: err.Error()}
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return run{tools: -1, said: err.Error()}
	}
	timer := time.AfterFunc(limit, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	_, _ = in.Write([]byte(hello))
	r := run{tools: -1}
	lines := bufio.NewReaderSize(out, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		var m struct {
			ID     any
			Result struct{ Tools []any }
		}
		if json.Unmarshal([]byte(line), &m) == nil && m.ID == 2.0 {
			r.tools = len(m.Result.Tools)
			break
		}
	}
	r.wall = time.Since(began)
	in.Close()
	soon := time.AfterFunc(3*time.Second, func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	})
	_ = cmd.Wait()
	timer.Stop()
	soon.Stop()
	r.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	all := strings.TrimSpace(said.String())
	r.said = all[strings.LastIndexByte(all, '\n')+1:]
	return r
}

func median(all []run, of func(run) time.Duration) time.Duration {
	var out []time.Duration
	for _, r := range all {
		out = append(out, of(r))
	}
	slices.Sort(out)
	return out[len(out)/2]
}

func main() {
	warm := flag.Int("warm", 3, "warm starts of each")
	limit := flag.Duration("limit", 3*time.Minute, "of one start")
	box := flag.String("mcpbox", "bin/mcpbox", "the mcpbox to run")
	only := flag.String("only", "", "only servers whose line has this in it")
	from := flag.Int("from", 0, "leave out the first servers of the list")
	to := flag.Int("to", len(servers), "end before this one")
	flag.Parse()
	self, err := filepath.Abs(*box)
	if err != nil {
		panic(err)
	}
	fmt.Println("| server | tools bare / mcpbox | verdict | MiB | first: wall | first: CPU | " +
		"warm: wall | warm: CPU | warm: later than node |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for _, line := range servers[*from:*to] {
		if !strings.Contains(line, *only) {
			continue
		}
		one(self, strings.Fields(line), *warm, *limit)
	}
}

func one(box string, words []string, warm int, limit time.Duration) {
	var env, flags []string
	for len(words) > 0 && words[0] == strings.ToUpper(words[0]) {
		value := "made-up"
		if strings.HasSuffix(words[0], "_URL") {
			value = "http://localhost:1"
		}
		env, flags = append(env, words[0]+"="+value), append(flags, "--env", words[0])
		words = words[1:]
	}
	npx := append([]string{"npx", "-y"}, words...)
	boxed := slices.Concat([]string{box, "mcp", "-q"}, flags, []string{"--"}, npx)
	homes := [2]string{}
	for i := range homes {
		dir, err := os.MkdirTemp("", "survey-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		homes[i] = dir
	}
	var cold [2]run
	commands := [][]string{npx, boxed}
	for i := range commands {
		cold[i] = start(homes[i], commands[i], env, limit)
	}
	if bare := installed(homes[0], words); bare != nil {
		commands = append(commands, bare)
	}
	hot := make([][]run, 3)
	for range warm {
		for i := range commands {
			hot[i] = append(hot[i], start(homes[min(i, 1)], commands[i], env, limit))
		}
	}
	verdict, size := "", 0.0
	show := exec.Command(box, "audit", "--json", words[0])
	if name := strings.TrimSuffix(words[0], "@latest"); name != "" {
		show = exec.Command(box, "audit", "--json", name)
	}
	show.Env = append(os.Environ(), "HOME="+homes[1])
	if data, err := show.Output(); err == nil || len(data) > 0 {
		var r struct{ Verdict, Reason string }
		_ = json.Unmarshal(data, &r)
		if verdict = r.Verdict; r.Verdict != "trusted" {
			verdict += ": " + r.Reason
		}
	}
	list := exec.Command(box, "packages", "list", "--json")
	list.Env = append(os.Environ(), "HOME="+homes[1])
	if data, err := list.Output(); err == nil {
		var all []struct{ Bytes float64 }
		if json.Unmarshal(data, &all) == nil && len(all) > 0 {
			size = all[0].Bytes / (1 << 20)
		}
	}
	wall := func(r run) time.Duration { return r.wall }
	cpu := func(r run) time.Duration { return r.cpu }
	ratio := func(a, b time.Duration) string {
		return fmt.Sprintf("%.1f / %.1f s = %.2f", b.Seconds(), a.Seconds(), float64(b)/float64(a))
	}
	later := "-"
	if len(hot[2]) > 0 {
		box, node := median(hot[1], wall), median(hot[2], wall)
		later = fmt.Sprintf("%d ms (%d)", (box - node).Milliseconds(), node.Milliseconds())
	}
	fmt.Printf("| `%s` | %s / %s | %s | %.0f | %s | %s | %s | %s | %s |\n", strings.Join(words, " "),
		count(cold[0]), count(cold[1]), verdict, size, ratio(cold[0].wall, cold[1].wall),
		ratio(cold[0].cpu, cold[1].cpu), ratio(median(hot[0], wall), median(hot[1], wall)),
		ratio(median(hot[0], cpu), median(hot[1], cpu)), later)
}

// installed is the command that starts what npx has in its cache; nil: it is no script of node's.
func installed(home string, words []string) []string {
	name := words[0]
	if at := strings.LastIndexByte(name, '@'); at > 0 {
		name = name[:at]
	}
	found, _ := filepath.Glob(filepath.Join(home, ".npm/_npx/*/node_modules/.bin/*"))
	for _, link := range found {
		real, err := filepath.EvalSymlinks(link)
		if err != nil || !strings.Contains(real, "/node_modules/"+name+"/") {
			continue
		}
		if data, err := os.ReadFile(real); err == nil && strings.HasPrefix(string(data),
			"#!/usr/bin/env node") {
			return append([]string{"node", real}, words[1:]...)
		}
	}
	return nil
}

func count(r run) string {
	if r.tools < 0 {
		said := r.said
		if len(said) > 80 {
			said = said[:80]
		}
		return "none (" + strings.ReplaceAll(said, "|", "/") + ")"
	}
	return fmt.Sprint(r.tools)
}

package audit

import (
	"slices"
	"strings"
)

// wellKnown are servers whose names others may imitate.
func wellKnown() []string {
	return []string{
		"@modelcontextprotocol/server-everything", "@modelcontextprotocol/server-filesystem",
		"@modelcontextprotocol/server-memory", "@modelcontextprotocol/server-sequential-thinking",
		"@modelcontextprotocol/server-github", "@modelcontextprotocol/server-gitlab",
		"@modelcontextprotocol/server-postgres", "@modelcontextprotocol/server-slack",
		"@modelcontextprotocol/server-puppeteer", "@modelcontextprotocol/server-brave-search",
		"@modelcontextprotocol/server-google-maps", "@modelcontextprotocol/inspector",
		"@modelcontextprotocol/sdk", "@playwright/mcp", "@upstash/context7-mcp",
		"@sentry/mcp-server",
		"@notionhq/notion-mcp-server", "@supabase/mcp-server-supabase",
		"@cloudflare/mcp-server-cloudflare",
		"chrome-devtools-mcp", "firecrawl-mcp", "exa-mcp-server", "tavily-mcp", "mcp-remote",
		"figma-developer-mcp", "mongodb-mcp-server", "kubernetes-mcp-server", "mcporter",
		// of PyPI
		"mcp-server-git", "mcp-server-fetch", "mcp-server-time", "mcp-server-sqlite",
		"mcp-server-sentry", "mcp-proxy", "fastmcp", "markitdown-mcp", "postgres-mcp",
		"awslabs.core-mcp-server", "duckduckgo-mcp-server", "arxiv-mcp-server", "blender-mcp",
	}
}

// name finds one that is a letter or two off a well-known one, or that is one in another scope.
func name(given string) []Finding {
	_, short, _ := strings.Cut(given, "/")
	if slices.Contains(wellKnown(), given) {
		return nil
	}
	for _, known := range wellKnown() {
		_, base, scoped := strings.Cut(known, "/")
		if scoped && base == short && near(given, known, 4) ||
			near(given, known, 1) || len(known) > 12 && near(given, known, 2) {
			return []Finding{{"name", High, "the name is nearly that of " + known, given}}
		}
	}
	return nil
}

// near reports that a becomes b by at most limit letters inserted, deleted, replaced or swapped.
func near(a, b string, limit int) bool {
	if a == b {
		return true
	}
	if limit == 0 || len(a)-len(b) > limit || len(b)-len(a) > limit {
		return false
	}
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	switch {
	case a == "" || b == "":
		return len(a)+len(b) <= limit
	case len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] && near(a[2:], b[2:], limit-1):
		return true
	}
	return near(a[1:], b[1:], limit-1) || near(a[1:], b, limit-1) || near(a, b[1:], limit-1)
}

package audit

import (
	"fmt"
	"regexp"
)

// hints are what a description of a tool has no reason to say. Each pattern ignores case.
var hints = [...]struct {
	id       string
	severity Severity
	what     string
	pattern  string
}{
	{"instructions", High, "it tells the model to ignore other instructions",
		`\b(ignore|disregard|forget|override)\s+(all\s+|any\s+)?(of\s+)?(the\s+|your\s+)?` +
			`(previous|prior|above|earlier|other|system)\s+(instructions|prompts?|rules|messages)`},
	{"instructions", High, "it tells the model to hide something from the user",
		`\b(do not|don't|never|without)\s+(tell|telling|mention|mentioning|inform|informing|` +
			`show|showing|reveal|revealing|notify|notifying)\s+` +
			`(this\s+|it\s+|that\s+|anything\s+)?` +
			`(to\s+)?(the\s+)?user`},
	{"instructions", High, "it speaks to the model as its system or its user would",
		`<\s*/?\s*(important|system|instructions?|secret|admin)\s*>|\[(system|inst)\]|` +
			`\byou are now\b|\bnew instructions\s*:`},
	{"secrets", High, "it mentions where secrets are",
		`(~|\$home|/home/\w+|/root)/\.(ssh|aws|gnupg|kube|netrc|npmrc|config/gcloud)\b|` +
			`\bid_(rsa|ed25519|ecdsa)\b|/etc/shadow\b|\.cursor/mcp\.json|claude_desktop_config|` +
			`\b(print|send|include|pass|read)\b[^.\n]{0,40}\b(private key|api[_ ]?keys?|` +
			`access tokens?|passwords?|credentials)\b[^.\n]{0,60}\b(as|in|to|into)\b[^.\n]{0,30}` +
			`\b(argument|parameter|sidenote|field|note|context)`},
	{"tools", Medium, "it tells the model how to use other tools",
		`\b(before|whenever|instead of|after)\b[^.\n]{0,30}\b(using|calling|invoking|any)\b` +
			`[^.\n]{0,20}\bother tools?\b|\bmust\b[^.\n]{0,30}\bcall(ed)?\b[^.\n]{0,30}\b(first|` +
			`before any)\b|\b(always|only) use this tool\b`},
}

// Text reads what a server says of itself or of a tool: a model will believe it.
func Text(where, text string) (found []Finding) {
	if r := invisible(text); r != 0 {
		found = append(found, Finding{"hidden", High,
			"it has invisible characters, which a model reads and a person does not see",
			fmt.Sprintf("%s: %U", where, r)})
	}
	for _, h := range hints {
		if m := regexp.MustCompile(`(?i)` + h.pattern).FindString(text); m != "" {
			if len(m) > 120 {
				m = m[:120]
			}
			found = append(found, Finding{h.id, h.severity, h.what, where + ": " + m})
		}
	}
	return found
}

// invisible returns a character that has no place in a description. A joiner is in order inside of
// an emoji, so one alone is none of it; three in a row hide something.
func invisible(text string) rune {
	if r := hidden(text); r != 0 {
		return r
	}
	row := 0
	for _, r := range text {
		switch {
		case r == 0x200B, r == 0x200C, r == 0x200D, r == 0x2060, r == 0xFEFF,
			r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0100 && r <= 0xE01EF:
			if row++; row == 3 {
				return r
			}
		default:
			row = 0
		}
	}
	return 0
}

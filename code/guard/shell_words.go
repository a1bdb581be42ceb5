package guard

import (
	"encoding/base64"
	"encoding/hex"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/mcpbox/mcpbox/monitor"
)

// fold puts a word together from what is constant in it.
func (s *shell) fold(w *syntax.Word) (string, bool) {
	if w == nil {
		return "", true
	}
	return s.parts(w.Parts)
}

func (s *shell) parts(parts []syntax.WordPart) (string, bool) {
	var b strings.Builder
	for _, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(unbackslash(p.Value))
		case *syntax.SglQuoted:
			if p.Dollar {
				b.WriteString(unescape([]byte(p.Value)))
			} else {
				b.WriteString(p.Value)
			}
		case *syntax.DblQuoted:
			t, ok := s.parts(p.Parts)
			if !ok {
				return "", false
			}
			b.WriteString(t)
		case *syntax.ParamExp:
			t, ok := s.parameter(p)
			if !ok {
				return "", false
			}
			b.WriteString(t)
		case *syntax.CmdSubst:
			t, ok := s.substitution(p)
			if !ok {
				return "", false
			}
			b.WriteString(t)
		default:
			return "", false
		}
		if b.Len() > maxText {
			return "", false
		}
	}
	return b.String(), true
}

func unbackslash(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
			if text[i] == '\n' {
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func (s *shell) parameter(p *syntax.ParamExp) (string, bool) {
	if p.Param == nil || p.Excl || p.Length || p.Repl != nil || p.Names != 0 {
		return "", false
	}
	if w, ok := p.Index.(*syntax.Word); p.Index != nil && (!ok || w.Lit() != "@" &&
		w.Lit() != "*") {
		return "", false
	}
	value, ok := s.variables[p.Param.Value]
	if p.Exp != nil {
		if (p.Exp.Op == syntax.DefaultUnset || p.Exp.Op == syntax.DefaultUnsetOrNull) && !ok {
			return s.fold(p.Exp.Word)
		}
		return "", false
	}
	if !ok || value == "" {
		switch p.Param.Value {
		case "IFS":
			return " ", true
		case "@", "*", "1", "2", "3", "u": // unset outside of functions: c$@url, c${u}rl
			return "", len(s.functions) == 0
		}
		return "", false
	}
	if p.Slice != nil {
		return slice(value, p.Slice)
	}
	return value, true
}

func slice(value string, by *syntax.Slice) (string, bool) {
	from, to := arithmetic(by.Offset), arithmetic(by.Length)
	if from < 0 || from > len(value) || by.Length != nil && (to < 0 || from+to > len(value)) {
		return "", false
	}
	if by.Length == nil {
		return value[from:], true
	}
	return value[from : from+to], true
}

func arithmetic(e syntax.ArithmExpr) int {
	w, ok := e.(*syntax.Word)
	if !ok || w == nil {
		return -1
	}
	n := 0
	for _, c := range w.Lit() {
		if c < '0' || c > '9' || n > maxText {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// substitution follows what echo and printf print, and what decodes it.
func (s *shell) substitution(c *syntax.CmdSubst) (string, bool) {
	if len(c.Stmts) != 1 {
		return "", false
	}
	return s.printed(c.Stmts[0])
}

func (s *shell) printed(stmt *syntax.Stmt) (string, bool) {
	switch cmd := stmt.Cmd.(type) {
	case *syntax.CallExpr:
		return s.output(cmd, stmt)
	case *syntax.BinaryCmd:
		if cmd.Op != syntax.Pipe {
			return "", false
		}
		in, ok := s.printed(cmd.X)
		call, isCall := cmd.Y.Cmd.(*syntax.CallExpr)
		if !ok || !isCall {
			return "", false
		}
		return s.filter(call, in)
	}
	return "", false
}

func (s *shell) output(call *syntax.CallExpr, stmt *syntax.Stmt) (string, bool) {
	var words []string
	for _, w := range call.Args {
		t, ok := s.fold(w)
		if !ok {
			return "", false
		}
		words = append(words, t)
	}
	if len(words) == 0 {
		return "", false
	}
	switch path.Base(words[0]) {
	case "echo":
		words = words[1:]
		escaped := false
		for len(words) > 0 && len(words[0]) > 1 && strings.Trim(words[0], "-neE") == "" {
			escaped = escaped || strings.Contains(words[0], "e")
			words = words[1:]
		}
		text := strings.Join(words, " ")
		if escaped {
			text = unescape([]byte(text))
		}
		return text, true
	case "printf":
		if len(words) == 1 {
			return "", false
		}
		format := unescape([]byte(words[1]))
		if len(words) == 2 {
			return format, true
		}
		for _, w := range words[2:] {
			format = strings.Replace(format, "%s", w, 1)
		}
		return format, true
	case "which", "type", "command":
		return words[len(words)-1], true
	}
	for _, r := range stmt.Redirs { // base64 -d <<< TEXT
		if r.Op == syntax.WordHdoc {
			if in, ok := s.fold(r.Word); ok {
				return s.filter(call, in)
			}
		}
	}
	return "", false
}

func (s *shell) filter(call *syntax.CallExpr, in string) (string, bool) {
	var words []string
	for _, w := range call.Args {
		t, _ := s.fold(w)
		words = append(words, t)
	}
	if len(words) == 0 {
		return "", false
	}
	in = strings.TrimSpace(in)
	switch words[0] {
	case "base64":
		data, err := base64.StdEncoding.DecodeString(in)
		return strings.TrimSpace(string(data)), err == nil
	case "xxd":
		data, err := hex.DecodeString(in)
		return strings.TrimSpace(string(data)), err == nil
	case "rev":
		r := []rune(in)
		for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
			r[i], r[j] = r[j], r[i]
		}
		return string(r), true
	case "tr":
		if len(words) == 3 && words[1] == "-d" {
			return strings.Map(func(c rune) rune {
				if strings.ContainsRune(words[2], c) {
					return -1
				}
				return c
			}, in), true
		}
		if len(words) == 3 && strings.Contains(strings.ToLower(words[1]), "a-z") &&
			strings.Contains(strings.ToLower(words[2]), "n-z") {
			return strings.Map(rot13, in), true
		}
	case "cat":
		return in, true
	}
	return "", false
}

func rot13(c rune) rune {
	switch {
	case c >= 'a' && c <= 'z':
		return 'a' + (c-'a'+13)%26
	case c >= 'A' && c <= 'Z':
		return 'A' + (c-'A'+13)%26
	}
	return c
}

// computed: a word that a command's output is part of.
func computed(w *syntax.Word) (found bool) {
	if w == nil {
		return false
	}
	syntax.Walk(w, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst, *syntax.ExtGlob:
			found = true
		case *syntax.ParamExp:
			found = found || n.Excl || n.Slice != nil || n.Repl != nil
		case *syntax.Lit: // /???/c?rl finds a command by a pattern
			found = found || strings.ContainsAny(n.Value, "?[*") && strings.Contains(n.Value, "/")
		}
		return true
	})
	return found
}

// runsArguments: f() { "$@"; }
func runsArguments(body syntax.Node) (found bool) {
	syntax.Walk(body, func(n syntax.Node) bool {
		if call, ok := n.(*syntax.CallExpr); ok && len(call.Args) > 0 {
			syntax.Walk(call.Args[0], func(n syntax.Node) bool {
				if p, ok := n.(*syntax.ParamExp); ok && p.Param != nil {
					switch p.Param.Value {
					case "@", "*", "1":
						found = true
					}
				}
				return true
			})
		}
		return true
	})
	return found
}

// input: a shell whose commands are in the script itself, or come from another command.
func (s *shell) input(stmt *syntax.Stmt) {
	call, ok := stmt.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 {
		return
	}
	name, rest, known := s.before(call.Args)
	if !known || !isShell(name) && name != "source" && name != "." && !otherLanguage(name) {
		return
	}
	for _, r := range stmt.Redirs {
		word := r.Word
		if r.Op == syntax.Hdoc || r.Op == syntax.DashHdoc {
			word = r.Hdoc
		} else if r.Op != syntax.WordHdoc {
			continue
		}
		if text, ok := s.fold(word); otherLanguage(name) {
			s.foreign(name, text, s.at(stmt))
		} else if ok {
			s.again(text, s.at(stmt))
		} else {
			s.add(kindCall, name, monitor.High, s.at(stmt), "runs text that is computed", "")
		}
	}
	for _, w := range rest {
		for _, p := range w.Parts {
			if _, ok := p.(*syntax.ProcSubst); ok {
				s.add(kindOther, "pipe-to-shell", monitor.High, s.at(w),
					"runs what a command prints", "")
			}
		}
	}
}

// pipe: whatever ends in a shell's input is run.
func (s *shell) pipe(n *syntax.BinaryCmd) {
	call, ok := n.Y.Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) == 0 {
		return
	}
	name, _, known := s.before(call.Args)
	if !known || !isShell(name) && name != "xargs" && name != "source" {
		return
	}
	at := s.at(n.Y)
	if isShell(name) {
		s.add(kindOther, "pipe-to-shell", monitor.High, at, "runs what comes from a pipe", "")
	}
	if text, ok := s.printed(n.X); ok {
		s.again(text, at)
	}
}

func (s *shell) redirect(r *syntax.Redirect) {
	text, ok := s.fold(r.Word)
	if !ok {
		return
	}
	at := s.at(r)
	switch r.Op {
	case syntax.RdrOut,
		syntax.AppOut,
		syntax.RdrInOut,
		syntax.RdrClob,
		syntax.RdrAll,
		syntax.AppAll,
		syntax.RdrIn,
		syntax.DplOut,
		syntax.DplIn:
		if strings.HasPrefix(text, "/dev/tcp/") || strings.HasPrefix(text, "/dev/udp/") {
			s.add(kindOther, "network", monitor.High, at, "connects to the network", text)
		} else if r.Op != syntax.RdrIn && systemPath(text) {
			s.add(kindOther, "system-path", monitor.High, at, "writes to the system's files", text)
		} else if secretPath(text) {
			s.add(kindOther, "path", monitor.High, at, "a file that a snippet has no business with",
				text)
		}
	case syntax.WordHdoc: // bash <<< TEXT is judged where bash is
	}
}

// bomb: a function that starts itself more than once, or in the background.
func (s *shell) bomb(f *syntax.FuncDecl) {
	calls, background := 0, false
	syntax.Walk(f.Body, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			if len(n.Args) > 0 {
				if name, ok := s.fold(n.Args[0]); ok && name == f.Name.Value {
					calls++
				}
			}
		case *syntax.Stmt:
			background = background || n.Background
		case *syntax.BinaryCmd:
			background = background || n.Op == syntax.Pipe
		}
		return true
	})
	if calls > 0 && background {
		s.add(kindOther, "fork-bomb", monitor.High, s.at(f),
			"a function that starts itself again and again", f.Name.Value)
	}
}

// endless: a loop without an end that starts programs in the background.
func (s *shell) endless(w *syntax.WhileClause) {
	if len(w.Cond) != 1 {
		return
	}
	cond, ok := w.Cond[0].Cmd.(*syntax.CallExpr)
	if !ok || len(cond.Args) == 0 {
		return
	}
	name, _ := s.fold(cond.Args[0])
	if !w.Until && name != "true" && name != ":" || w.Until && name != "false" {
		return
	}
	for _, stmt := range w.Do {
		if stmt.Background {
			s.add(kindOther, "fork-bomb", monitor.High, s.at(w),
				"an endless loop that starts programs in the background", "")
			return
		}
	}
}

package guard

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/monitor"
)

// The shell's parser recurses without a bound of its own.
const (
	maxShellDepth = 400 // brackets, quotes of substitutions, keywords that open
	maxShellText  = 5   // shells in the text for shells
)

func (j *judge) shell(source []byte) error {
	s := &shell{judge: j, variables: map[string]string{}, functions: map[string]bool{}}
	return s.parse(source, place{}, 0)
}

// shell is one look at one script, and at the scripts in its texts.
type shell struct {
	*judge
	variables map[string]string // set once to a constant; "" after a second time
	functions map[string]bool   // whether it runs its arguments
	within    place             // of the text that is being read, for findings in it
	level     int
}

func (s *shell) parse(source []byte, within place, level int) error {
	if deep(source) {
		return errors.New("too deeply nested to be parsed")
	}
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).
		Parse(bytes.NewReader(source), "")
	if err != nil {
		at, message := place{1, 1}, err.Error()
		var e syntax.ParseError
		if errors.As(err, &e) {
			at, message = place{int(e.Pos.Line()), int(e.Pos.Col())}, e.Text
		}
		s.add(kindOther, "syntax", monitor.Low, s.nested(at), "the code does not parse",
			safetext.Clean(message, 200))
		return fmt.Errorf("shell that the guard's parser does not know")
	}
	outer, outerLevel := s.within, s.level
	s.within, s.level = within, level
	syntax.Walk(file, s.collect)
	syntax.Walk(file, s.visit)
	s.within, s.level = outer, outerLevel
	return nil
}

// deep estimates the nesting from above.
func deep(source []byte) bool {
	depth := 0
	ends := func(r rune) bool { return r == ' ' || r == '\n' || r == '\t' || r == ';' }
	for _, word := range bytes.FieldsFunc(source, ends) {
		switch string(word) {
		case "if", "while", "until", "for", "case", "select", "!", "time", "coproc", "{":
			depth++
		case "fi", "done", "esac", "}":
			depth--
		}
		for _, c := range word {
			switch c {
			case '(', '{', '[', '`':
				depth++
			case ')', '}', ']':
				depth--
			case '!', '~', '-', '+':
				if len(word) > maxShellDepth {
					depth++
				}
			}
		}
		if depth > maxShellDepth {
			return true
		}
		depth = max(depth, 0)
	}
	return false
}

func (s *shell) nested(at place) place {
	if s.within.line > 0 {
		return s.within
	}
	return at
}

func (s *shell) at(n syntax.Node) place {
	return s.nested(place{max(int(n.Pos().Line()), 1), max(int(n.Pos().Col()), 1)})
}

// collect learns what variables and functions there are, before anything is judged.
func (s *shell) collect(n syntax.Node) bool {
	switch n := n.(type) {
	case *syntax.Assign:
		if n.Name != nil && n.Array != nil {
			s.variables[n.Name.Value] = s.words(n.Array)
		}
		if n.Name == nil || n.Value == nil {
			break
		}
		text, ok := s.fold(n.Value)
		if _, again := s.variables[n.Name.Value]; ok && (!again || n.Append) {
			s.variables[n.Name.Value] += text
		} else if again {
			s.variables[n.Name.Value] = ""
		}
	case *syntax.FuncDecl:
		s.functions[n.Name.Value] = runsArguments(n.Body)
	case *syntax.CallExpr: // set -- curl …; "$@"
		if len(n.Args) > 2 && n.Args[0].Lit() == "set" && n.Args[1].Lit() == "--" {
			var words []string
			for _, w := range n.Args[2:] {
				t, _ := s.fold(w)
				words = append(words, t)
			}
			s.variables["@"] = strings.Join(words, " ")
		}
	}
	return true
}

func (s *shell) words(a *syntax.ArrayExpr) string {
	var words []string
	for _, e := range a.Elems {
		t, _ := s.fold(e.Value)
		words = append(words, t)
	}
	return strings.Join(words, " ")
}

// separates: what splits an unquoted variable into words.
func (s *shell) separates(r rune) bool {
	return r == ' ' || r == '\t' || r == '\n' || strings.ContainsRune(s.variables["IFS"], r)
}

// loose: a word that is nothing but a variable, all of an array, or all arguments.
func loose(w *syntax.Word) bool {
	if len(w.Parts) != 1 {
		return false
	}
	switch p := w.Parts[0].(type) {
	case *syntax.ParamExp:
		return true
	case *syntax.DblQuoted:
		inner, ok := syntax.WordPart(nil), len(p.Parts) == 1
		if ok {
			inner = p.Parts[0]
		}
		e, ok := inner.(*syntax.ParamExp)
		return ok && (e.Index != nil || e.Param != nil && e.Param.Value == "@")
	}
	return false
}

func (s *shell) visit(n syntax.Node) bool {
	switch n := n.(type) {
	case *syntax.Stmt:
		s.input(n)
	case *syntax.CallExpr:
		s.call(n)
	case *syntax.BinaryCmd:
		if n.Op == syntax.Pipe || n.Op == syntax.PipeAll {
			s.pipe(n)
		}
	case *syntax.Redirect:
		s.redirect(n)
	case *syntax.FuncDecl:
		s.bomb(n)
	case *syntax.WhileClause:
		s.endless(n)
	case *syntax.Assign:
		if n.Name != nil {
			switch n.Name.Value {
			case "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "BASH_ENV", "PROMPT_COMMAND":
				s.add(
					kindOther,
					"environment",
					monitor.High,
					s.at(n),
					"makes programs load other code",
					n.Name.Value,
				)
			}
		}
	}
	return true
}

// shells read commands: an argument of -c, or their input.
func isShell(name string) bool {
	switch name {
	case "sh", "bash", "dash", "zsh", "ksh", "ash", "rbash":
		return true
	}
	return false
}

// before takes the commands off that only run another one, and their options.
func (s *shell) before(args []*syntax.Word) (name string, rest []*syntax.Word, ok bool) {
	for len(args) > 0 {
		text, known := s.fold(args[0])
		if !known {
			return "", args, false
		}
		if loose(args[0]) { // a variable with a whole command in it
			if words := strings.FieldsFunc(text, s.separates); len(words) > 1 {
				s.again(strings.Join(words, " "), s.at(args[0]))
				text = words[0]
			}
		}
		name = path.Base(text)
		switch name {
		case "command",
			"builtin",
			"exec",
			"env",
			"nice",
			"ionice",
			"stdbuf",
			"timeout",
			"time",
			"xargs",
			"busybox",
			"nohup",
			"setsid",
			"sudo",
			"doas":
			if name == "sudo" || name == "doas" || name == "nohup" || name == "setsid" {
				s.named(kindCall, name, s.at(args[0]), "")
			}
			next := args[1:]
			for len(next) > 0 {
				t, ok := s.fold(next[0])
				if !ok || !strings.HasPrefix(t, "-") && !strings.Contains(t, "=") && !isNumber(t) {
					break
				}
				next = next[1:]
				if len(t) == 2 && strings.Contains("-a-u-s-k-n-I-P-L-d", t) && len(next) > 1 {
					// An option that may have an argument: what follows is looked at either way.
					if word, ok := s.fold(next[0]); ok &&
						!s.named(kindCall, path.Base(word), s.at(next[0]), "") {
						next = next[1:]
					}
				}
			}
			if len(next) == 0 {
				return name, args[1:], true
			}
			args = next
			continue
		}
		return name, args[1:], true
	}
	return "", nil, true
}

func isNumber(t string) bool { return t != "" && strings.Trim(t, "0123456789.smhd") == "" }

func (s *shell) call(n *syntax.CallExpr) {
	if len(n.Args) == 0 {
		return
	}
	name, rest, ok := s.before(n.Args)
	at := s.at(n.Args[0])
	if !ok {
		if computed(rest[0]) {
			s.add(
				kindOther,
				"computed-name",
				monitor.High,
				at,
				"the command's name is computed",
				"",
			)
		}
		return
	}
	if runs, ours := s.functions[name]; ours {
		if runs && len(rest) > 0 {
			s.call(&syntax.CallExpr{Args: rest})
		}
		return
	}
	if computed(n.Args[0]) {
		s.add(
			kindOther,
			"computed-name",
			monitor.High,
			at,
			"the command's name is a pattern or is computed",
			name,
		)
	}
	if name == "." && len(rest) == 0 {
		return
	}
	s.named(kindCall, name, at, "")
	s.arguments(name, rest, at)
	var texts []string
	for _, w := range rest {
		t, _ := s.fold(w)
		texts = append(texts, t)
	}
	switch {
	case name == "eval":
		s.again(strings.Join(texts, " "), at)
		for _, w := range rest {
			if computed(w) {
				s.add(kindCall, "eval", monitor.High, at, "runs text that is computed", "")
			}
		}
	case isShell(name):
		for i, t := range texts {
			if strings.HasPrefix(t, "-") && strings.Contains(t, "c") && i+1 < len(texts) {
				s.again(texts[i+1], at)
				if computed(rest[i+1]) {
					s.add(kindCall, name, monitor.High, at, "runs text that is computed", "")
				}
			}
		}
	case name == "trap" && len(texts) > 1:
		s.again(texts[0], at)
	case name == "alias":
		for _, t := range texts {
			if _, what, ok := strings.Cut(t, "="); ok {
				s.again(what, at)
			}
		}
	case name == "find":
		for i, t := range texts {
			if (t == "-exec" || t == "-execdir" || t == "-ok") && i+1 < len(rest) {
				s.call(&syntax.CallExpr{Args: rest[i+1:]})
			}
		}
	case otherLanguage(name):
		for _, t := range texts {
			s.foreign(name, t, at)
		}
	case (name == "." || name == "source") && len(texts) > 0 &&
		strings.HasPrefix(texts[0], "/tmp/"):
		s.add(
			kindCall,
			name,
			monitor.High,
			at,
			"runs a file that anything may have written",
			texts[0],
		)
	}
}

func otherLanguage(name string) bool {
	switch name {
	case "perl", "ruby", "node", "php", "awk", "gawk", "mawk", "lua":
		return true
	}
	return strings.HasPrefix(name, "python")
}

// foreign looks at a program of another language for the words that matter.
func (s *shell) foreign(name, text string, at place) {
	for _, word := range [...]string{"socket", "os.system", "subprocess", "child_process",
		"system(", "/inet/", "fsockopen", "pty.spawn", "exec("} {
		if strings.Contains(text, word) {
			s.add(kindCall, name, monitor.High, at,
				"another language's program that starts programs or connects", word)
		}
	}
}

// again reads text as the commands that it is.
func (s *shell) again(text string, at place) {
	if s.level >= maxShellText || strings.TrimSpace(text) == "" {
		return
	}
	_ = s.parse([]byte(text), at, s.level+1) // what does not parse is a finding already
}

// arguments judges what a command is told to do.
func (s *shell) arguments(name string, rest []*syntax.Word, at place) {
	options := ""
	for _, w := range rest {
		t, ok := s.fold(w)
		if !ok {
			continue
		}
		if strings.HasPrefix(t, "-") {
			options += t
			if name != "dd" {
				if name == "kill" && (t == "-1") {
					s.add(kindCall, "kill", monitor.High, at, "signals every process", "")
				}
				continue
			}
		}
		switch {
		case name == "rm" && strings.ContainsAny(options, "rR") && (t == "/" || t == "/*" ||
			t == "~" || t == "--no-preserve-root" || strings.HasPrefix(t, "/usr") ||
			strings.HasPrefix(t, "/etc") || strings.HasPrefix(t, "/home")):
			s.add(kindCall, "rm", monitor.High, at, "removes the system's or a person's files", t)
		case name == "dd" && strings.HasPrefix(t, "of=/dev/") && t != "of=/dev/null":
			s.add(kindCall, "dd", monitor.High, at, "writes to a device", t)
		case name == "chmod" && (strings.Contains(t, "+s") ||
			len(t) == 4 && (t[0] == '4' || t[0] == '2' || t[0] == '6') && isNumber(t)):
			s.add(kindCall, "chmod", monitor.High, at, "makes a set-user-ID program", t)
		case name == "kill" && (t == "1" || t == "-1"):
			s.add(kindCall, "kill", monitor.High, at, "signals every process, or the first", t)
		case changes(name) && systemPath(t):
			s.add(kindCall, name, monitor.High, at, "changes the system's files", t)
		case secretPath(t):
			s.add(
				kindOther,
				"path",
				monitor.High,
				s.at(w),
				"a file that a snippet has no business with",
				t,
			)
		}
	}
}

func changes(command string) bool {
	switch command {
	case "cp",
		"mv",
		"tee",
		"install",
		"ln",
		"touch",
		"truncate",
		"sed",
		"chmod",
		"chown",
		"mkdir",
		"rmdir",
		"mknod":
		return true
	}
	return false
}

func systemPath(p string) bool {
	for _, prefix := range [...]string{"/etc", "/usr", "/bin", "/sbin", "/lib", "/boot", "/sys",
		"/proc", "/dev/sd", "/dev/mem", "/root", "/var", "/run"} {
		if p == prefix || strings.HasPrefix(p, prefix+"/") ||
			strings.HasPrefix(prefix, "/dev/sd") && strings.HasPrefix(p, prefix) {
			return true
		}
	}
	return false
}

func secretPath(p string) bool {
	for _, part := range [...]string{"/etc/shadow", "/etc/passwd", "/etc/sudoers", "/etc/ssh",
		"/root/", ".ssh/", "/environ", "docker.sock", "/proc/1/", "/proc/kcore", "/dev/mem",
		".aws/", ".bash_history", "/proc/sys", "/sys/"} {
		if strings.Contains(p, part) {
			return true
		}
	}
	return false
}

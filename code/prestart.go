package code

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpbox/mcpbox/pool"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

//go:embed boot/boot.py
var bootPython string

//go:embed boot/boot.js
var bootNode string

// Prestart says how a language's interpreter is started ahead of a snippet. It then runs a program
// of mcpbox's, which waits for the snippet on standard input:
//
//	8 hex digits: the length of what follows
//	words with NULs between them: the number of arguments, the arguments,
//	                              then name and size of each file, the snippet first
//	the files' contents
//
// What follows is the snippet's own standard input.
type Prestart struct {
	Run  []string // with PROGRAM, FILE and BOOT
	Boot string   // the program
	File string   // where it is put; "": it is the word BOOT itself
}

const boot = "BOOT"

// What runs a session's snippets. Each turn is a message, behind a line of package pool's; a file
// without a name is the snippet's standard input.
//
//go:embed boot/session.py
var sessionPython string

//go:embed boot/session.js
var sessionNode string

//go:embed boot/session.sh
var sessionBash string

// ready is what a program of mcpbox's writes when it waits.
const ready = 0

// program is the interpreter of a language that waits for a snippet.
func (s *Prestart) program(l *Language, path string) *pool.Program {
	with := map[string]string{program: path, file: "/work/" + l.File, boot: s.Boot}
	p := &pool.Program{Env: l.Env, Ready: ready}
	if s.File != "" {
		p.Files, with[boot] = []mcpruntime.File{{Path: s.File, Data: []byte(s.Boot)}}, s.File
	}
	p.Args = command(s.Run, with)
	return p
}

// maxMessage bounds what an interpreter that waits is sent: with more, it is started with the call.
const maxMessage = 8 << 20

// message is what the interpreter waits for; false if it can't be sent.
func message(args []string, files []mcpruntime.File) (data []byte, ok bool) {
	words := append([]string{strconv.Itoa(len(args))}, args...)
	size := 0
	for _, f := range files {
		words = append(words, f.Path, strconv.Itoa(len(f.Data)))
		size += len(f.Data)
	}
	if size > maxMessage ||
		slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, "\x00") }) {
		return nil, false
	}
	head := strings.Join(words, "\x00")
	data = fmt.Appendf(make([]byte, 0, 8+len(head)+size), "%08x%s", len(head), head)
	for _, f := range files {
		data = append(data, f.Data...)
	}
	return data, true
}

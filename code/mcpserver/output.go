package mcpserver

import (
	"fmt"
	"mime"
	"path"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpbox/mcpbox/code"
)

// Output is the structured answer. Times are seconds, memory is bytes.
type Output struct {
	Available     bool      `json:"available" jsonschema:"false: nothing can run here, reason says why"`
	Success       bool      `json:"success"`
	Status        string    `json:"status" jsonschema:"ok, failed, signaled, timeout, memory_limit, cpu_limit, pids_limit, disk_limit, output_limit, violation, refused, compile_error or setup_error"`
	ExitCode      int       `json:"exit_code"`
	Signal        string    `json:"signal,omitempty"`
	Reason        string    `json:"reason,omitempty" jsonschema:"why nothing ran"`
	Hint          string    `json:"hint,omitempty" jsonschema:"what to change"`
	Stdout        string    `json:"stdout"`
	Stderr        string    `json:"stderr"`
	StdoutBytes   int64     `json:"stdout_bytes" jsonschema:"all that was written, kept or not"`
	StderrBytes   int64     `json:"stderr_bytes"`
	ExecutionTime float64   `json:"execution_time"`
	CPUTime       float64   `json:"cpu_time"`
	MemoryUsed    int64     `json:"memory_used" jsonschema:"peak bytes, -1 if not known"`
	Findings      []Finding `json:"findings" jsonschema:"what the guard saw in the code"`
	Events        []Event   `json:"events" jsonschema:"what the sandbox refused"`
	Files         []OutFile `json:"files" jsonschema:"what the program left in /work/out"`
	FilesLeft     int       `json:"files_left,omitempty" jsonschema:"entries that did not come back: too many, too large, or no regular files"`
	NotEnforced   []string  `json:"not_enforced,omitempty" jsonschema:"layers and limits that this host can't give"`
	Risk          string    `json:"risk" jsonschema:"low, medium, high or critical"`
	ExecutionID   string    `json:"execution_id"`

	Session *Session `json:"session,omitempty"`
}

// Session says where in a session a call ran.
type Session struct {
	Turn  int  `json:"turn" jsonschema:"number of the call in the session"`
	Ended bool `json:"ended,omitempty" jsonschema:"the next call of the session starts afresh"`
}

// Finding is one thing that the guard saw.
type Finding struct {
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Severity string `json:"severity"`
	Rule     string `json:"rule"`
	Reason   string `json:"reason"`
}

// Event is one kind of thing that the sandbox refused or ended.
type Event struct {
	Type     string `json:"type"`
	Severity string `json:"severity"`
	What     string `json:"what"`
	Count    int64  `json:"count"`
}

// OutFile is a file that can be read at its URI.
type OutFile struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	URI  string `json:"uri"`
}

const maxEvents = 20

func output(r *code.Result) Output {
	o := Output{
		Available:     r.Available,
		Success:       r.Success,
		Status:        string(r.Status),
		ExitCode:      r.ExitCode,
		Signal:        r.Signal,
		Reason:        r.Reason,
		Hint:          r.Hint,
		Stdout:        r.Stdout,
		Stderr:        r.Stderr,
		StdoutBytes:   r.StdoutBytes,
		StderrBytes:   r.StderrBytes,
		ExecutionTime: seconds(r.ExecutionTime),
		CPUTime:       seconds(r.CPUTime),
		MemoryUsed:    r.MemoryUsed,
		FilesLeft:     r.FilesCut,
		Risk:          string(r.Report.Risk),
		ExecutionID:   r.ExecutionID,
		Findings:      []Finding{},
		Events:        []Event{},
		Files:         []OutFile{},
	}
	if s := r.Session; s != nil {
		o.Session = &Session{Turn: s.Turn, Ended: s.Ended}
	}
	for _, f := range r.Guard.Findings {
		o.Findings = append(o.Findings,
			Finding{f.Line, f.Column, string(f.Severity), f.Rule, f.Reason})
	}
	for _, e := range r.Events {
		if len(o.Events) == maxEvents {
			break
		}
		what := e.Reason
		if e.Syscall != nil {
			what = e.Syscall.Name + "(" + strings.Join(e.Syscall.Args, ", ") + "): " + e.Reason
		} else if e.Limit != nil {
			what = e.Limit.Name + ": " + e.Reason
		}
		o.Events = append(
			o.Events,
			Event{
				string(e.Type),
				string(e.Severity),
				strings.TrimSuffix(what, ": "),
				int64(e.Count),
			},
		)
	}
	for _, f := range r.Files {
		o.Files = append(o.Files, OutFile{f.Name, f.Size, uri(r.ExecutionID, f.Name)})
	}
	for layer, state := range r.Layers {
		if state == "absent" {
			o.NotEnforced = append(o.NotEnforced, "layer "+string(layer))
		}
	}
	for name, l := range r.Limits {
		if l.Backend == "none" {
			o.NotEnforced = append(o.NotEnforced, "limit "+name)
		}
	}
	if r.Status == code.StatusRefused {
		o.Hint = "take out what the findings name, or use run_code, which only reports them"
	}
	slices.Sort(o.NotEnforced)
	return o
}

func seconds[D ~int64](d D) float64 { return float64(d) / 1e9 }

// content is the answer for a model, and a link for every file.
func content(r *code.Result, o *Output) []mcp.Content {
	list := []mcp.Content{&mcp.TextContent{Text: text(r, o)}}
	for i := range o.Files {
		f := &o.Files[i]
		list = append(list,
			&mcp.ResourceLink{URI: f.URI, Name: f.Name, Size: &f.Size, MIMEType: mimeType(f.Name)})
	}
	return list
}

func mimeType(name string) string {
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

func text(r *code.Result, o *Output) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	switch {
	case !o.Available:
		line("Not available: %s", o.Reason)
	case o.Status == string(code.StatusRefused):
		line("Refused before it ran. %s", o.Reason)
	case o.Status == string(code.StatusCompile):
		line("It did not compile (exit code %d).", o.ExitCode)
	case o.Success:
		line("It ran and ended with exit code 0.")
	default:
		line("It ended with status %s, exit code %d.%s", o.Status, o.ExitCode, why(o.Status))
	}
	if o.Session != nil && o.Session.Ended {
		line("The session has ended with it: the next call starts afresh.")
	}
	if o.Hint != "" {
		line("What to change: %s", o.Hint)
	}
	block(&b, "stdout", o.Stdout)
	block(&b, "stderr", o.Stderr)
	if !o.Success || o.Status == string(code.StatusRefused) {
		for _, f := range o.Findings {
			line("guard: line %d, column %d: %s: %s", f.Line, f.Column, f.Severity, f.Reason)
		}
	}
	for _, e := range o.Events {
		line("sandbox: %s: %s (%d times)", strings.ReplaceAll(e.Type, "_", " "), e.What, e.Count)
	}
	for _, f := range o.Files {
		line("file: %s, %d bytes, %s", f.Name, f.Size, f.URI)
	}
	if o.FilesLeft > 0 {
		line("%d entries of /work/out did not come back: too many, too large, or no regular files.",
			o.FilesLeft)
	}
	return b.String()
}

func block(b *strings.Builder, name, text string) {
	if text != "" {
		fmt.Fprintf(b, "%s:\n%s\n", name, strings.TrimSuffix(text, "\n"))
	}
}

// why says what a model can do about a limit.
func why(status string) string {
	switch status {
	case "timeout":
		return " It took too long: do less work, or print what there is so far."
	case "memory_limit":
		return " It used too much memory: work on smaller parts."
	case "output_limit":
		return " It printed too much: print less, or write to /work/out."
	case "disk_limit":
		return " It wrote too much."
	case "pids_limit":
		return " It started too many processes or threads."
	case "violation":
		return " It did what the policy ends a program for."
	}
	return ""
}

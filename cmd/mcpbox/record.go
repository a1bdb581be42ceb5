package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/mcpbox/mcpbox/code"
	"github.com/mcpbox/mcpbox/code/store"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/steady"
	"github.com/mcpbox/mcpbox/policies"
)

// recordFlags say whether and where executions are remembered.
type recordFlags struct {
	path      string
	off, keep bool
	stderr    *os.File // nil: this process's
}

func (f *recordFlags) register(fl *pflag.FlagSet) {
	storeFlag(fl, &f.path)
	fl.BoolVar(&f.off, "no-store", false, "keep nothing of this run: no statistics, no history")
	fl.BoolVar(&f.keep, "keep", false,
		"keep the code and its output too (otherwise: the code's SHA-256)")
}

func storeFlag(fl *pflag.FlagSet, path *string) {
	fl.StringVar(
		path,
		"store",
		"",
		"the `FILE` of statistics and history (default: mcpbox/executions.db in $XDG_DATA_HOME "+
			"or ~/.local/share)",
	)
}

func storePath(path string) (string, error) {
	if path != "" {
		return path, nil
	}
	return store.DefaultPath()
}

// policy loads a policy under which neither its own files nor the history can be changed.
func (f *recordFlags) policy(name string) (*policies.Policy, error) {
	p, files, err := policies.ResolveFiles(name)
	if err != nil {
		return nil, err
	}
	if history, err := storePath(f.path); err == nil && !f.off {
		if f.path, err = filepath.Abs(history); err != nil { // of the caller's folder, of now
			return nil, err
		}
		files = append(files, history)
	}
	return p, outOfReach(p, nil, files...)
}

// record remembers a run. What is wrong with the store is said, and changes nothing about the run.
func (f *recordFlags) record(res *code.Result, req *code.Request, tool string) {
	if f.off {
		return
	}
	if err := f.add(res, req, tool); err != nil {
		stderr := steady.File(cmp.Or(f.stderr, os.Stderr))
		fmt.Fprintf(stderr, "mcpbox: this run is not in the history: %v\n", err)
		if h := hint.Of(err); h != "" {
			fmt.Fprintf(stderr, "mcpbox: hint: %s\n", h)
		}
	}
}

func (f *recordFlags) add(res *code.Result, req *code.Request, tool string) error {
	path, err := storePath(f.path)
	if err != nil {
		return err
	}
	s, err := store.Open(path)
	if err != nil {
		return err
	}
	defer s.Close()
	e, err := f.execution(res, req, tool)
	if err != nil {
		return err
	}
	return s.Add(context.Background(), *e)
}

func (f *recordFlags) execution(
	res *code.Result,
	req *code.Request,
	tool string,
) (*store.Execution, error) {
	e := &store.Execution{
		ID:       res.ExecutionID,
		Time:     res.Timestamp,
		Tool:     tool,
		Language: res.Language,
		Policy:   res.Policy,
		Status:   string(res.Status),
		ExitCode: res.ExitCode,
		Took:     time.Duration(res.ExecutionTime),
		CPU:      time.Duration(res.CPUTime),
		Memory:   res.MemoryUsed,
		Risk:     string(res.Report.Risk),
		SHA256:   res.CodeSHA256,
		Events:   map[string]int{},
	}
	for _, event := range res.Events {
		e.Events[string(event.Type)] += int(event.Count)
	}
	kept := *res
	if f.keep {
		e.Code = req.Code
	} else {
		kept.Stdout, kept.Stderr, kept.Compile = "", "", nil
	}
	var err error
	e.Result, err = json.Marshal(&kept)
	return e, err
}

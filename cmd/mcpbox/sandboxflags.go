package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/logfile"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/internal/steady"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// sandboxFlags are the flags of every command that starts a sandbox. What is given overrides the
// policy.
type sandboxFlags struct {
	policy, workspace, home, rootfs, network, events, result, dir string
	mounts, env, allowNet, publish, secrets                       []string
	limits                                                        policies.Limits
	bestEffort, quiet, resident                                   bool
	caller                                                        *caller
	// the name of a server whose client keeps a log
	oncePerDay string
	dryRun     dryRun
}

func (f *sandboxFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.SetInterspersed(false) // the first word that is no flag begins the command
	fl.SortFlags = false
	fl.StringVarP(&f.policy, "policy", "p", "standard",
		"`NAME|FILE`: none, basic, browser, standard, strict, maximum, or a policy file")
	fl.StringVarP(&f.workspace, "workspace", "w", "",
		"bind `DIR[:ro|rw]` as /work, writable by default (without it, /work is empty)")
	fl.StringVar(&f.home, "home", "",
		"bind `DIR` as the home folder, writable, and keep it (it is made if it is missing)")
	fl.StringArrayVar(&f.mounts, "mount", nil,
		"bind `SRC:DST[:ro|rw]`, read-only by default; SRC alone is at the same path inside (may "+
			"be repeated)")
	fl.StringArrayVarP(&f.env, "env", "e", nil,
		"set `NAME=VALUE`, or pass the caller's NAME (may be repeated)")
	fl.StringVar(&f.dir, "dir", "", "start in `DIR`, as the sandbox sees it (default /work)")
	fl.StringVar(&f.rootfs, "rootfs", "",
		"use `DIR` as the root file system, instead of the host's /usr")
	fl.StringVar(&f.network, "network", "", "`none|host`: no network, or the host's")
	allowNetFlag(fl, &f.allowNet)
	fl.StringArrayVar(&f.publish, "publish", nil, "let the host reach a server inside: "+
		"`[ADDR:]PORT[:INSIDE]`, on 127.0.0.1 by default (may be repeated)")
	secretFlag(fl, &f.secrets)
	fl.Var(&f.limits.Memory, "memory", "memory, e.g. 256MiB (this and all limits: default from "+
		"the policy; 0: no limit)")
	fl.Float64Var(&f.limits.CPUs, "cpus", 0, "CPUs, e.g. 0.5")
	fl.Int64Var(&f.limits.PIDs, "pids", 0, "processes and threads")
	fl.Var(&f.limits.Timeout, "timeout", "wall clock, e.g. 30s")
	fl.Var(&f.limits.CPUTime, "cpu-time", "CPU time of all processes, e.g. 10s")
	fl.Var(&f.limits.Disk, "disk", "storage of the sandbox (/tmp, home, /work), e.g. 100MiB")
	fl.Var(&f.limits.FileSize, "file-size", "size of the largest file, e.g. 10MiB")
	fl.Int64Var(&f.limits.OpenFiles, "open-files", 0, "open files per process")
	fl.Var(&f.limits.Output, "output", "stdout and stderr together, e.g. 16MiB")
	for _, name := range []string{"timeout", "cpu-time"} {
		fl.Lookup(name).DefValue = "0" // which pflag knows to be no default
	}
	fl.StringVar(&f.events, "events", "", "append security events to `FILE`, one JSON object "+
		"per line")
	fl.StringVar(&f.result, "result", "", "write the result to `FILE` as JSON")
	fl.BoolVar(&f.bestEffort, "best-effort", false,
		"start even if the host lacks a required layer, and say what is missing")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no events on stderr; errors and the reason for "+
		"a kill are still printed")
}

// spec resolves the policy and the flags over it.
func (f *sandboxFlags) spec(cmd *cobra.Command) (mcpruntime.Spec, error) {
	if err := f.dryRun.check(); err != nil {
		return mcpruntime.Spec{}, err
	}
	p, files, err := policies.ResolveFiles(f.policy)
	if err != nil && isPorts(f.policy) {
		return mcpruntime.Spec{}, hint.Wrap(err, "-p is --policy; to publish a port: --publish "+
			f.policy)
	}
	if err != nil {
		return mcpruntime.Spec{}, err
	}
	if err := f.override(cmd, p); err != nil {
		return mcpruntime.Spec{}, err
	}
	if err := p.Validate(); err != nil {
		return mcpruntime.Spec{}, err
	}
	if err := outOfReach(p, f.streams(), append(files, f.events, f.result)...); err != nil {
		return mcpruntime.Spec{}, err
	}
	spec := mcpruntime.Spec{Policy: p, BestEffort: f.bestEffort}
	if spec.Secrets, err = f.who().sources(p, f.secrets); err != nil {
		return mcpruntime.Spec{}, err
	}
	if f.dryRun.on { // it opens no files
		return spec, nil
	}
	if p.Isolation != policies.IsolationNone {
		f.tellExposed(p.Filesystem.Mounts)
	}
	spec.Sinks, err = f.sinks()
	return spec, err
}

// streams are what the program gets as its own, or what mcpbox writes for it.
func (f *sandboxFlags) streams() []*os.File { return f.who().streams() }

// again is the spec for a further sandbox of the same command: the policy as it was when the
// command began, for the sandbox before may have written where it came from, and mounts that lead
// to where they led.
func (f *sandboxFlags) again(first mcpruntime.Spec) (mcpruntime.Spec, error) {
	for _, m := range first.Policy.Filesystem.Mounts {
		if real, err := rootfs.ResolveSource(m.Source); err != nil || real != m.Source {
			return mcpruntime.Spec{}, hint.Errorf(
				"do not bind a folder below one that is bound writable",
				"mount source %s has changed since the command began", m.Source)
		}
	}
	var err error
	first.Sinks, err = f.sinks()
	return first, err
}

// sinks are for one sandbox, which owns them.
func (f *sandboxFlags) sinks() (out []monitor.Sink, err error) {
	if f.events != "" {
		sink, err := monitor.OpenJSONL(f.events)
		if err != nil {
			return nil, err
		}
		out = append(out, sink)
	}
	if !f.quiet {
		out = append(out, worded{monitor.NewStderr(f.who().stderr)},
			&netHint{w: steady.File(f.who().stderr)})
	}
	return out, nil
}

func (f *sandboxFlags) override(cmd *cobra.Command, p *policies.Policy) error {
	changed := cmd.Flags().Changed
	if f.rootfs != "" {
		abs, err := filepath.Abs(f.rootfs)
		if err != nil {
			return err
		}
		p.Filesystem.Rootfs = abs
	}
	if err := f.overrideNetwork(p); err != nil {
		return err
	}
	given, err := f.givenMounts(changed("workspace"))
	if err != nil {
		return err
	}
	for _, m := range given {
		p.Filesystem.Mounts = replaceTarget(p.Filesystem.Mounts, m)
	}
	for i := range p.Filesystem.Mounts {
		source, err := rootfs.ResolveSource(p.Filesystem.Mounts[i].Source)
		if err != nil {
			return err
		}
		p.Filesystem.Mounts[i].Source = source
	}
	for _, e := range f.env {
		if e == "" || e[0] == '=' {
			return hint.Errorf("--env NAME=VALUE sets it, --env NAME passes the caller's value",
				"environment variable %q has no name", e)
		}
	}
	l, limits := &p.Limits, f.limits
	for _, o := range []struct {
		flag string
		set  func()
	}{
		{"memory", func() { l.Memory = limits.Memory }}, {"cpus",
			func() { l.CPUs = limits.CPUs }}, {"pids", func() { l.PIDs = limits.PIDs }},
		{"timeout", func() { l.Timeout = limits.Timeout }}, {"cpu-time",
			func() { l.CPUTime = limits.CPUTime }}, {"disk", func() { l.Disk = limits.Disk }},
		{"file-size", func() { l.FileSize = limits.FileSize }}, {"open-files",
			func() { l.OpenFiles = limits.OpenFiles }}, {"output",
			func() { l.Output = limits.Output }},
	} {
		if changed(o.flag) {
			o.set()
		}
	}
	return nil
}

func (f *sandboxFlags) overrideNetwork(p *policies.Policy) error {
	switch policies.NetworkMode(f.network) {
	case "":
	case policies.NetworkNone, policies.NetworkHost:
		if len(f.allowNet) > 0 {
			return hint.Errorf("leave one of them out",
				"--network %s and --allow-net contradict each other", f.network)
		}
		p.Network = policies.Network{Mode: policies.NetworkMode(f.network)}
	default:
		return hint.Errorf("use none or host, or --allow-net HOST", "unknown network mode %q",
			f.network)
	}
	p.Network.Publish = append(p.Network.Publish, f.publish...)
	return allowNet(p, f.allowNet)
}

// environment turns --env into K=V pairs; a bare name is passed on if it is set.
func (f *sandboxFlags) environment() (out []string) {
	for _, e := range f.env {
		if strings.Contains(e, "=") {
			out = append(out, e)
		} else if v, ok := f.who().lookupEnv(e); ok {
			out = append(out, e+"="+v)
		}
	}
	return out
}

// tellUnset names the variables that --env should pass and that are not set here.
func (f *sandboxFlags) tellUnset() {
	for _, e := range f.env {
		if _, ok := f.who().lookupEnv(e); !ok && !strings.Contains(e, "=") && !f.quiet {
			fmt.Fprintf(steady.File(f.who().stderr), "mcpbox: --env %s: it is not set here, so "+
				"the program does not get it\n", safetext.Clean(e, 100))
		}
	}
}

func (f *sandboxFlags) openResult() (resultFile, error) {
	if f.result == "" {
		return resultFile{}, nil
	}
	// spec has opened the events file: if the two are one, it is there by now.
	events, err1 := os.Stat(f.events)
	result, err2 := os.Stat(f.result)
	if err1 == nil && err2 == nil && os.SameFile(events, result) && result.Mode().IsRegular() {
		return resultFile{}, hint.Errorf("name two files",
			"--events and --result are both %s: one would overwrite the other", f.result)
	}
	file, err := logfile.Open("result file", f.result, os.O_TRUNC)
	return resultFile{file, f.who().stderr}, err
}

package server

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/mcpbox/mcpbox/code"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/report"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
	"github.com/mcpbox/mcpbox/server/api"
)

func seconds(s mcpruntime.Seconds) float64 { return time.Duration(s).Seconds() }

// resultOf is a run's result as clients see it.
func resultOf(r *mcpruntime.Result, stdout, stderr *output) *api.Result {
	out := &api.Result{
		Success:       r.Success,
		Status:        string(r.Status),
		ExitCode:      r.ExitCode,
		Signal:        r.Signal,
		Error:         r.Error,
		ExecutionTime: seconds(r.ExecutionTime),
		SetupTime:     seconds(r.SetupTime),
		CPUTime:       seconds(r.CPUTime),
		MemoryUsed:    r.MemoryUsed,
		ProcessesPeak: r.ProcessesPeak,
		Limits:        map[string]api.Limit{},
		Layers:        map[string]string{},
		Events:        []monitor.Event{},
		EventStats:    r.EventStats,
	}
	if errors.Is(r.Err, context.DeadlineExceeded) {
		out.Status = string(mcpruntime.StatusTimeout)
	}
	for name, l := range r.Limits {
		out.Limits[name] = api.Limit{Value: l.Value, Backend: l.Backend, Reported: l.Reported}
	}
	for _, n := range r.Network {
		out.Network = append(out.Network, api.Reached{Host: n.Host, Port: n.Port,
			Connections: n.Connections, Sent: n.Sent, Received: n.Received,
			Duration: seconds(n.Duration)})
	}
	for layer, what := range r.Layers {
		out.Layers[string(layer)] = what
	}
	out.Events = append(out.Events, r.Events...)
	if stdout != nil {
		out.Stdout, out.StdoutBytes = stdout.text()
		out.Stderr, out.StderrBytes = stderr.text()
	}
	return out
}

// codeResult is a snippet's result as clients see it.
func codeResult(r *code.Result) *api.Result {
	out := resultOf(&r.Result, nil, nil)
	out.Stdout, out.Stderr = r.Stdout, r.Stderr
	out.StdoutBytes, out.StderrBytes = r.StdoutBytes, r.StderrBytes
	out.Reason, out.Hint = r.Reason, r.Hint
	if r.Guard != nil {
		out.Findings, _ = json.Marshal(r.Guard) // plain data
	}
	if r.Compile != nil && r.Status == code.StatusCompile {
		out.Stderr = r.Compile.Stdout + r.Compile.Stderr
	}
	if s := r.Session; s != nil {
		out.Session = &api.Turn{Session: s.Name, Number: s.Turn, Ended: s.Ended}
	}
	for _, f := range r.Files {
		out.Files = append(out.Files, api.File{Path: f.Name, Data: f.Data, Size: f.Size})
	}
	return out
}

// viewOf is a result as package monitor judges it.
func viewOf(x *api.Execution) report.View {
	v := report.View{
		ID:        x.ID,
		Policy:    x.Policy,
		Timestamp: x.Created,
		Limits:    map[string]report.LimitView{},
	}
	if r := x.Result; r != nil {
		v.Status, v.ExitCode, v.Signal = r.Status, r.ExitCode, r.Signal
		v.Events, v.Stats = r.Events, r.EventStats
		for _, n := range r.Network {
			v.Network = append(v.Network, report.Reached(n))
		}
		for name, l := range r.Limits {
			v.Limits[name] = report.LimitView{Value: l.Value, Backend: l.Backend}
		}
	}
	return v
}

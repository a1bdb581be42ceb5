package pool

import (
	"cmp"
	goruntime "runtime"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime"
)

// Config bounds a pool. A zero value is the default that its comment names.
type Config struct {
	Live      int           // calls at once: 16 a CPU
	PerCaller int           // calls of one caller at once: Live
	PerGroup  int           // the same, of one group of callers; its part of Queue is smaller, too
	Queue     int           // calls that wait: 4 × Live
	Wait      time.Duration // how long a call waits: 10 s

	// Group says to which group a caller belongs: a client, say, that chooses its callers' names.
	// Those groups that have less running come first. Nil: there are no groups.
	Group func(caller string) string

	MinWarm int           // cells kept ready for a policy in use: 1
	MaxWarm int           // the same, at most: 16
	MaxHeld int           // programs that wait for their call, of each kind and policy, at most: 4
	Age     time.Duration // of a cell that waits for its call: 5 min
	Idle    time.Duration // a policy that has no calls for so long gives its sandboxes back: 5 min
	Reuse   int           // calls that a sandbox has before a new one takes its place: 1000

	Sessions    int           // of a caller at once: 8
	SessionIdle time.Duration // a session without a call for so long ends: 10 min
	SessionAge  time.Duration // and one that is so old: 4 h

	BestEffort bool                  // of every call; see runtime.Spec
	Sinks      func() []monitor.Sink // for each sandbox; nil: none
}

func (c Config) withDefaults() Config {
	c.Live = cmp.Or(c.Live, 16*goruntime.NumCPU())
	c.PerCaller = cmp.Or(c.PerCaller, c.Live)
	c.PerGroup = cmp.Or(c.PerGroup, c.Live)
	c.Queue = cmp.Or(c.Queue, 4*c.Live)
	c.Wait = cmp.Or(c.Wait, 10*time.Second)
	c.MinWarm = cmp.Or(c.MinWarm, 1)
	c.MaxWarm = max(cmp.Or(c.MaxWarm, 16), c.MinWarm)
	c.MaxHeld = cmp.Or(c.MaxHeld, 4)
	c.Age = cmp.Or(c.Age, 5*time.Minute)
	c.Idle = cmp.Or(c.Idle, 5*time.Minute)
	c.Reuse = cmp.Or(c.Reuse, 1000)
	c.Sessions = cmp.Or(c.Sessions, 8)
	c.SessionIdle = cmp.Or(c.SessionIdle, 10*time.Minute)
	c.SessionAge = cmp.Or(c.SessionAge, 4*time.Hour)
	return c
}

// Call is a program to run.
type Call struct {
	Caller  string           // quotas and turns are counted per caller
	Policy  *policies.Policy // resolved; the pool keeps it, so it must not change any more
	Command runtime.Command

	// Program, if not nil, is started ahead, and Input is written to its standard input before
	// Command.Stdin is. Args of the command are what the result names. Env, Dir, Umask, Files,
	// Workspace and TTY must be empty: they are the program's, or came too late for it.
	Program *Program
	Input   []byte

	BestEffort bool // go on without layers that the policy requires; see runtime.Spec
}

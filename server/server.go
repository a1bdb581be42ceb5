package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpbox/mcpbox/code"
	"github.com/mcpbox/mcpbox/internal/cleanup"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/pool"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
	"github.com/mcpbox/mcpbox/server/internal/bridge"
	"github.com/mcpbox/mcpbox/server/internal/config"
	"github.com/mcpbox/mcpbox/server/internal/door"
	"github.com/mcpbox/mcpbox/server/internal/hub"
	"github.com/mcpbox/mcpbox/server/internal/quota"
	"github.com/mcpbox/mcpbox/server/internal/state"
	"github.com/mcpbox/mcpbox/server/internal/webhook"
)

type daemon struct {
	opt      Options
	log      *slog.Logger
	cfg      atomic.Pointer[config.Config]
	db       *state.DB
	hub      *hub.Hub
	pool     *pool.Pool
	code     *code.Pool // of the same pool
	door     *door.Door
	counts   counts
	quota    *quota.Quota
	hooks    *webhook.Sender
	started  time.Time
	draining atomic.Bool

	base context.Context // of everything that runs; it ends when the drain time is over
	kill context.CancelCauseFunc

	deciding sync.Mutex // proposals

	mu      sync.Mutex
	runs    map[string]*run
	boxes   map[string]*box
	bridges map[string]*bridge.Bridge // "" is run_code
	work    sync.WaitGroup            // unattended executions, and what goes on in the background
}

var errShutdown = errors.New("the daemon is shutting down")

// Run serves until ctx ends, and then until what runs has finished or the drain time is over.
func Run(ctx context.Context, opt Options) error {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	cfg, err := opt.load()
	if err != nil {
		return err
	}
	undo := cleanup.New()
	defer undo.Run()
	d, err := newDaemon(opt, cfg, undo)
	if err != nil {
		return err
	}
	listeners, err := d.listen(cfg, undo)
	if err != nil {
		return err
	}
	if err := d.recover(ctx); err != nil {
		return err
	}
	return d.serve(ctx, listeners)
}

func newDaemon(opt Options, cfg *config.Config, undo *cleanup.Stack) (*daemon, error) {
	d := &daemon{
		opt:     opt,
		log:     opt.Log,
		started: time.Now().UTC(),
		runs:    map[string]*run{},
		boxes:   map[string]*box{},
		bridges: map[string]*bridge.Bridge{},
		counts:  newCounts(),
		quota:   quota.New(clientLimits),
		hooks:   webhook.New(opt.Log),
	}
	var err error
	if d.db, err = state.Open(cfg.State); err != nil {
		return nil, err
	}
	undo.Push(func() { d.db.Close() })
	if cfg, err = d.withAdded(cfg); err != nil {
		return nil, err
	}
	d.cfg.Store(cfg)
	d.hub = hub.New(d.db)
	d.base, d.kill = context.WithCancelCause(context.Background())
	d.pool = pool.New(pool.Config{Live: cfg.Pool.Live, PerCaller: cfg.Pool.PerCaller,
		PerGroup: cfg.Pool.PerClient, Group: clientOf, Queue: cfg.Pool.Queue,
		MaxWarm: cfg.Pool.MaxWarm, BestEffort: cfg.BestEffort})
	undo.Push(func() { d.pool.Close() })
	d.code = code.NewPool(d.pool)
	d.door = door.New(doorRules(cfg), d.problem)
	d.hooks.Set(hooksOf(cfg))
	return d, nil
}

// listener is a place to be spoken to, and the handler that knows who speaks.
type listener struct {
	net.Listener
	handler http.Handler
	name    string
}

func (d *daemon) listen(cfg *config.Config, undo *cleanup.Stack) (out []listener, err error) {
	api := d.routes()
	unix, err := door.Activated()
	if err == nil && unix == nil {
		var lock *os.File
		if unix, lock, err = door.Unix(cfg.Socket); err == nil {
			undo.Push(func() { lock.Close() })
		}
	}
	if err != nil {
		return nil, err
	}
	undo.Push(func() { unix.Close() })
	out = append(out, listener{unix, d.door.Unix(api), "unix:" + unix.Addr().String()})
	if cfg.Listen == "" {
		return out, nil
	}
	if len(cfg.Tokens) == 0 {
		return nil, hint.Errorf("mcpbox serve --new-token NAME prints one for the config's tokens",
			"listen %s: nobody could come in, because the config lists no token", cfg.Listen)
	}
	tcp, err := door.TCP(cfg.Listen, cfg.AllowRemote, cfg.Path(cfg.TLS.Certificate),
		cfg.Path(cfg.TLS.Key))
	if err != nil {
		return nil, err
	}
	undo.Push(func() { tcp.Close() })
	return append(out, listener{tcp, d.door.TCP(api), "tcp:" + tcp.Addr().String()}), nil
}

// recover removes what a killed daemon left, and says of its executions and sandboxes that they are
// lost.
func (d *daemon) recover(ctx context.Context) error {
	removed, err := mcpruntime.Collect(ctx)
	if err != nil {
		d.log.Warn("not everything that a killed mcpbox left could be removed", "error", err)
	}
	for _, r := range removed {
		d.log.Info("removed what a killed mcpbox left", "kind", r.Kind, "sandbox", r.ID)
	}
	if err := d.loseExecutions(); err != nil {
		return err
	}
	return d.loseSandboxes()
}

func (d *daemon) serve(ctx context.Context, listeners []listener) error {
	failed := make(chan error, len(listeners))
	var servers []*http.Server
	var addresses []string
	for _, l := range listeners {
		conns := &door.Conns{Most: 1024, All: 4096}
		s := &http.Server{
			Handler:           l.handler,
			ConnContext:       door.Credentials,
			ConnState:         conns.State,
			ReadHeaderTimeout: 10 * time.Second,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    64 << 10,
			ErrorLog:          slog.NewLogLogger(d.log.Handler(), slog.LevelWarn),
		}
		servers, addresses = append(servers, s), append(addresses, l.name)
		go func() {
			if err := s.Serve(l.Listener); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		}()
	}
	background, stop := context.WithCancel(ctx)
	defer stop()
	d.work.Go(func() { d.housekeep(background) })
	d.work.Go(func() { d.warm(background) })
	d.work.Go(func() { d.watch(background) })
	if d.opt.Ready != nil {
		d.opt.Ready(addresses)
	}
	for {
		select {
		case <-d.opt.Reload:
			d.reload()
			continue
		case <-ctx.Done():
			stop()
			return d.drain(servers)
		case err := <-failed:
			stop()
			return errors.Join(err, d.drain(servers))
		}
	}
}

// drain takes no new work, lets what runs finish until the drain time is over, and ends the rest.
func (d *daemon) drain(servers []*http.Server) error {
	d.draining.Store(true)
	limit := time.Duration(d.cfg.Load().Drain)
	d.log.Info("draining", "executions", d.running(), "limit", limit)
	over := time.AfterFunc(limit, func() { d.kill(errShutdown) })
	defer over.Stop()
	d.work.Go(func() { d.eachBridge((*bridge.Bridge).Close) })
	d.hub.Close() // followers would stay for ever
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, s := range servers {
			_ = s.Shutdown(context.Background()) // returns when the last request has been answered
		}
		d.work.Wait()
	}()
	select {
	case <-ended:
	case <-d.base.Done():
		select { // what was ended gets its answer
		case <-ended:
		case <-time.After(5 * time.Second):
			for _, s := range servers {
				_ = s.Close()
			}
			<-ended
		}
	}
	d.kill(errShutdown)
	d.closeBoxes()
	d.log.Info("drained")
	return nil
}

// reload reads the config again. What cannot change while the daemon runs stays as it is, and the
// log says so.
func (d *daemon) reload() {
	next, err := d.opt.load()
	if err == nil {
		next, err = d.withAdded(next)
	}
	if err != nil {
		d.log.Error("the config was not taken: the old one stays in force", "error", err, "hint",
			hint.Of(err))
		return
	}
	old := d.cfg.Load()
	if old.Socket != next.Socket || old.Listen != next.Listen || old.State != next.State ||
		old.TLS != next.TLS ||
		old.Pool.Live != next.Pool.Live ||
		old.Pool.PerCaller != next.Pool.PerCaller ||
		old.Pool.PerClient != next.Pool.PerClient ||
		old.Pool.Queue != next.Pool.Queue ||
		old.BestEffort != next.BestEffort {
		d.log.Warn("socket, listen, state, tls, pool and best_effort take a restart")
	}
	d.cfg.Store(next)
	d.door.Set(doorRules(next))
	d.hooks.Set(hooksOf(next))
	d.log.Info("the config was read again")
}

// warm builds the first cells of the policies that the config names.
func (d *daemon) warm(ctx context.Context) {
	cfg := d.cfg.Load()
	for _, name := range cfg.Pool.Warm {
		policy, err := cfg.Policy(name)
		if err == nil {
			err = d.pool.Prepare(ctx, policy)
		}
		if err != nil && ctx.Err() == nil {
			d.log.Error("no sandbox could be built ahead", "policy", name, "error", err, "hint",
				hint.Of(err))
		}
	}
}

// housekeep forgets what is old, and destroys sandboxes that nobody uses.
func (d *daemon) housekeep(ctx context.Context) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			d.sweepBoxes(now)
			d.eachBridge(func(b *bridge.Bridge) { b.Sweep(now.Add(-maxIdleSession)) })
			if n%6 != 0 {
				continue
			}
			r := d.cfg.Load().Retention
			err := d.db.Forget(state.Keep{Age: time.Duration(r.Age), Executions: r.Executions,
				Events: r.Events, Calls: r.Calls, Bytes: int64(r.Bytes)})
			if err != nil {
				d.log.Error("old records could not be removed", "error", err)
			}
		}
	}
}

func (d *daemon) running() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.runs)
}

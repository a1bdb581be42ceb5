package doctor

import (
	"context"

	"github.com/mcpbox/mcpbox/internal/rights"
)

// Status is the outcome for one item.
type Status string

const (
	OK   Status = "ok"
	Warn Status = "warn" // mcpbox works, with less
	Fail Status = "fail" // the preset "standard" can't be enforced
)

// Item is one thing that a sandbox is made of.
type Item struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Found  string `json:"found"`
	Loses  string `json:"loses,omitempty"` // what mcpbox can't do without it
	Fix    string `json:"fix,omitempty"`   // the command that mends it
}

// Report is everything that was looked at. OK: what "standard" requires is there.
type Report struct {
	OK    bool   `json:"ok"`
	Items []Item `json:"items"`
}

// Check tries everything once, with a start of each preset. It takes a fraction of a second, and
// seconds only where a service manager does not answer.
func Check(ctx context.Context) Report {
	r := Report{OK: true, Items: []Item{
		kernelVersion(),
		userNamespaces(ctx),
		otherNamespaces(ctx),
		seccompNotify(),
		landlock(),
		cgroup2(ctx),
		userSession(),
		subordinateIDs(),
		idmappedMounts(),
		descriptors(),
		procChildren(),
		authorities(),
	}}
	r.Items = append(append(r.Items, starts(ctx)...), networkByName(ctx))
	for _, i := range r.Items {
		r.OK = r.OK && i.Status != Fail
	}
	return r
}

func ok(name, found string) Item { return Item{Name: name, Status: OK, Found: found} }

func isRoot() bool { return rights.Root() }

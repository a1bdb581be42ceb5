package admission

import (
	"context"

	"github.com/mcpbox/mcpbox/packages"
	"github.com/mcpbox/mcpbox/packages/audit"
	"github.com/mcpbox/mcpbox/packages/runner"
	"github.com/mcpbox/mcpbox/policies"
)

// UpdateOptions of an update.
type UpdateOptions struct {
	Install packages.Options
	Rules   policies.Packages
	Check   bool // only look what would change
}

// Update is what an update did, or would do.
type Update struct {
	Old, New *packages.Package // the same one: there is nothing newer
	Report   *Report           // of the new one
	Changes  []string
}

// Held reports that the new version may not be used.
func (u *Update) Held() bool { return u.Report.Verdict != audit.Trusted }

// Update asks the registry what a request means now. The request means the new version from then
// on, unless that would be quarantined or denied.
func (d *Desk) Update(ctx context.Context, old *packages.Package, r *runner.Request,
	o UpdateOptions) (*Update, error) {
	fresh, err := d.Packages.Fetch(ctx, old, r, d.hooks(ctx, r, o.Install))
	if err != nil {
		return nil, err
	}
	u := &Update{Old: old, New: fresh}
	if u.Report, err = d.Report(ctx, fresh, o.Rules); err != nil {
		return nil, err
	}
	if fresh.Folder == old.Folder {
		return u, nil
	}
	if u.Changes, err = packages.Diff(old, fresh); err != nil {
		return nil, err
	}
	if o.Check || u.Held() {
		return u, d.Packages.Discard(ctx, fresh)
	}
	return u, d.Packages.Adopt(ctx, r, fresh)
}

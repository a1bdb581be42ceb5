package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
)

// givenMounts are those of --workspace and --mount. Each takes the place of the policy's at its
// target; two of them at one target are a mistake.
func (f *sandboxFlags) givenMounts(workspace bool) (out []policies.Mount, err error) {
	add := func(m policies.Mount, err error) error {
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(out, func(
			o policies.Mount) bool {
			return o.Target == m.Target
		}); i >= 0 {
			return hint.Errorf("mount one of them elsewhere, such as /opt/NAME",
				"%s and %s are both mounted on %s", out[i].Source, m.Source, m.Target)
		}
		out = append(out, m)
		return nil
	}
	if workspace {
		if err := add(parseWorkspace(f.workspace)); err != nil {
			return nil, err
		}
	}
	if f.home != "" {
		if err := add(f.parseHome()); err != nil {
			return nil, err
		}
	}
	for _, text := range f.mounts {
		if err := add(parseMount(text)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// replaceTarget adds a mount, in place of one at the same target.
func replaceTarget(mounts []policies.Mount, m policies.Mount) []policies.Mount {
	for i := range mounts {
		if mounts[i].Target == m.Target {
			mounts[i] = m
			return mounts
		}
	}
	return append(mounts, m)
}

func parseWorkspace(text string) (policies.Mount, error) {
	dir, mode := cutMode(text, policies.ReadWrite)
	if dir == "" {
		return policies.Mount{}, hint.Errorf("--workspace DIR[:ro|rw], e.g. --workspace ./notes",
			"workspace %q names no folder", text)
	}
	if err := unexpanded(dir); err != nil {
		return policies.Mount{}, err
	}
	st, err := os.Stat(dir)
	switch last, found := lastPart(dir); {
	case err == nil && !st.IsDir():
		return policies.Mount{}, hint.Errorf("--mount FILE:/opt/NAME binds a single file",
			"workspace %s is not a folder", dir)
	case err != nil && found:
		return policies.Mount{}, hint.Errorf("--workspace DIR[:ro|rw]: the last part is ro or rw",
			"workspace %q: unknown mode %q", text, last)
	}
	return policies.Mount{Source: dir, Target: rootfs.Work, Mode: mode}, nil
}

// parseHome is the mount of --home. The folder is a server's own: nobody else may look into it.
func (f *sandboxFlags) parseHome() (policies.Mount, error) {
	if err := unexpanded(f.home); err != nil {
		return policies.Mount{}, err
	}
	abs, err := filepath.Abs(f.home)
	if err == nil && !f.dryRun.on {
		err = os.MkdirAll(abs, 0o700)
	}
	if err != nil {
		return policies.Mount{}, hint.Errorf("--home DIR: name a folder that you may make",
			"home %s: %w", f.home, err)
	}
	if user, err := os.UserHomeDir(); err == nil && abs == filepath.Clean(user) {
		return policies.Mount{}, hint.Errorf("--home DIR: a folder of its own, such as "+
			filepath.Join(user, ".local/share/mcpbox/homes/NAME"),
			"home %s is your own home folder, with all its keys", f.home)
	}
	return policies.Mount{Source: abs, Target: rootfs.Home, Mode: policies.ReadWrite}, nil
}

func parseMount(text string) (policies.Mount, error) {
	rest, mode := cutMode(text, policies.ReadOnly)
	source, target, ok := strings.Cut(rest, ":")
	if !ok && source != "" { // the same path inside
		if err := unexpanded(source); err != nil {
			return policies.Mount{}, err
		}
		abs, err := filepath.Abs(source)
		return policies.Mount{Source: abs, Target: abs, Mode: mode}, err
	}
	if !ok || source == "" || target == "" {
		return policies.Mount{}, hint.Errorf(
			"--mount SRC:DST[:ro|rw], e.g. --mount ./data:/opt/data:ro",
			"mount %q is not SRC:DST", text)
	}
	if last, found := lastPart(target); found {
		return policies.Mount{}, hint.Errorf(
			"--mount SRC:DST[:ro|rw]: the last part is ro or rw",
			"mount %q: unknown mode %q", text, last)
	}
	if last, found := lastPart(rest); found && !strings.Contains(last, "/") {
		return policies.Mount{}, hint.Errorf(
			"--mount DIR[:ro|rw]: the last part is ro or rw",
			"mount %q: unknown mode %q", text, last)
	}
	if strings.Contains(target, ":") {
		return policies.Mount{}, hint.Errorf(
			"to mount a path with a colon, use filesystem.mounts in a policy file",
			"mount %q has too many colons for SRC:DST[:ro|rw]", text)
	}
	if err := unexpanded(source); err != nil {
		return policies.Mount{}, err
	}
	return policies.Mount{Source: source, Target: target, Mode: mode}, nil
}

// cutMode splits a trailing :ro or :rw off.
func cutMode(text string, otherwise policies.MountMode) (string, policies.MountMode) {
	for _, mode := range []policies.MountMode{policies.ReadOnly, policies.ReadWrite} {
		if rest, ok := strings.CutSuffix(text, ":"+string(mode)); ok {
			return rest, mode
		}
	}
	return text, otherwise
}

// lastPart is what follows the last colon, if it looks like a mode rather than the rest of a path.
func lastPart(text string) (last string, found bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 || strings.Contains(text[i:], "/") {
		return "", false
	}
	return text[i+1:], true
}

// unexpanded tells of a ~ that came without a shell, as from a client's configuration, or after a
// =.
func unexpanded(source string) error {
	if source != "~" && !strings.HasPrefix(source, "~/") {
		return nil
	}
	remedy := "write the whole path"
	if home, err := os.UserHomeDir(); err == nil {
		remedy = "write " + filepath.Join(home, source[1:])
	}
	return hint.Errorf(remedy, "%s: the shell did not expand ~", source)
}

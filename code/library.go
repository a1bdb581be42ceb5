package code

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/datadir"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// Library is what a compiler would make again for every snippet. It is made once for each version
// of the compiler, in a sandbox that sees no snippet, and kept in the user's data folder. Snippets
// are compiled with it bound read-only: none of them can change what another one is linked with.
type Library struct {
	Make []string // with PROGRAM and LIBRARY, the writable folder
	Env  []string // with LIBRARY
	Use  []string // goes before the compile command; LIBRARY is read-only
}

// LIBRARY in commands, and in variables, is this folder.
const (
	library       = "LIBRARY"
	libraryFolder = "/opt/mcpbox/library"
)

// libraryLimits are for the compiler of a whole standard library.
var libraryLimits = policies.Limits{
	Memory: 3 << 30, PIDs: 512, Disk: 1 << 30, FileSize: 256 << 20, OpenFiles: 1024,
	Timeout: policies.Duration(10 * time.Minute),
}

// Prepare makes what a language's compiler needs for every snippet, if that is not there yet. It
// takes minutes. Languages without it are an error.
func Prepare(ctx context.Context, language string, bestEffort bool) (dir string, err error) {
	policy, err := policies.Preset("code-standard")
	if err != nil {
		return "", err
	}
	j := &job{Runner: Runner{Policy: policy, BestEffort: bestEffort}}
	if j.language, err = Lookup(language); err != nil {
		return "", err
	}
	if j.language.Library == nil {
		return "", hint.Errorf("nothing has to be prepared for it",
			"%s keeps nothing between snippets",
			j.language.Name)
	}
	if j.program, err = j.find(); err != nil {
		return "", err
	}
	return j.makeLibrary(ctx)
}

// libraryPath names the library by the compiler's file: a new one has another.
func (j *job) libraryPath() (string, error) {
	var st unix.Stat_t
	if err := unix.Stat(j.program, &st); err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d %d %q", j.program, st.Ino, st.Size,
		st.Mtim.Nano(), j.language.Library.Make))
	return datadir.Path("libraries/" + j.language.Name + "-" + hex.EncodeToString(sum[:8]))
}

// libraryOf is the folder of a library that is there, "" if there is none.
func (j *job) libraryOf() string {
	if j.language.Library == nil || j.Policy.Filesystem.Rootfs != "" {
		return ""
	}
	path, err := j.libraryPath()
	if err != nil || !own(path) {
		return ""
	}
	return path
}

// own: a folder that nobody else can write.
func own(path string) bool {
	var st unix.Stat_t
	return unix.Lstat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR &&
		int(st.Uid) == os.Geteuid() && st.Mode&0o022 == 0
}

// makeLibrary makes it under another name first: what is there is complete.
func (j *job) makeLibrary(ctx context.Context) (string, error) {
	path, err := j.libraryPath()
	if err != nil {
		return "", err
	}
	if own(path) {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return "", hint.Errorf("wait for it", "the library of %s is being made already",
			j.language.Name)
	}
	made := path + ".new"
	if err := errors.Join(os.RemoveAll(made), os.Mkdir(made, 0o700)); err != nil {
		return "", err
	}
	defer os.RemoveAll(made)
	if err := j.fillLibrary(ctx, made); err != nil {
		return "", err
	}
	return path, os.Rename(made, path)
}

func (j *job) fillLibrary(ctx context.Context, dir string) error {
	p, err := policies.Preset("code-standard")
	if err != nil {
		return err
	}
	p.Limits = libraryLimits
	p.Filesystem.Mounts = append(slices.Clone(p.Filesystem.Mounts),
		policies.Mount{Source: dir, Target: libraryFolder, Mode: policies.ReadWrite})
	with := map[string]string{program: j.program, library: libraryFolder}
	said := newCapture(4 << 10)
	res, err := mcpruntime.Run(ctx, mcpruntime.Spec{Policy: p, BestEffort: j.BestEffort},
		mcpruntime.Command{Args: command(j.language.Library.Make, with),
			Env: append(slices.Clone(j.language.Env), j.language.Library.Env...), Stderr: said})
	if err != nil {
		return err
	}
	if !res.Success {
		text, _ := said.text()
		return fmt.Errorf("the library of %s could not be made: %s\n%s", j.language.Name,
			res.Status, text)
	}
	return nil
}

// withLibrary adds the library to a compiler's policy and command, if there is one.
func (j *job) withLibrary(p *policies.Policy, dir string) *policies.Policy {
	if dir == "" {
		return p
	}
	out := *p
	out.Filesystem.Mounts = append(slices.Clone(p.Filesystem.Mounts),
		policies.Mount{Source: dir, Target: libraryFolder, Mode: policies.ReadOnly})
	return &out
}

// wantLibrary has a pool make a library beside the calls, once: the first snippets go without.
func (p *Pool) wantLibrary(j *job) {
	if j.language.Library == nil || j.Policy.Filesystem.Rootfs != "" {
		return
	}
	p.mu.Lock()
	asked := p.libraries[j.program]
	p.libraries[j.program] = true
	p.mu.Unlock()
	if asked {
		return
	}
	maker := &job{Runner: Runner{Policy: j.Policy, BestEffort: j.BestEffort}, language: j.language,
		program: j.program}
	p.pool.Beside(func(ctx context.Context) { _, _ = maker.makeLibrary(ctx) })
}

// Package runtime starts sandboxes and runs programs in them. It is mcpbox's Go API. Importers that
// also need the standard package call it mcpruntime.
//
//	policy, _ := policies.Preset("standard")
//	box, err := runtime.Start(ctx, runtime.Spec{Policy: policy})
//	defer box.Close()
//	cmd := runtime.Command{Args: []string{"python3", "-c", "print(1)"}, Stdout: os.Stdout}
//	p, err := box.Start(ctx, cmd)
//	result, err := p.Wait()
//
// Run does all of this for one program. A Spec is plain data; Start is the first call that touches
// the kernel. Start fails closed: it returns an error if the host can't provide a layer that the
// policy requires. The package verifies every layer on the process itself, after the process has
// all layers and before it executes the program. Result.Layers says what was found.
//
// Outcomes are data: a program that fails or is killed has a Result. An error means that mcpbox
// failed; Hint(err) returns the remedy. Result.Err works with errors.Is: context.Canceled,
// context.DeadlineExceeded, ErrLimit, ErrViolation, ErrClosed.
//
// # Effects on the importing process
//
//   - Package initialisation pins main.main to the main thread. As root, libcontainer joins a mount
//     namespace on a thread that ends with its goroutine; the main thread can't end.
//   - libcontainer executes /proc/self/exe with the argument "init" and _LIBCONTAINER_INITPIPE in
//     the environment. Package initialisation takes such a process over. If this were a function, a
//     program could forget to call it, and its main would run a second time inside the container.
//   - The first Start sets the output of logrus's standard logger to io.Discard. libcontainer logs
//     errors there that it also returns.
//   - The first Start replaces two variables of libcontainer's dependencies by go:linkname: on
//     hosts with cgroup v1 the list of v1 subsystems, and as root a probe for the mount API.
//     docs/RATIONALE.md says why.
//   - The package receives SIGWINCH while a Command with TTY runs on a terminal.
//
// A program that is built without make does not embed PID 1. Package initbin says where mcpbox
// looks for PID 1 then.
//
// Not protected: folders that the caller binds writable; the kernel itself; the host's network with
// network mode host. See SECURITY.md.
//
// Linux ≥ 5.10; ≥ 5.12 when started by root. namespaces(7), seccomp_unotify(2)
package runtime

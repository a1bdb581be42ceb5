// Package runtime starts sandboxes and runs processes in them. It is the Go API
// of mcpbox; importers that also need the standard package call it mcpruntime.
//
//	policy, _ := policies.Preset("standard")
//	box, err := runtime.Start(ctx, runtime.Spec{Policy: policy})
//	defer box.Close()
//	p, err := box.Spawn(ctx, runtime.Process{Args: []string{"python3", "-c", "print(1)"}, Stdout: os.Stdout})
//	result, err := p.Wait()
//
// A Spec is plain data; Start is the first call that touches the kernel. Start
// fails closed: a layer that the policy requires and the host can't give is an
// error. Every layer is verified on the process itself, after it is locked in
// and before it executes the tool; Result.Layers is what was seen.
//
// Outcomes are data: a killed or failed tool is a Result, an error means that
// mcpbox itself failed.
//
// Not protected: folders that the caller binds writable; the kernel itself;
// the host's network with network mode host. See SECURITY.md.
//
// Linux ≥ 5.10; ≥ 5.12 when started by root. namespaces(7), seccomp_unotify(2)
package runtime

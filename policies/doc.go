// Package policies reads, checks and explains what a tool may do. It is pure: nothing here touches
// the kernel, so policies can be written and checked on any machine.
//
//	p, err := policies.Resolve("standard")          // a preset, or a file
//	p, err = policies.Load("notes.yaml")            // extends, merge, validation
//
// Every problem has a file, line, column and excerpt:
//
//	var list *policies.Error
//	if errors.As(err, &list) { fmt.Print(list.Detail()) }
//	fmt.Print(explain.Policy(p))
//
// # The file
//
// One YAML or JSON document; docs/policy-schema.json is its schema. Unknown keys and wrong types
// are errors. Anchors, tags and merge keys are not supported.
//
// Sizes: 256MiB, 64k (1024s), 1GB (1000s, as in dd), or bytes. Durations: 30s, 1m30s, or seconds. 0
// means no limit. A syscall rule is a name, a @group with systemd's name, or {names, args, why};
// the value and mask of an argument are numbers or names such as AF_UNIX or
// CLONE_NEWUSER|CLONE_NEWNS. Package seccomp checks whether a syscall or a group exists.
//
// A file that extends nothing starts from nothing: no syscall is allowed, no limit is set.
//
// # Inheritance
//
// extends names a preset, or a file relative to the one that names it (write ./strict.yaml, not
// strict). The file's own values are merged with the inherited ones: a scalar replaces the
// inherited scalar, a mapping is merged key by key, and a list adds its entries to the inherited
// list. A list or mapping whose key has the prefix "!" replaces the inherited one. Such a key must
// be quoted:
//
//	extends: standard
//	syscalls:
//	  allow: [ptrace]               # what standard allows, and ptrace
//	environment:
//	  "!pass": [LANG]               # LANG, and nothing of what standard passes
//
// The name and the description are not inherited. A deny entry wins over every allow entry,
// whichever file has it.
//
// Paths of the host (mount sources, rootfs, io devices) are relative to the file that has them; ~
// is the caller's home.
//
// # What it does not protect
//
// A policy is a request. The start of a sandbox finds out what the host can enforce; require lists
// the layers that must be enforced. Package rootfs checks that mount sources exist, and where
// symbolic links lead.
//
// Kernel: none needed. Source of the constants: the kernel's uapi headers, through
// golang.org/x/sys.
package policies

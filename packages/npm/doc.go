// Package npm reads what npm writes: the user's configuration, lock files, the programs of an
// installed package.
//
//	c, err := npm.ReadConfig(os.Getenv)   // c.Hosts are the registries, c.File an npmrc
//	lock, err := npm.ReadLock(folder)
//	file, err := npm.Program(folder, "@acme/notes", "")
//
// It starts nothing. The configuration of the current folder (.npmrc of a project) is not read: a
// workspace must not decide where packages come from.
//
// # What it does not protect
//
// A token for the registry goes into the sandbox in which npm itself runs. No code of a package
// runs there, and nothing but the registries is in reach.
//
// Kernel: none. Sources: npm's documentation of npmrc, config, package-lock.json (lockfileVersion 2
// and 3), and of which program npx picks.
package npm

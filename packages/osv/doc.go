// Package osv keeps a database of known-malicious and vulnerable versions, and asks it without a
// network.
//
//	n, err := osv.Import(file, "npm.zip", "pypi.zip")   // OSV publishes one per ecosystem
//	db, err := osv.Open(file)
//	found, err := db.Find("npm", "left-pad", "1.3.0")
//
// The database is one file of lines, sorted by ecosystem and name. A search reads a few blocks.
//
// # What it does not protect
//
// It knows what it was given, and no later news. Severities are those that the entries name.
//
// Kernel: none. Sources: the OSV schema 1.7 (ossf.github.io/osv-schema), deps.dev/util/semver for
// the order of versions.
package osv

// Package audit looks at an installed npm package before it runs for the first time.
//
//	found, err := audit.Tree(tree, "@acme/notes")           // what its files and its name show
//	found = append(found, audit.Age(published, now)...)     // a version that is very new
//	verdict := audit.Judge(found)                           // quarantined: a finding is high
//
// It reads names and texts. It starts nothing and asks nobody.
//
// # What it does not protect
//
// Code that hides well is not found. No list of known-malicious packages is asked, and signatures
// and provenance are not checked. The sandbox is what holds a package; this is a second look.
//
// Kernel: none. Sources: npm's documentation of package.json; Unicode Technical Report 36 and
// CVE-2021-42574 on bidirectional controls in source text.
package audit

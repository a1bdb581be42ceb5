// Package pypi reads what pip writes and needs: the user's configuration, the report of an install,
// the programs of an installed package. It also has the script that runs pip in a sandbox.
//
//	c, err := pypi.ReadConfig(os.Getenv)   // c.Hosts are the indexes, c.File is a pip.conf
//	report, err := pypi.ReadReport(output)          // what Script printed
//	file, err := pypi.Program(tree, "acme-notes", "")
//
// It starts nothing. A tree has the layout of a virtual environment: bin/python3 is a link to the
// interpreter, pyvenv.cfg says so to Python, and packages are in lib/pythonX.Y/site-packages.
//
// # What it does not protect
//
// A password of an index stays outside: see package registry. pip's keyring is not asked.
//
// Kernel: none. Sources: PEP 405 (virtual environments), 427 (wheels), 503, 691 and 700 (simple
// index), 592 (yanked), 740 (attestations), pip's documentation of its configuration and report.
package pypi

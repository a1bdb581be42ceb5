// Package testnet gives tests an internet of their own: a name server, and, for
// root, a machine (a network and a mount namespace) that reaches servers of the
// test at public addresses and nothing else.
//
//	w := testnet.New(t)
//	w.Names.Set("api.example.test", testnet.Public)
//	l := w.Listen(testnet.Public + ":443")
//	out, err := w.Command("curl", "https://api.example.test/").Output()
//
// Only tests import it.
package testnet

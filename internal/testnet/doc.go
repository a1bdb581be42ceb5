// Package testnet gives tests a private internet: a name server, and, for root, a machine. The
// machine is a network and a mount namespace. It only reaches servers of the test, at public
// addresses.
//
//	w := testnet.New(t)
//	w.Names.Set("api.example.test", testnet.Public)
//	l := w.Listen(testnet.Public + ":443")
//	out, err := w.Command("curl", "https://api.example.test/").Output()
//
// Only tests import it.
package testnet

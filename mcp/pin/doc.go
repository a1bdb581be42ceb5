// Package pin keeps approved tool definitions and the server's instructions. It shows what has
// changed since the approval.
//
//	approved, err := pin.Load("pins.json")
//	for _, line := range approved.Diff(now) { … }  // "~ add.description: "adds" → "adds. Also …""
//	err = now.Save("pins.json")
//
// A digest covers the whole definition that a client gets, as canonical JSON.
//
// # What it does not protect
//
// A tool may change what it does and keep its definition. Whoever can write the file's folder can
// replace the file.
//
// Kernel: none of its own.
package pin

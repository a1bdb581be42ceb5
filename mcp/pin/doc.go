// Package pin keeps approved tool definitions and the server's instructions, so that a change is
// noticed.
//
//	approved, err := pin.Load("pins.json")
//	for _, line := range approved.Diff(now) { … }  // "~ add.description: "adds" → "adds. Also …""
//	err = now.Save("pins.json")
//
// A digest covers all that a client learns of the tool: its canonical JSON.
//
// # What it does not protect
//
// A tool may do something else without saying so. The file is only as safe as its folder.
//
// Kernel: none of its own.
package pin

// Package sanitize removes from a text what a person does not see and a model may obey.
//
//	text = sanitize.Strip(text)                   // no escape sequences, nothing invisible
//	text = sanitize.DefuseTag(text, "untrusted")  // no such tag, in any spelling
//	name = sanitize.Attribute(name)               // fit to stand between quotes in a tag
//
// # What it does not protect
//
// The result is still text, and a model may believe it.
//
// Sources: ECMA-48 (escape sequences), UAX #44 and UTS #39 (default ignorable and confusable
// characters). Kernel: none of its own.
package sanitize

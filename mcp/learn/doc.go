// Package learn proposes allowlist rules from the records of the proxy, and measures how well rules
// judge labelled records.
//
//	records, bad, err := learn.ReadRecords(file)
//	report, err := learn.Propose(records, current, learn.Options{})
//	fmt.Print(report)                                            // a diff with its reasons
//	next := report.Apply(current)
//	result, err := learn.Evaluate(set, labelled)                 // precision, recall …
//
// # How it generalises
//
// The same records give the same rules, and each rule comes with its reasons. Calls that were
// refused, failed or were cut are counted and left out, and so are calls that look like an attack
// (a path with "..", a zero byte, a key file). A tool needs MinCalls calls to be proposed. An
// argument needs MinSamples samples to get more than a type.
//
// A constraint is found in the first two thirds of the samples, by time, and must hold in the last
// third. If it does not, it is not proposed, and the report says so. Then it is widened: lengths
// and counts to at least twice what was seen, numbers to the next 1, 2 or 5.
//
//	few different texts      enum
//	texts of one alphabet    pattern; no blanks, begins with a letter or digit, never matches ".."
//	paths in one folder      pattern, and a folder (links are followed by the proxy, not believed)
//	URLs of few hosts        pattern with these hosts
//	other texts              maxLength
//	numbers                  minimum and maximum
//	lists                    maxItems, and their elements' schema
//	objects                  required, and additionalProperties: false once no new key turns up
//
// # What it does not protect
//
// It learns what was usual, not what was right. If the agent was misled while the calls were
// recorded, the rules allow that too: read the diff before you apply it. Evaluate compares paths as
// they are written: it follows no symbolic links, and it does not know the folder of the server.
package learn

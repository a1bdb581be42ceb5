// Package learn proposes allowlist rules from audit records of the proxy. It also measures how well
// rules decide about labelled records.
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
// refused, failed or were cut are counted and left out. So are calls that look like an attack (a
// path with "..", a zero byte, a key file). A tool needs MinCalls calls to be proposed. An argument
// needs MinSamples samples to get more than a type.
//
// A constraint is derived from the first two thirds of the samples, by time. It must also hold for
// the last third. If it does not, it is not proposed, and the report says so. A constraint that
// holds is widened: lengths and counts to at least twice the observed ones, numbers to the next 1,
// 2 or 5.
//
//	few distinct texts       enum
//	texts of one alphabet    pattern without blanks or "..", begins with a letter or digit
//	paths in one folder      pattern, and a folder (the proxy resolves symbolic links)
//	URLs of few hosts        pattern with these hosts
//	other texts              maxLength
//	numbers                  minimum and maximum
//	lists                    maxItems, and their elements' schema
//	objects                  required; additionalProperties: false if no new key comes late
//
// # What it does not protect
//
// It learns what was usual, not what was right. If the agent was misled while the calls were
// recorded, the rules allow those calls too: read the diff before you apply it. Evaluate compares
// paths as written: it resolves no symbolic links, and it does not know the server's folder.
package learn

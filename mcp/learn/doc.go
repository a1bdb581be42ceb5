// Package learn proposes allowlist rules from the records of the proxy, and measures rules against labelled records.
//
//	records, bad, err := learn.ReadRecords(file)
//	report := learn.Propose(records, current, learn.Options{})
//	fmt.Print(report)                                            // a diff with its reasons
//	next := report.Apply(current)
//	result, err := learn.Evaluate(set, labelled)                 // TP, FP, TN, FN, precision, recall
//
// # How it generalises
//
// The same records give the same rules; each rule says what it was made of. What was refused, failed, was cut, or carries
// what looks like an attack (a path that climbs, a zero byte, a key file) teaches nothing: it is counted and left out.
// A tool must have been called MinCalls times to be proposed, and an argument seen MinSamples times to get more than a type.
//
// Every constraint is found in the first two thirds of the samples, in the order of time, and must hold in the last third;
// one that doesn't is not proposed, and the report says so. Then it is widened: lengths and counts to at least twice what
// was seen, numbers to the next 1, 2 or 5.
//
//	few different texts      enum
//	texts of one alphabet    pattern; the alphabets have no blank, begin with a letter or digit, and never match ".."
//	paths in one folder      pattern, and a folder (links are followed by the proxy, not believed)
//	URLs of few hosts        pattern with these hosts
//	other texts              maxLength
//	numbers                  minimum and maximum
//	lists                    maxItems, and their elements' schema
//	objects                  required, and additionalProperties: false once no new key turns up
//
// # What it does not protect
//
// It learns what was usual, not what was right. Records of a time in which the agent was misled teach the misleading:
// hence the diff, and nothing is applied by itself. Evaluate compares paths as they are written: it
// follows no symbolic links, and it does not know the folder of the server.
package learn

// Package nearest finds the word that a typo most likely meant.
//
//	nearest.Word("memroy", []string{"memory", "cpus"}) // memory
//	nearest.Hint("memroy", []string{"memory", "cpus"}) // did you mean memory?
package nearest

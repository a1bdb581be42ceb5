// Package plural puts a number and its noun together for a person to read.
//
//	plural.Of(1, "call")    // 1 call
//	plural.Of(3, "entry")   // 3 entries
//
// It knows nouns that take an s, or ies for a y.
package plural

import (
	"strconv"
	"strings"
)

// Of is n and the noun in the form that goes with it.
func Of[N int | int64 | uint64](n N, noun string) string {
	if n != 1 {
		if stem, ok := strings.CutSuffix(noun, "y"); ok {
			noun = stem + "ies"
		} else {
			noun += "s"
		}
	}
	return strconv.FormatInt(int64(n), 10) + " " + noun
}

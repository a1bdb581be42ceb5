// Package plural puts a number and its noun together for a person to read.
//
//	plural.Of(1, "call")    // 1 call
//	plural.Of(3, "entry")   // 3 entries
//
// It handles nouns whose plural ends in s, or in ies for y.
package plural

import (
	"strconv"
	"strings"
)

// Of returns n and the noun, in the singular or the plural.
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

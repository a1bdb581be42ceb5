package main

import (
	"strconv"
	"strings"
)

// mapped reports whether id appears inside a /proc/<pid>/uid_map text. user_namespaces(7)
func mapped(idMap string, id int) bool {
	for line := range strings.Lines(idMap) {
		columns := strings.Fields(line) // inside, outside, count
		if len(columns) != 3 {
			continue
		}
		inside, err := strconv.Atoi(columns[0])
		count, err2 := strconv.Atoi(columns[2])
		if err == nil && err2 == nil && id >= inside && id-inside < count {
			return true
		}
	}
	return false
}

package main

import (
	"fmt"
	"strings"
)

// mapped reports whether id appears inside a /proc/<pid>/uid_map text. user_namespaces(7)
func mapped(idMap string, id int) bool {
	for _, line := range strings.Split(strings.TrimSpace(idMap), "\n") {
		var inside, outside, count int
		if n, _ := fmt.Sscan(line, &inside, &outside, &count); n == 3 && id >= inside && id < inside+count {
			return true
		}
	}
	return false
}

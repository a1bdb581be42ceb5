package policies

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

func (c *checker) guard(g *Guard) {
	c.enum("guard.mode", string(g.Mode), string(GuardOff), string(GuardWarn), string(GuardDeny))
	c.enum("guard.refuse", g.Refuse, "low", "medium", "high")
	for _, list := range []struct {
		path  string
		names GuardNames
	}{{"guard.modules", g.Modules}, {"guard.calls", g.Calls}, {"guard.attributes", g.Attributes}} {
		c.guardNames(list.path+".deny", list.names.Deny)
		c.guardNames(list.path+".allow", list.names.Allow)
		for i, name := range list.names.Allow {
			if slices.Contains(list.names.Deny, name) {
				c.fail(fmt.Sprintf("%s.allow[%d]", list.path, i), "take it out of one of them",
					"%s: %s is in both deny and allow", list.path, name)
			}
		}
	}
}

func (c *checker) guardNames(path string, names []string) {
	unfit := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	for i, name := range names {
		if name == "" || strings.ContainsFunc(name, unfit) {
			c.fail(fmt.Sprintf("%s[%d]", path, i), "such as os, eval, __subclasses__ or shell/curl",
				"%s: %q is not a name", path, name)
		}
	}
}

// Package explain says in words what a policy allows a tool and what not.
//
//	fmt.Print(explain.Policy(p)) // mcpbox policy explain
//
// The text is for people. It names what can be said in few words, not every rule.
//
// # What it does not protect
//
// It explains what the policy asks for. What the host enforces shows in a result.
//
// Kernel: none.
package explain

// Package explain describes in words what a policy allows a tool, and what it forbids.
//
//	fmt.Print(explain.Policy(p)) // mcpbox policy explain
//
// The text is for people. It is a summary and does not list every rule.
//
// # What it does not protect
//
// It explains the policy. A result shows what the host enforces.
//
// Kernel: none.
package explain

// Package serve tests the daemon as a process of its own: what its death leaves, and what many
// calls leave.
//
// MCPBOX_KILLS and MCPBOX_SOAK are how many deaths and calls there are.
package serve

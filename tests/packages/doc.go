// Package packages tests what mcpbox does with the packages of a registry that the test serves:
// ordinary ones and hostile ones. npm is the real one. It needs root, for a network of its own.
package packages

// Package foreign builds a program of another module against this one, as its users do: without
// make.
package foreign

// Package foreign builds a program of another module that imports this one, without make, as users
// do.
package foreign

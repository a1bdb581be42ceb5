package api

import "fmt"

// Problem is an error as RFC 9457 has it, with what to do about it.
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`

	// RetryAfter is when it is worth another try, in seconds. It is in the header Retry-After, too.
	RetryAfter int `json:"retry_after,omitempty"`
}

// ProblemType is the content type of a Problem.
const ProblemType = "application/problem+json"

// Error has no remedy: package client attaches it as a hint.
func (p *Problem) Error() string { return fmt.Sprintf("%s (%d)", p.Detail, p.Status) }

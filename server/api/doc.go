// Package api has the types that `mcpbox serve` and its clients exchange as JSON.
//
//	req := api.ExecutionRequest{Command: []string{"echo", "1"}, Policy: "standard"}
//	var x api.Execution // what POST /v1/executions answers
//	fmt.Println(x.State, x.Result.Stdout)
//
// The types are plain data. docs/API.md shows them in use, and GET /v1/openapi.json describes them.
// Times are RFC 3339, durations are seconds, sizes are bytes.
//
// It protects nothing: package server checks what comes in.
//
// Kernel: none. Sources: RFC 9457 (problem details), OpenAPI 3.1.
package api

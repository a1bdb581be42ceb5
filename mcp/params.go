package mcp

type Parameters struct{}

package mcp

import (
	"bytes"
	"encoding/json"
)

// quote writes a JSON string, with < and > as they are.
func quote(s string) []byte { return encode(s) }

// encode writes a JSON value without escaping what only HTML would mind.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

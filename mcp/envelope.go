package mcp

import (
	"strconv"
	"strings"
)

// field is a member of a message that some rule looks at.
type field uint8

const (
	none field = iota
	fID
	fMethod
	fParams
	fResult
	fError
	// in params
	fName
	fURI
	fArguments
	fRequestID
	fRef
	// in a result
	fContent
	fStructured
	fIsError
	fTools
	fResources
	fTemplates
	fPrompts
	fServerInfo
	fResultType
	// in either
	fMeta
	fCursor
	fTask
	fields
)

// value is where a member's value stands. kind is its first byte; 0: the member is not there.
type value struct {
	start, end int
	kind       byte
	long       bool   // raw is not all of it
	raw        []byte // of scalars
}

// disguise tells of members whose names differ in case only from those that rules look at: to some parsers they are those.
type disguise uint8

const (
	inMessage disguise = 1 << iota
	inParams
	inResult
)

// envelope is what the scanner noted of a message.
type envelope struct {
	start, end int
	kind       byte // '{', '[' or, of something that is no message, another
	disguises  disguise
	v          [fields]value
}

var (
	topFields    = map[string]field{"id": fID, "method": fMethod, "params": fParams, "result": fResult, "error": fError}
	paramFields  = map[string]field{"name": fName, "uri": fURI, "arguments": fArguments, "requestId": fRequestID, "ref": fRef, "_meta": fMeta, "cursor": fCursor, "task": fTask}
	resultFields = map[string]field{"content": fContent, "structuredContent": fStructured, "isError": fIsError, "tools": fTools, "resources": fResources,
		"resourceTemplates": fTemplates, "prompts": fPrompts, "serverInfo": fServerInfo, "resultType": fResultType, "_meta": fMeta, "nextCursor": fCursor, "task": fTask}
)

func subField(parent field, key string) field {
	switch parent {
	case fParams:
		return paramFields[key]
	case fResult:
		return resultFields[key]
	}
	return none
}

// disguised tells an unknown key for one that a parser without regard to case would accept.
func disguised(depth int, parent field, key string) disguise {
	names, where := topFields, inMessage
	switch {
	case depth == 1:
	case parent == fParams:
		names, where = paramFields, inParams
	case parent == fResult:
		names, where = resultFields, inResult
	default:
		return 0
	}
	for name := range names {
		if strings.EqualFold(key, name) {
			return where
		}
	}
	return 0
}

func (e *envelope) has(f field) bool { return e.v[f].kind != 0 }

// request reports a message that wants an answer.
func (e *envelope) request() bool { return e.has(fMethod) && e.has(fID) }

func (e *envelope) notification() bool { return e.has(fMethod) && !e.has(fID) }

func (e *envelope) response() bool {
	return !e.has(fMethod) && e.has(fID) && e.v[fID].kind != 'n' && (e.has(fResult) || e.has(fError))
}

// failed reports an answer that is an error. Some servers write one of null beside every result.
func (e *envelope) failed() bool {
	return e.has(fError) && (e.v[fError].kind != 'n' || !e.has(fResult))
}

// outcome is what a record says of an answer.
func (e *envelope) outcome() string {
	if e.failed() || string(e.v[fIsError].raw) == "true" {
		return "error"
	}
	return "ok"
}

// matchable reports whether answers can be matched with the id: a text or a number, of a length that is kept.
func (e *envelope) matchable() bool {
	v := &e.v[fID]
	return !v.long && (v.kind == '"' || v.kind == '-' || v.kind >= '0' && v.kind <= '9')
}

// text is a member that is a string, or "".
func (e *envelope) text(f field) string {
	v := &e.v[f]
	if v.kind != '"' || v.long {
		return ""
	}
	return unquote(v.raw)
}

func (e *envelope) method() string { return e.text(fMethod) }

func (e *envelope) id() id { return idOf(e.v[fID].raw) }

// of cuts a member's value out of the message.
func (e *envelope) of(data []byte, f field) []byte {
	v := e.v[f]
	if v.kind == 0 {
		return nil
	}
	return data[v.start:v.end]
}

// id is a request id in one spelling: "7" and 7 differ, 7 and 7.0 do not.
type id string

func idOf(raw []byte) id {
	if len(raw) == 0 {
		return ""
	}
	if raw[0] == '"' {
		return id(`"` + unquote(raw))
	}
	for _, c := range raw {
		if c == '.' || c|0x20 == 'e' {
			if f, err := strconv.ParseFloat(string(raw), 64); err == nil {
				return id(strconv.FormatFloat(f, 'f', -1, 64))
			}
		}
	}
	return id(raw)
}

// String is how the id is shown in events and records.
func (i id) String() string { return strings.TrimPrefix(string(i), `"`) }

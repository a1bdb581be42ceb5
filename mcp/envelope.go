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

// envelope is what the scanner noted of a message.
type envelope struct {
	start, end int
	kind       byte // '{', '[' or, of something that is no message, another
	disguised  bool // a member's name differs from one that rules look at in case only: some servers would take it for that
	v          [fields]value
}

func topField(key string) field {
	switch key {
	case "id":
		return fID
	case "method":
		return fMethod
	case "params":
		return fParams
	case "result":
		return fResult
	case "error":
		return fError
	}
	return none
}

func subField(parent field, key string) field {
	switch parent {
	case fParams:
		switch key {
		case "name":
			return fName
		case "uri":
			return fURI
		case "arguments":
			return fArguments
		case "requestId":
			return fRequestID
		case "_meta":
			return fMeta
		case "cursor":
			return fCursor
		case "task":
			return fTask
		}
	case fResult:
		switch key {
		case "content":
			return fContent
		case "structuredContent":
			return fStructured
		case "isError":
			return fIsError
		case "tools":
			return fTools
		case "resources":
			return fResources
		case "resourceTemplates":
			return fTemplates
		case "prompts":
			return fPrompts
		case "serverInfo":
			return fServerInfo
		case "resultType":
			return fResultType
		case "_meta":
			return fMeta
		case "nextCursor":
			return fCursor
		case "task":
			return fTask
		}
	}
	return none
}

// disguised tells an unknown key for one that a parser without regard to case would accept.
func disguised(depth int, parent field, key string) bool {
	if depth == 1 {
		return strings.EqualFold(key, "id") || strings.EqualFold(key, "method") || strings.EqualFold(key, "params") || strings.EqualFold(key, "result")
	}
	return parent == fParams && (strings.EqualFold(key, "name") || strings.EqualFold(key, "uri") || strings.EqualFold(key, "arguments"))
}

func (e *envelope) has(f field) bool { return e.v[f].kind != 0 }

// request reports a message that wants an answer.
func (e *envelope) request() bool { return e.has(fMethod) && e.has(fID) }

func (e *envelope) notification() bool { return e.has(fMethod) && !e.has(fID) }

func (e *envelope) response() bool {
	return !e.has(fMethod) && e.has(fID) && e.v[fID].kind != 'n' && (e.has(fResult) || e.has(fError))
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

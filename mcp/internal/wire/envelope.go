package wire

import (
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Field is a member of a message that some rule looks at.
type Field uint8

const (
	noField Field = iota
	FieldID
	FieldMethod
	FieldParams
	FieldResult
	FieldError
	// in params
	FieldName
	FieldURI
	FieldArguments
	FieldRequestID
	FieldRef
	// in a result
	FieldContent
	FieldStructuredContent
	FieldIsError
	FieldTools
	FieldResources
	FieldTemplates
	FieldPrompts
	FieldServerInfo
	FieldInstructions
	FieldResultType
	// in either
	FieldMeta
	FieldCursor
	FieldTask
	fieldCount
)

// Value is where the value of a member stands. Kind is its first byte; 0: the member is missing.
type Value struct {
	Start, End int
	Kind       byte
	Truncated  bool   // raw is not all of it
	Raw        []byte // of scalars
}

// Collision says where a member stands whose name some reader takes for one that rules look at: it
// differs in case, in blanks, or behind a zero byte.
type Collision uint8

const (
	CollisionInMessage Collision = 1 << iota
	CollisionInParams
	CollisionInResult
)

// Envelope is what the scanner noted of a message.
type Envelope struct {
	Start, End int  // of the message in the bytes that were fed
	Kind       byte // '{', '[' or, of something that is no message, another
	Collisions Collision
	v          [fieldCount]Value
}

var (
	topFields = map[string]Field{"id": FieldID, "method": FieldMethod, "params": FieldParams,
		"result": FieldResult, "error": FieldError}
	paramFields = map[string]Field{"name": FieldName, "uri": FieldURI, "arguments": FieldArguments,
		"requestId": FieldRequestID, "ref": FieldRef, "_meta": FieldMeta, "cursor": FieldCursor,
		"task": FieldTask}
	resultFields = map[string]Field{"content": FieldContent,
		"structuredContent": FieldStructuredContent, "isError": FieldIsError, "tools": FieldTools,
		"resources":         FieldResources,
		"resourceTemplates": FieldTemplates, "prompts": FieldPrompts, "serverInfo": FieldServerInfo,
		"instructions": FieldInstructions,
		"resultType":   FieldResultType, "_meta": FieldMeta, "nextCursor": FieldCursor,
		"task": FieldTask}
)

// canonical are the canonical names of the fields: of the message, of params and of results.
var canonical = sync.OnceValue(func() [3]map[string]bool {
	return [3]map[string]bool{canonicalNames(topFields), canonicalNames(paramFields),
		canonicalNames(resultFields)}
})

func subField(parent Field, key string) Field {
	switch parent {
	case FieldParams:
		return paramFields[key]
	case FieldResult:
		return resultFields[key]
	}
	return noField
}

// collision reports a key, not a name that matters, that some reader takes for one.
func collision(depth int, parent Field, key string) Collision {
	where := longKey(depth, parent)
	switch {
	case where == CollisionInMessage && canonical()[0][Canonical(key)],
		where == CollisionInParams && canonical()[1][Canonical(key)],
		where == CollisionInResult && canonical()[2][Canonical(key)]:
		return where
	}
	return 0
}

// longKey is the collision of a key that is too long to be kept: it may begin like any name.
func longKey(depth int, parent Field) Collision {
	switch {
	case depth == 1:
		return CollisionInMessage
	case parent == FieldParams:
		return CollisionInParams
	case parent == FieldResult:
		return CollisionInResult
	}
	return 0
}

// At is the member's value; its kind is 0 if it is not there.
func (e *Envelope) At(f Field) *Value { return &e.v[f] }

func (e *Envelope) Has(f Field) bool { return e.v[f].Kind != 0 }

// IsRequest reports a message that wants an answer.
func (e *Envelope) IsRequest() bool { return e.Has(FieldMethod) && e.Has(FieldID) }

func (e *Envelope) IsNotification() bool { return e.Has(FieldMethod) && !e.Has(FieldID) }

func (e *Envelope) IsResponse() bool {
	return !e.Has(FieldMethod) && e.Has(FieldID) && e.v[FieldID].Kind != 'n' &&
		(e.Has(FieldResult) || e.Has(FieldError))
}

// Failed reports an answer that is an error. Some servers write one of null beside every result.
func (e *Envelope) Failed() bool {
	return e.Has(FieldError) && (e.v[FieldError].Kind != 'n' || !e.Has(FieldResult))
}

// Outcome is what a record says of an answer.
func (e *Envelope) Outcome() string {
	if e.Failed() || string(e.v[FieldIsError].Raw) == "true" {
		return "error"
	}
	return "ok"
}

// HasUsableID reports whether answers can be matched with the id: a text or a number, of a length
// that is kept.
func (e *Envelope) HasUsableID() bool {
	v := &e.v[FieldID]
	return !v.Truncated && (v.Kind == '"' || v.Kind == '-' || v.Kind >= '0' && v.Kind <= '9')
}

// Text is a member that is a string, or "".
func (e *Envelope) Text(f Field) string {
	v := &e.v[f]
	if v.Kind != '"' || v.Truncated {
		return ""
	}
	return Unquote(v.Raw)
}

func (e *Envelope) Method() string { return e.Text(FieldMethod) }

func (e *Envelope) ID() ID { return ParseID(e.v[FieldID].Raw) }

// Raw cuts a member's value out of the message.
func (e *Envelope) Raw(data []byte, f Field) []byte {
	v := e.v[f]
	if v.Kind == 0 {
		return nil
	}
	return data[v.Start:v.End]
}

// ID is a request id in one spelling: "7" and 7 differ, 7 and 7.0 do not.
type ID string

func ParseID(raw []byte) ID {
	if len(raw) == 0 {
		return ""
	}
	if raw[0] == '"' {
		return ID(`"` + Unquote(raw))
	}
	for _, c := range raw {
		if c == '.' || c|0x20 == 'e' {
			if f, err := strconv.ParseFloat(string(raw), 64); err == nil {
				return ID(strconv.FormatFloat(f, 'f', -1, 64))
			}
		}
	}
	return ID(raw)
}

// String is how the id is shown in events and records.
func (i ID) String() string { return strings.TrimPrefix(string(i), `"`) }

// InOrder returns those of the fields that are there, in the order of the message.
func (e *Envelope) InOrder(fields ...Field) []Field {
	fields = slices.DeleteFunc(fields, func(f Field) bool { return !e.Has(f) })
	slices.SortFunc(fields, func(a, b Field) int { return e.v[a].Start - e.v[b].Start })
	return fields
}

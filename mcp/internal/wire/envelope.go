package wire

import (
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Field is a member of a message that a rule may look at.
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

// Value is the place of a member's value. Kind is the first byte of the value; 0: the member is
// missing.
type Value struct {
	Start, End int
	Kind       byte
	Truncated  bool   // Raw is only the beginning
	Raw        []byte // of scalars
}

// Collision is the place of a member whose name some reader could take for one that rules look at.
// Such a name differs in case, in blanks, or after a zero byte.
type Collision uint8

const (
	CollisionInMessage Collision = 1 << iota
	CollisionInParams
	CollisionInResult
)

// Envelope is what the scanner recorded about a message.
type Envelope struct {
	Start, End int  // offsets of the message in the scanned bytes
	Kind       byte // '{' or '['; another byte if it is not a message
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

// canonical holds the canonical names of the fields of messages, of params and of results.
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

// collision reports a key that is not a field's name, but that some reader could take for one.
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

// longKey returns the collision of a key that is too long to be kept. Some reader may cut it to the
// name of a field.
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

// At returns the member's value. Its Kind is 0 if the member is missing.
func (e *Envelope) At(f Field) *Value { return &e.v[f] }

func (e *Envelope) Has(f Field) bool { return e.v[f].Kind != 0 }

// IsRequest reports whether a message expects an answer.
func (e *Envelope) IsRequest() bool { return e.Has(FieldMethod) && e.Has(FieldID) }

func (e *Envelope) IsNotification() bool { return e.Has(FieldMethod) && !e.Has(FieldID) }

func (e *Envelope) IsResponse() bool {
	return !e.Has(FieldMethod) && e.Has(FieldID) && e.v[FieldID].Kind != 'n' &&
		(e.Has(FieldResult) || e.Has(FieldError))
}

// Failed reports whether an answer is an error. Some servers write "error": null next to every
// result; that is not an error.
func (e *Envelope) Failed() bool {
	return e.Has(FieldError) && (e.v[FieldError].Kind != 'n' || !e.Has(FieldResult))
}

// Outcome returns the outcome that an audit record gives for an answer.
func (e *Envelope) Outcome() string {
	if e.Failed() || string(e.v[FieldIsError].Raw) == "true" {
		return "error"
	}
	return "ok"
}

// HasUsableID reports whether answers can be matched by the id. It must be a string or a number,
// and not too long.
func (e *Envelope) HasUsableID() bool {
	v := &e.v[FieldID]
	return !v.Truncated && (v.Kind == '"' || v.Kind == '-' || v.Kind >= '0' && v.Kind <= '9')
}

// Text returns a member that is a string, or "".
func (e *Envelope) Text(f Field) string {
	v := &e.v[f]
	if v.Kind != '"' || v.Truncated {
		return ""
	}
	return Unquote(v.Raw)
}

func (e *Envelope) Method() string { return e.Text(FieldMethod) }

func (e *Envelope) ID() ID { return ParseID(e.v[FieldID].Raw) }

// Raw returns the bytes of a member's value.
func (e *Envelope) Raw(data []byte, f Field) []byte {
	v := e.v[f]
	if v.Kind == 0 {
		return nil
	}
	return data[v.Start:v.End]
}

// ID is a request id in a normal form: "7" and 7 differ, 7 and 7.0 do not.
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

// String returns the id as events and records show it.
func (i ID) String() string { return strings.TrimPrefix(string(i), `"`) }

// InOrder returns the fields that are present, in the order of the message.
func (e *Envelope) InOrder(fields ...Field) []Field {
	fields = slices.DeleteFunc(fields, func(f Field) bool { return !e.Has(f) })
	slices.SortFunc(fields, func(a, b Field) int { return e.v[a].Start - e.v[b].Start })
	return fields
}

package wire

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

const (
	maxDepth  = 10000
	maxScalar = 1024 // bytes kept of an id, a method, a name or a URI; no rule looks at longer ones
)

var (
	ErrSyntax         = errors.New("not JSON")
	errDepth          = errors.New("nested too deeply")
	errDuplicate      = errors.New("a member occurs twice")
	errCarriageReturn = errors.New("there is a carriage return in the middle")
)

// state says what the scanner expects next.
type state uint8

const (
	wantValue state = iota
	wantValueOrEnd
	wantKey
	wantKeyOrEnd
	wantColon
	wantNext // a comma or the end of the object or array
	inString
	inEscape
	inHex
	inNumber
	inLiteral
	finished
)

// Scanner reads one JSON text in pieces of any size. It accepts the grammar of RFC 8259, and fills
// an envelope.
type Scanner struct {
	Env     Envelope
	Err     error
	state   state
	stack   []byte // open brackets
	base    int    // offset of the current piece
	key     []byte // the key being read, with its quotes
	isKey   bool
	tooLong bool // the key is too long for a field's name
	hex     int
	number  number
	literal string
	current [3]Field // by depth: the member whose value is being read
	keep    *Value   // the scalar being read
}

// Scan reads a whole message. The error says why it is not JSON. An incomplete text is not JSON.
func Scan(data []byte) (*Envelope, error) {
	var s Scanner
	s.Feed(data)
	return &s.Env, s.Err
}

func (s *Scanner) reset() {
	*s = Scanner{stack: s.stack[:0], key: s.key[:0]}
}

// Complete reports whether the input so far is exactly one JSON text.
func (s *Scanner) Complete() bool {
	if s.Err != nil {
		return false
	}
	if s.state == inNumber && len(s.stack) == 0 {
		return s.number.ends()
	}
	return s.state == finished
}

// Feed scans the next piece. After an error it ignores further pieces.
func (s *Scanner) Feed(b []byte) {
	for i := 0; i < len(b) && s.Err == nil; {
		c := b[i]
		switch s.state {
		case inString:
			n := plainPrefix(b[i:])
			s.hold(b[i : i+n])
			if i += n; i == len(b) {
				break
			}
			switch c = b[i]; {
			case c == '"':
				s.hold(b[i : i+1])
				s.endString(s.base + i + 1)
			case c == '\\':
				s.hold(b[i : i+1])
				s.state = inEscape
			default:
				s.Err = ErrSyntax
			}
			i++
			continue
		case inEscape:
			s.hold(b[i : i+1])
			switch c {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				s.state = inString
			case 'u':
				s.state, s.hex = inHex, 4
			default:
				s.Err = ErrSyntax
			}
			i++
			continue
		case inHex:
			if !isHex(c) {
				s.Err = ErrSyntax
				break
			}
			s.hold(b[i : i+1])
			if s.hex--; s.hex == 0 {
				s.state = inString
			}
			i++
			continue
		case inNumber:
			if s.number.next(c) {
				s.hold(b[i : i+1])
				i++
				continue
			}
			if !s.number.ends() {
				s.Err = ErrSyntax
				break
			}
			s.endValue(s.base + i)
			continue
		case inLiteral:
			if c != s.literal[0] {
				s.Err = ErrSyntax
				break
			}
			s.hold(b[i : i+1])
			i++
			if s.literal = s.literal[1:]; s.literal == "" {
				s.endValue(s.base + i)
			}
			continue
		}
		if i == len(b) {
			break
		}
		switch {
		case c == '\r' && s.state != finished:
			// Many readers end a line here. The rest would be a message of its own.
			s.Err = errCarriageReturn
		case c != ' ' && c != '\t' && c != '\r' && c != '\n':
			s.structure(c, s.base+i)
		}
		i++
	}
	s.base += len(b)
}

// structure handles a character that is not in a string, number or literal.
func (s *Scanner) structure(c byte, at int) {
	switch s.state {
	case wantValueOrEnd:
		if c == ']' {
			s.pop(c, at)
			return
		}
		s.beginValue(c, at)
	case wantValue:
		s.beginValue(c, at)
	case wantKeyOrEnd:
		if c == '}' {
			s.pop(c, at)
			return
		}
		fallthrough
	case wantKey:
		if c != '"' {
			s.Err = ErrSyntax
			return
		}
		s.state, s.isKey, s.key, s.tooLong = inString, true, append(s.key[:0], '"'), false
	case wantColon:
		if c != ':' {
			s.Err = ErrSyntax
			return
		}
		s.state = wantValue
	case wantNext:
		switch {
		case c == ',' && s.stack[len(s.stack)-1] == '{':
			s.state = wantKey
		case c == ',':
			s.state = wantValue
		default:
			s.pop(c, at)
		}
	default:
		s.Err = ErrSyntax
	}
}

func (s *Scanner) beginValue(c byte, at int) {
	if len(s.stack) == 0 {
		s.Env.Start, s.Env.Kind = at, c
	} else if d := len(s.stack); d <= 2 && s.current[d] != noField {
		v := &s.Env.v[s.current[d]]
		if v.Kind != 0 {
			s.Err = errDuplicate
			return
		}
		v.Start, v.Kind = at, c
		if c != '{' && c != '[' {
			s.keep = v
			v.Raw = append(v.Raw, c)
		}
	}
	switch {
	case c == '{' || c == '[':
		if len(s.stack) == maxDepth {
			s.Err = errDepth
			return
		}
		s.stack = append(s.stack, c)
		if d := len(s.stack); d <= 2 {
			s.current[d] = noField
		}
		s.state = wantValueOrEnd
		if c == '{' {
			s.state = wantKeyOrEnd
		}
	case c == '"':
		s.state, s.isKey = inString, false
	case c == '-' || c >= '0' && c <= '9':
		s.state, s.number = inNumber, beginNumber(c)
	case c == 't':
		s.state, s.literal = inLiteral, "rue"
	case c == 'f':
		s.state, s.literal = inLiteral, "alse"
	case c == 'n':
		s.state, s.literal = inLiteral, "ull"
	default:
		s.Err = ErrSyntax
	}
}

func (s *Scanner) pop(c byte, at int) {
	// in ASCII, a closing bracket is the opening one plus two
	if d := len(s.stack); d == 0 || s.stack[d-1]+2 != c {
		s.Err = ErrSyntax
		return
	}
	s.stack = s.stack[:len(s.stack)-1]
	s.endValue(at + 1)
}

func (s *Scanner) endString(end int) {
	if s.isKey {
		s.state = wantColon
		s.endKey()
		return
	}
	s.endValue(end)
}

func (s *Scanner) endValue(end int) {
	s.keep = nil
	d := len(s.stack)
	if d == 0 {
		s.Env.End, s.state = end, finished
		return
	}
	if d <= 2 && s.current[d] != noField {
		s.Env.v[s.current[d]].End = end
		s.current[d] = noField
	}
	s.state = wantNext
}

// endKey looks up the field of a key, at the top level of the message and one level into its
// params, result or error.
func (s *Scanner) endKey() {
	d := len(s.stack)
	if d > 2 || s.stack[0] != '{' {
		return
	}
	if s.tooLong {
		s.Env.Collisions |= longKey(d, s.current[1])
		return
	}
	key := Unquote(s.key)
	if d == 1 {
		s.current[1] = topFields[key]
	} else {
		s.current[2] = subField(s.current[1], key)
	}
	if s.current[d] == noField {
		s.Env.Collisions |= collision(d, s.current[1], key)
	}
}

// hold keeps the bytes of a key, or of a scalar that a rule may look at.
func (s *Scanner) hold(b []byte) {
	if s.isKey && (s.state == inString || s.state == inEscape || s.state == inHex) {
		if len(s.stack) > 2 {
			return
		}
		if s.tooLong = s.tooLong || len(s.key)+len(b) > maxScalar; !s.tooLong {
			s.key = append(s.key, b...)
		}
		return
	}
	if s.keep == nil {
		return
	}
	if len(s.keep.Raw)+len(b) > maxScalar {
		s.keep.Truncated = true
		return
	}
	s.keep.Raw = append(s.keep.Raw, b...)
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

// plainPrefix counts the bytes at the start of b before the first quote, backslash or control
// character.
func plainPrefix(b []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		// The bits above the lowest match may be wrong. Only the lowest one is used.
		hit := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w) & highs
		if hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' || c == '\\' || c < 0x20 {
			break
		}
	}
	return i
}

package wire

// number is how far a JSON number has been read. RFC 8259 §6
type number uint8

const (
	afterMinus number = iota
	afterZero
	inDigits
	afterPoint
	inFraction
	afterE
	afterSign
	inExponent
)

func beginNumber(c byte) number {
	switch c {
	case '-':
		return afterMinus
	case '0':
		return afterZero
	}
	return inDigits
}

// next accepts c if it continues the number.
func (n *number) next(c byte) bool {
	digit := c >= '0' && c <= '9'
	switch *n {
	case afterMinus:
		if !digit {
			return false
		}
		*n = beginNumber(c)
		return true
	case afterZero, inDigits:
		switch {
		case digit && *n == inDigits:
			return true
		case c == '.':
			*n = afterPoint
			return true
		case c|0x20 == 'e':
			*n = afterE
			return true
		}
		return false
	case afterPoint, inFraction:
		if digit {
			*n = inFraction
			return true
		}
		if c|0x20 == 'e' && *n == inFraction {
			*n = afterE
			return true
		}
		return false
	case afterE:
		if c == '+' || c == '-' {
			*n = afterSign
			return true
		}
		fallthrough
	default:
		if digit {
			*n = inExponent
		}
		return digit
	}
}

// ends reports whether the number may end here.
func (n number) ends() bool {
	return n == afterZero || n == inDigits || n == inFraction || n == inExponent
}

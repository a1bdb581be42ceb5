package monitor

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// ids makes identifiers of 26 characters that sort by time, in ULID's layout: 48 bits of
// milliseconds and 80 random bits in Crockford's base 32. Within a millisecond, or if the clock
// steps back, the random part counts up.
type ids struct {
	ms   uint64
	hi   uint16
	lo   uint64
	seen bool
}

func (g *ids) next(t time.Time) string {
	ms := uint64(t.UnixMilli()) & (1<<48 - 1)
	if !g.seen || ms > g.ms {
		var b [10]byte
		rand.Read(b[:]) // never fails (crypto/rand)
		g.ms, g.seen = ms, true
		g.hi, g.lo = binary.BigEndian.Uint16(b[:2])>>1, binary.BigEndian.Uint64(
			b[2:]) // top bit free: room to count up
	} else if g.lo++; g.lo == 0 {
		g.hi++
	}
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], g.ms<<16|uint64(g.hi))
	binary.BigEndian.PutUint64(raw[8:], g.lo)
	return crockford(raw)
}

func crockford(raw [16]byte) string {
	const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	hi, lo := binary.BigEndian.Uint64(raw[:8]), binary.BigEndian.Uint64(raw[8:])
	var out [26]byte
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = digits[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out[:])
}

package egress

import (
	"encoding/binary"
	"net/netip"
	"sync"
)

// The addresses that names get inside: the range of RFC 2544, which nobody routes, and a unique
// local prefix (RFC 4193). They are functions so that the package has no initialisers.
func pool4() netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, 0, 0}), 15) }
func pool6() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{0xfd, 0x6d, 0x63, 0x70, 0x62, 0x6f, 0x78}),
		64)
}

// Local returns the addresses of the sandbox's loopback device. They are at the ends of the pool,
// which no name gets. If a host has only loopback addresses, getaddrinfo(3) with AI_ADDRCONFIG
// finds no names.
func Local() (v4, v6 netip.Addr) {
	return addressAt(pool4(), hosts(pool4())-2), addressAt(pool6(), 1)
}

const maxNames = 16 << 10 // remembered at a time

// pool maps names to addresses, and back. An address is used for another name only after all other
// addresses were used. If its name has been forgotten meanwhile, it leads nowhere.
type pool struct {
	v4     netip.Prefix
	mu     sync.Mutex
	index  map[string]uint32
	names  map[uint32]string
	order  []uint32 // as they were given, in a ring
	oldest int
	next   uint32
}

func newPool(v4 netip.Prefix) *pool {
	return &pool{v4: v4, index: map[string]uint32{}, names: map[uint32]string{}}
}

// addresses returns the two addresses of a name.
func (p *pool) addresses(name string) (v4, v6 netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, ok := p.index[name]
	if !ok {
		i = p.add(name)
	}
	return addressAt(p.v4, i), addressAt(pool6(), i)
}

func (p *pool) add(name string) uint32 {
	p.next++
	if p.next < 2 || p.next >= hosts(p.v4)-1 {
		p.next = 2 // 0 and 1, and the last two, are no name's
	}
	if len(p.order) < maxNames {
		p.order = append(p.order, p.next)
	} else {
		old := p.order[p.oldest]
		delete(p.index, p.names[old])
		delete(p.names, old)
		p.order[p.oldest] = p.next
		p.oldest = (p.oldest + 1) % maxNames
	}
	p.index[name], p.names[p.next] = p.next, name
	return p.next
}

// name returns the name of an address of the pool, or "" if it has none. ours is false for an
// address outside of the pool.
func (p *pool) name(addr netip.Addr) (name string, ours bool) {
	addr = addr.Unmap()
	base := p.v4
	if !base.Contains(addr) {
		if base = pool6(); !base.Contains(addr) {
			return "", false
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i, ok := indexOf(base, addr)
	if !ok {
		return "", true
	}
	return p.names[i], true
}

// hosts returns how many addresses a prefix has.
func hosts(p netip.Prefix) uint32 { return 1 << (p.Addr().BitLen() - p.Bits()) }

func addressAt(p netip.Prefix, i uint32) netip.Addr {
	if p.Addr().Is4() {
		raw := p.Addr().As4()
		binary.BigEndian.PutUint32(raw[:], binary.BigEndian.Uint32(raw[:])+i)
		return netip.AddrFrom4(raw)
	}
	raw := p.Addr().As16()
	binary.BigEndian.PutUint32(raw[12:], i)
	return netip.AddrFrom16(raw)
}

func indexOf(p netip.Prefix, addr netip.Addr) (uint32, bool) {
	if addr.Is4() {
		base, raw := p.Addr().As4(), addr.As4()
		return binary.BigEndian.Uint32(raw[:]) - binary.BigEndian.Uint32(base[:]), true
	}
	raw := addr.As16()
	return binary.BigEndian.Uint32(raw[12:]), binary.BigEndian.Uint32(raw[8:12]) == 0
}

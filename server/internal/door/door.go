package door

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/mcpbox/mcpbox/internal/peer"
	"github.com/mcpbox/mcpbox/server/api"
)

// Rules say who may come in.
type Rules struct {
	Users   []int // beside the daemon's own user and root
	Tokens  []Token
	Hosts   []string // over TCP, what the daemon may be called beside loopback names
	Origins []string // of web pages
}

// Token is known by its digest only.
type Token struct {
	Name   string
	SHA256 [sha256.Size]byte
}

// Identity is who asks.
type Identity struct {
	Client     string // "uid:1000" or "token:ci"
	Restricted bool   // neither the daemon's own user nor root
}

// Refuse writes a problem.
type Refuse func(http.ResponseWriter, *http.Request, *api.Problem)

// Door applies rules, which may change.
type Door struct {
	rules  atomic.Pointer[Rules]
	refuse Refuse
	own    int
}

// New makes a door. refuse answers those who may not come in.
func New(rules Rules, refuse Refuse) *Door {
	d := &Door{refuse: refuse, own: os.Geteuid()}
	d.Set(rules)
	return d
}

// Set replaces the rules.
func (d *Door) Set(rules Rules) { d.rules.Store(&rules) }

type key int

const (
	identityKey key = iota
	peerKey
)

// From is who asks.
func From(ctx context.Context) (Identity, bool) {
	id, ok := ctx.Value(identityKey).(Identity)
	return id, ok
}

// Unix lets in the users that the kernel names.
func (d *Door) Unix(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := r.Context().Value(peerKey).(peer.Process)
		uid := p.UID
		switch {
		case !ok:
			d.forbid(w, r, "the kernel does not say who is at the other end of the connection",
				"use a Unix socket of this host")
		case uid != d.own && uid != 0 && !slices.Contains(d.rules.Load().Users, uid):
			d.forbid(
				w,
				r,
				"user "+strconv.Itoa(uid)+" may not use this daemon",
				"the daemon's operator can list the user in its config: users: ["+strconv.Itoa(
					uid)+"]",
			)
		case p.Elsewhere:
			d.forbid(w, r, "the client is in another user namespace, as a tool in a sandbox is",
				"use a token over TCP: see listen: in the daemon's config")
		case !d.originAllowed(r):
			d.forbidOrigin(w, r)
		default:
			id := Identity{Client: "uid:" + strconv.Itoa(uid), Restricted: uid != d.own && uid != 0}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey, id)))
		}
	})
}

// TCP lets in those who have a token.
func (d *Door) TCP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rules := d.rules.Load()
		if !hostAllowed(r.Host, rules.Hosts) {
			d.refuse(
				w,
				r,
				&api.Problem{
					Title:  "Misdirected Request",
					Status: http.StatusMisdirectedRequest,
					Detail: "this daemon does not go by the name " + strconv.QuoteToASCII(
						cut(r.Host)),
					Remedy: "call it by its loopback address, or list the name in hosts:",
				},
			)
			return
		}
		if !d.originAllowed(r) {
			d.forbidOrigin(w, r)
			return
		}
		name, ok := tokenName(r.Header.Values("Authorization"), rules.Tokens)
		if !ok {
			w.Header().Set("WWW-Authenticate", `Bearer realm="mcpbox"`)
			w.Header().Set("Connection", "close") // a stranger keeps no connection
			d.refuse(w, r, &api.Problem{
				Title:  "Unauthorized",
				Status: http.StatusUnauthorized,
				Detail: "no valid token came with the request",
				Remedy: "send the header Authorization: Bearer TOKEN; " +
					"mcpbox serve --new-token NAME makes one",
			})
			return
		}
		id := Identity{Client: "token:" + name, Restricted: true}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey, id)))
	})
}

func cut(s string) string { return s[:min(len(s), 80)] }

func (d *Door) forbid(w http.ResponseWriter, r *http.Request, detail, remedy string) {
	d.refuse(
		w,
		r,
		&api.Problem{
			Title:  "Forbidden",
			Status: http.StatusForbidden,
			Detail: detail,
			Remedy: remedy,
		},
	)
}

func (d *Door) forbidOrigin(w http.ResponseWriter, r *http.Request) {
	d.forbid(
		w,
		r,
		"web pages of "+strconv.QuoteToASCII(
			cut(r.Header.Get("Origin")))+" may not use this daemon",
		"list the origin in the daemon's config: origins",
	)
}

// originAllowed: only browsers send an Origin.
func (d *Door) originAllowed(r *http.Request) bool {
	for _, origin := range r.Header.Values("Origin") {
		if !slices.Contains(d.rules.Load().Origins, origin) {
			return false
		}
	}
	return true
}

func hostAllowed(host string, names []string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	if name == "localhost" || slices.Contains(names, name) {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

// tokenName finds whose token it is, in a time that does not depend on the token.
func tokenName(headers []string, tokens []Token) (name string, ok bool) {
	if len(headers) != 1 {
		return "", false
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return "", false
	}
	sum := sha256.Sum256([]byte(token))
	for _, t := range tokens {
		if subtle.ConstantTimeCompare(sum[:], t.SHA256[:]) == 1 {
			name, ok = t.Name, true
		}
	}
	return name, ok
}

// ParseToken reads a digest as the config file has it.
func ParseToken(name, digest string) (t Token, err error) {
	t.Name = name
	_, err = hex.Decode(t.SHA256[:], []byte(digest))
	return t, err
}

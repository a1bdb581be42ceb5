package intercept

import (
	"net"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpbox/mcpbox/policies/hostrule"
)

// Kind says what was found.
type Kind string

const (
	KindHost   Kind = "host"   // a request for another host than the connection is for
	KindMethod Kind = "method" // one that is not allowed
	KindSecret Kind = "secret" // the placeholder where the policy does not have the secret
	KindEcho   Kind = "echo"   // a secret in a response, which was masked
	KindHTTP   Kind = "http"   // what can't be passed on
)

// Finding is worth an event.
type Finding struct {
	Kind   Kind
	Reason string // one sentence
	Hint   string
	Action string // what was done
}

func (t *Terms) scheme() string {
	if t.TLS {
		return "https"
	}
	return "http"
}

// host is how requests name the host.
func (t *Terms) host() string {
	if t.TLS && t.Port == 443 || !t.TLS && t.Port == 80 {
		return t.Name
	}
	return hostrule.Join(t.Name, t.Port)
}

// handle passes a request on, or refuses it.
func (i *Interceptor) handle(w http.ResponseWriter, r *http.Request) {
	t := termsOf(r)
	if !t.names(r.Host) || r.URL.Host != "" && !t.names(r.URL.Host) {
		// The connection may be reused for more of the kind.
		w.Header().Set("Connection", "close")
		t.Report(Finding{Kind: KindHost, Action: "refused", Reason: "a request to " + t.host() +
			" is for another host: " + r.Host})
		http.Error(w, "mcpbox: the request is for another host", http.StatusMisdirectedRequest)
		return
	}
	if r.Method == http.MethodConnect {
		t.Report(Finding{Kind: KindHTTP, Action: "refused",
			Reason: "a request to " + t.host() + " asks for a tunnel (CONNECT)"})
		http.Error(w, "mcpbox: no tunnels", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Opaque != "" { // "http:path": servers read that in different ways
		t.Report(Finding{Kind: KindHTTP, Action: "refused",
			Reason: "a request to " + t.host() + " has a target that is no path and no URL"})
		http.Error(w, "mcpbox: not a path", http.StatusBadRequest)
		return
	}
	if t.Methods != nil && !slices.Contains(t.Methods, r.Method) {
		t.Report(Finding{Kind: KindMethod, Action: "refused",
			Reason: "the method " + r.Method + " is not allowed at " + t.host(),
			Hint:   "to allow it, add it to the methods of " + t.Name + " in network.allow"})
		w.Header().Set("Allow", strings.Join(t.Methods, ", "))
		http.Error(w, "mcpbox: the policy does not allow this method", http.StatusForbidden)
		return
	}
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		r.Header.Del("Upgrade") // HTTP/2 by h2c would be unread
	}
	r.Header.Del("Sec-Websocket-Extensions") // compressed frames could not be masked
	i.proxy.ServeHTTP(w, r)
}

// names reports whether a Host header means the connection's host.
func (t *Terms) names(text string) bool {
	host, port := text, ""
	if h, p, err := net.SplitHostPort(text); err == nil {
		host, port = h, p
	}
	name, ok := hostrule.CanonicalName(host)
	return ok && name == t.Name && (port == "" && t.host() == t.Name ||
		port == strconv.Itoa(t.Port))
}

// rewrite makes the request to the real host.
func (i *Interceptor) rewrite(pr *httputil.ProxyRequest) {
	t, out := termsOf(pr.In), pr.Out
	out.URL.Scheme, out.URL.Host, out.Host = t.scheme(), hostrule.Join(t.Name, t.Port), t.host()
	// HTTP/2 carries a space, which would split a request line of HTTP/1.1.
	out.URL.RawQuery = strings.ReplaceAll(pr.In.URL.RawQuery, " ", "%20")
	out.URL.ForceQuery = pr.In.URL.ForceQuery
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host",
		"X-Forwarded-Proto"} { // the tool's own, if it sends any
		if values, ok := pr.In.Header[name]; ok {
			out.Header[name] = values
		}
	}
	if len(i.secrets) == 0 {
		return
	}
	out.Header.Set("Accept-Encoding", "identity")
	for n := range i.secrets {
		s := &i.secrets[n]
		if t.TLS && s.isFor(t.Name, t.Port) {
			s.put(out)
		}
		if s.left(out) {
			t.Report(Finding{Kind: KindSecret, Action: "not replaced", Reason: "a request to " +
				t.host() + " has the placeholder of " + s.Name +
				" where the policy does not put the secret",
				Hint: "secrets: " + s.Name + " goes " + s.Place()})
		}
	}
}

// roundTripper masks what comes ahead of the response.
type roundTripper struct{ *Interceptor }

func (rt roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	trace := &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		if rt.mask.header(http.Header(h)) {
			termsOf(r).echo("a header")
		}
		return nil
	}}
	out, err := rt.transport.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(),
		trace)))
	if out != nil {
		out.Request = r
	}
	return out, err
}

func (t *Terms) echo(where string) {
	t.Report(Finding{Kind: KindEcho, Action: "masked",
		Reason: t.host() + " sent a secret back, in " + where + " of its response"})
}

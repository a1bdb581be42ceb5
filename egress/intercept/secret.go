package intercept

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/egress/secret"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/policies/hostrule"
)

// Secret is one of a sandbox's.
type Secret struct {
	policies.Secret
	Value       secret.Value
	Placeholder string // what the tool has in its place

	hosts []hostrule.Rule
}

func (s *Secret) isFor(name string, port int) bool {
	return slices.ContainsFunc(s.hosts,
		func(r hostrule.Rule) bool { return r.MatchesName(name, port) })
}

// put replaces the placeholder where the policy has the secret.
func (s *Secret) put(r *http.Request) {
	if s.Header != "" {
		values := r.Header.Values(s.Header)
		for i, v := range values {
			if strings.Contains(v, s.Placeholder) {
				values[i] = s.header(v)
			}
		}
	}
	if s.Basic {
		s.putBasic(r.Header.Values("Authorization"))
	}
	if s.Query != "" && strings.Contains(r.URL.RawQuery, s.Placeholder) {
		r.URL.RawQuery = s.query(r.URL.RawQuery)
	}
}

func (s *Secret) header(value string) string {
	if s.Format != "" {
		return strings.Replace(s.Format, policies.SecretMark, s.Value.Reveal(), 1)
	}
	return strings.ReplaceAll(value, s.Placeholder, s.Value.Reveal())
}

func (s *Secret) putBasic(values []string) {
	for i, v := range values {
		if credentials, ok := basic(v); ok && strings.Contains(credentials, s.Placeholder) {
			filled := strings.ReplaceAll(credentials, s.Placeholder, s.Value.Reveal())
			values[i] = "Basic " + base64.StdEncoding.EncodeToString([]byte(filled))
		}
	}
}

// basic reads user:password. RFC 7617
func basic(header string) (credentials string, ok bool) {
	scheme, rest, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Basic") {
		return "", false
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	return string(data), err == nil
}

// query replaces in the named parameter, and leaves the others as they are written.
func (s *Secret) query(raw string) string {
	parts := strings.Split(raw, "&")
	for i, part := range parts {
		key, value, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(key)
		if err != nil || name != s.Query {
			continue
		}
		if v, err := url.QueryUnescape(value); err == nil && strings.Contains(v, s.Placeholder) {
			v = strings.ReplaceAll(v, s.Placeholder, s.Value.Reveal())
			parts[i] = key + "=" + url.QueryEscape(v)
		}
	}
	return strings.Join(parts, "&")
}

// left reports whether the placeholder is in the request's head, where the secret isn't put.
func (s *Secret) left(r *http.Request) bool {
	if strings.Contains(r.URL.RequestURI(), s.Placeholder) {
		return true
	}
	for _, values := range r.Header {
		for _, v := range values {
			if strings.Contains(v, s.Placeholder) {
				return true
			}
			if credentials, ok := basic(v); ok && strings.Contains(credentials, s.Placeholder) {
				return true
			}
		}
	}
	return false
}

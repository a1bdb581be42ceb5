package access

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"
)

// Readings returns the ways in which a server may read a resource's URI: as written, and in normal
// form. Rules must allow all of them, because a URI with ".." may begin like an allowed one and
// lead elsewhere.
func Readings(uri string) ([]string, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return nil, fmt.Errorf("it is not a URI: %w", err)
	}
	normal := normalPath(u.EscapedPath())
	switch {
	case u.Opaque != "":
		normal = u.Scheme + ":" + unescaped(u.Opaque)
	case u.Scheme != "" || u.Host != "":
		host := strings.ToLower(u.Host)
		if u.Scheme == "file" && host == "localhost" {
			host = ""
		}
		if u.User != nil {
			host = u.User.String() + "@" + host
		}
		normal = strings.TrimPrefix(u.Scheme+"://", "://") + host + normal
	}
	if u.RawQuery != "" {
		normal += "?" + u.RawQuery
	}
	if u.Fragment != "" {
		normal += "#" + u.EscapedFragment()
	}
	if normal == uri {
		return []string{uri}, nil
	}
	return []string{uri, normal}, nil
}

// normalPath removes dot segments and empty segments. Backslashes become slashes, as in many
// parsers.
func normalPath(escaped string) string {
	p := strings.ReplaceAll(unescaped(escaped), `\`, "/")
	if p == "" {
		return ""
	}
	clean := path.Clean(p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

// escapes are characters as URLs write them: %2e%2e is "..".
var escapes = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`%[0-9A-Fa-f]{2}`) })

// unescaped decodes escapes that are not needed (RFC 3986 §6.2.2), and escaped slashes.
func unescaped(s string) string {
	return escapes().ReplaceAllStringFunc(s, func(e string) string {
		plain, _ := url.PathUnescape(e)
		if c := plain[0]; c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			strings.IndexByte(`-._~/\`, c) >= 0 {
			return plain
		}
		return strings.ToUpper(e)
	})
}

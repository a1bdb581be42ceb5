package npm

import (
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/packages/registry"
)

// moreHosts are where registries redirect downloads to.
func moreHosts(registry string) []string {
	if registry == "npm.pkg.github.com" {
		return []string{"pkg-npm.githubusercontent.com"}
	}
	return nil
}

// credentials takes those for a registry from the values of npmrc files, by the keys that they are
// for ("//npm.example.com/team/"). The configuration gets the lines that npm needs inside.
func (c *Config) credentials(values map[string]string, u *url.URL) error {
	keys := map[string]map[string]string{}
	for key, value := range values {
		at := strings.LastIndexByte(key, ':')
		if at < 0 || !strings.HasPrefix(key, "//"+u.Host+"/") {
			continue
		}
		if keys[key[:at]] == nil {
			keys[key[:at]] = map[string]string{}
		}
		keys[key[:at]][key[at+1:]] = value
	}
	for _, prefix := range slices.Sorted(maps.Keys(keys)) {
		one := registry.Credential{Host: u.Host, Header: "Bearer"}
		switch said := keys[prefix]; {
		case said["_authToken"] != "":
			one.Value = said["_authToken"]
		case said["_auth"] != "":
			one.Header, one.Value = "Basic", said["_auth"]
		case said["username"] != "" && said["_password"] != "":
			password, err := base64.StdEncoding.DecodeString(said["_password"])
			if err != nil {
				return hint.Errorf("npm login", "npm configuration: %s:_password is not base64",
					prefix)
			}
			one.Header = "Basic"
			one.Value = base64.StdEncoding.EncodeToString(
				append([]byte(said["username"]+":"), password...))
		}
		if one.Value == "" || strings.Contains(one.Value, "${") { // a variable that is not set
			continue
		}
		if u.Scheme != "https" {
			return hint.Errorf("use the registry by https, or remove its credentials",
				"npm configuration: %s has credentials, and http would show them to everybody on "+
					"the way", prefix)
		}
		// Whatever the kind: the supervisor writes the whole header.
		line := prefix + ":_authToken=" + registry.Placeholder(len(c.Credentials))
		if !strings.Contains(c.File, line[:strings.LastIndexByte(line, '=')+1]) {
			c.Credentials = append(c.Credentials, one)
			c.File += line + "\n"
		}
	}
	return nil
}

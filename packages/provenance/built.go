package provenance

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Built is where something was built, as a certificate says it.
type Built struct {
	Repository string    `json:"repository"`       // https://github.com/acme/notes
	Workflow   string    `json:"workflow"`         // the repository, a file and a ref
	Commit     string    `json:"commit,omitempty"` //
	Issuer     string    `json:"issuer"`           // who vouches for the workflow
	Time       time.Time `json:"time"`             // when it was signed
	Predicate  string    `json:"predicate_type"`   // what the statement is about
	subjects   []subject // what was built
}

type subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

// issuers are the services whose workflows are believed.
var issuers = [...]string{"https://token.actions.githubusercontent.com", "https://gitlab.com",
	"https://oidc.circleci.com"}

// extension reads one of Fulcio's, 1.3.6.1.4.1.57264.1.N, from 8 on: a UTF8String.
func extension(c *x509.Certificate, n int) string {
	id := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, n}
	for _, e := range c.Extensions {
		if !e.Id.Equal(id) {
			continue
		}
		var text string
		if rest, err := asn1.UnmarshalWithParams(e.Value, &text, "utf8"); err == nil &&
			len(rest) == 0 {
			return text
		}
	}
	return ""
}

const (
	extIssuer = 8
	extSigner = 9 // the workflow that signs, which may be one of another repository
	extSource = 12
	extDigest = 13
	extConfig = 18 // the workflow that was started
)

// read takes the statement and the certificate together.
func read(payload []byte, leaf *x509.Certificate, at time.Time) (*Built, error) {
	var statement struct {
		Subject   []subject       `json:"subject"`
		Type      string          `json:"predicateType"`
		Predicate json.RawMessage `json:"predicate"`
	}
	if err := json.Unmarshal(payload, &statement); err != nil {
		return nil, fmt.Errorf("%w: its statement: %w", ErrUnreadable, err)
	}
	b := &Built{Repository: extension(leaf, extSource), Commit: extension(leaf, extDigest),
		Issuer: extension(leaf, extIssuer), Workflow: extension(leaf, extConfig), Time: at,
		Predicate: statement.Type, subjects: statement.Subject}
	if b.Workflow == "" {
		b.Workflow = extension(leaf, extSigner)
	}
	if b.Repository == "" || b.Workflow == "" {
		return nil, fmt.Errorf("%w: its certificate names no repository", ErrUnreadable)
	}
	if claimed := workflow(statement.Predicate); claimed != "" && claimed != b.Workflow {
		return nil, fmt.Errorf("it names the workflow %s, and its certificate %s", claimed,
			b.Workflow)
	}
	return b, nil
}

// workflow is what a statement of SLSA claims, as certificates write it; "": nothing.
func workflow(predicate []byte) string {
	var p struct {
		Definition struct { // v1
			External struct {
				Workflow struct {
					Repository, Path, Ref string
				}
			} `json:"externalParameters"`
		} `json:"buildDefinition"`
		Invocation struct { // v0.2
			Source struct {
				URI   string
				Entry string `json:"entryPoint"`
			} `json:"configSource"`
		}
	}
	if json.Unmarshal(predicate, &p) != nil {
		return ""
	}
	if w := p.Definition.External.Workflow; w.Repository != "" {
		return w.Repository + "/" + w.Path + "@" + w.Ref
	}
	repository, ref, ok := strings.Cut(strings.TrimPrefix(p.Invocation.Source.URI, "git+"), "@")
	if !ok || !strings.Contains(p.Invocation.Source.Entry, "/") {
		return "" // not a file of GitHub's
	}
	return repository + "/" + p.Invocation.Source.Entry + "@" + ref
}

// NPMName is how a statement names a version of a package of npm.
func NPMName(name, version string) string {
	return "pkg:npm/" + strings.ReplaceAll(url.PathEscape(name), "%2F", "/") + "@" + version
}

// Covers checks that it is about what is installed. algorithm is sha512 or sha256, digest is
// hexadecimal.
func (b *Built) Covers(name, algorithm, digest string) error {
	if raw, err := hex.DecodeString(digest); err != nil || len(raw) < 32 {
		return errors.New("the archive's digest is none")
	}
	for _, s := range b.subjects {
		switch {
		case strings.ReplaceAll(s.Name, "%40", "@") != strings.ReplaceAll(name, "%40", "@"):
		case !strings.EqualFold(s.Digest[algorithm], digest):
			return fmt.Errorf("it is about another archive of %s", name)
		default:
			return nil
		}
	}
	return fmt.Errorf("it is not about %s", name)
}

// Known reports whether the issuer is one whose workflows are believed.
func (b *Built) Known() bool {
	for _, i := range issuers {
		if b.Issuer == i || strings.HasPrefix(b.Issuer, i+"/") {
			return true
		}
	}
	return false
}

// SameRepository compares it with what a package declares: an address in one of the ways of git or
// npm. "" is none.
func (b *Built) SameRepository(declared string) bool {
	return declared != "" && plain(declared) == plain(b.Repository)
}

// plain is HOST/PATH of a repository, in small letters.
func plain(repository string) string {
	r := strings.ToLower(strings.TrimPrefix(repository, "git+"))
	r, _, _ = strings.Cut(r, "#")
	for _, host := range []string{"github", "gitlab"} {
		r = strings.Replace(r, host+":", "https://"+host+".com/", 1)
	}
	if before, after, ok := strings.Cut(r, "://"); ok && before != "" {
		r = after
	} else if strings.Count(r, "/") == 1 && !strings.ContainsAny(r, ":@.") {
		r = "github.com/" + r // npm's short form
	}
	if _, after, ok := strings.Cut(r, "@"); ok {
		r = strings.Replace(after, ":", "/", 1) // git@host:path
	}
	return strings.TrimSuffix(strings.TrimSuffix(r, "/"), ".git")
}

package packages

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testnet"
)

const host = "registry.example.test"

// file is one entry of a package's archive.
type file struct {
	name, content, link string
	kind                byte
}

// published is a package that the registry has.
type published struct {
	version   string
	manifest  map[string]any
	archived  map[string]any // what the archive's manifest has besides
	files     []file
	integrity string // "" is the right one
	signature string // "" is the right one, if the registry signs; "none" is none
	keyID     string // "" is the registry's
	published time.Time
	attested  func(digest []byte) json.RawMessage // a bundle; nil: none
}

// registry is an npm registry of the test's.
type registry struct {
	*testnet.World
	mu       sync.Mutex
	packages map[string][]published // oldest first
	archives map[string]int         // how often each was asked for
	hang     chan struct{}          // while it is not nil and open, archives do not come
	redirect string                 // archives are there
	wants    string                 // the header Authorization that requests need; "": none
	got      []string               // the headers Authorization that came
	came     chan struct{}          // an archive that hangs was asked for
	key      *ecdsa.PrivateKey
	signs    bool // it signs, and publishes its key
}

const keyID = "SHA256:test"

func newRegistry(t *testing.T) *registry {
	r := &registry{World: testnet.New(t), packages: map[string][]published{},
		archives: map[string]int{},
		came:     make(chan struct{}, 1)}
	var err error
	if r.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	r.serve(t, testnet.Public)
	return r
}

// serve makes the registry answer at an address, which its name leads to from now on.
func (r *registry) serve(t *testing.T, address string) {
	r.Names.Set(host, address)
	server := &http.Server{Handler: r, TLSConfig: r.CA.Server(host),
		ErrorLog: log.New(io.Discard, "", 0)}
	go server.ServeTLS(r.Listen(address+":443"), "", "")
	t.Cleanup(func() { server.Close() })
}

func (r *registry) publish(name string, p published) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.version == "" {
		p.version = "1.0.0"
	}
	if p.manifest == nil {
		p.manifest = map[string]any{}
	}
	p.manifest["name"], p.manifest["version"] = name, p.version
	r.packages[name] = append(slices.DeleteFunc(r.packages[name], func(o published) bool {
		return o.version == p.version
	}), p)
}

func (r *registry) unpublish(name, version string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.packages[name] = slices.DeleteFunc(r.packages[name], func(o published) bool {
		return o.version == version
	})
}

func (r *registry) asked(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.archives[name]
}

func (r *registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	name, archive, isArchive := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/-/")
	r.mu.Lock()
	all := r.packages[name]
	hang, redirect := r.hang, r.redirect
	if isArchive {
		r.archives[name]++
	}
	auth := req.Header.Get("Authorization")
	r.got = append(r.got, auth)
	refused := r.wants != "" && auth != r.wants
	r.mu.Unlock()
	switch {
	case refused:
		http.Error(w, "{}", http.StatusUnauthorized)
	case req.URL.Path == "/-/npm/v1/keys" && r.signs:
		der, _ := x509.MarshalPKIXPublicKey(&r.key.PublicKey)
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{
			"keyid": keyID, "keytype": "ecdsa-sha2-nistp256", "expires": nil,
			"key": base64.StdEncoding.EncodeToString(der)}}})
	case strings.HasPrefix(req.URL.Path, "/-/npm/v1/attestations/"):
		r.attestation(w, strings.TrimPrefix(req.URL.Path, "/-/npm/v1/attestations/"))
	case len(all) == 0 && !isArchive:
		r.one(w, strings.TrimPrefix(req.URL.Path, "/"))
	case len(all) == 0:
		http.NotFound(w, req)
	case isArchive && hang != nil:
		select {
		case r.came <- struct{}{}:
		default:
		}
		select {
		case <-hang:
		case <-req.Context().Done():
		}
	case isArchive && redirect != "":
		http.Redirect(w, req, redirect+archive, http.StatusFound)
	case isArchive:
		for _, p := range all {
			if p.version+".tgz" == archive {
				_, _ = w.Write(p.archive())
			}
		}
	default:
		w.Header().Set("Content-Type", "application/json")
		versions, times := map[string]any{}, map[string]any{}
		for _, p := range all {
			versions[p.version], times[p.version] = r.document(p, name, p.archive())
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"name": name, "versions": versions,
			"maintainers": []map[string]string{{"name": "acme"}}, "time": times,
			"dist-tags": map[string]any{"latest": all[len(all)-1].version}})
	}
}

// document is what the registry says about a version, and when it was published.
func (r *registry) document(p published, name string, archive []byte) (version map[string]any,
	at string) {
	sum := sha512.Sum512(archive)
	integrity := "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
	if p.integrity != "" {
		integrity = p.integrity
	}
	version = map[string]any{}
	for k, v := range p.manifest {
		version[k] = v
	}
	if scripts, ok := p.manifest["scripts"].(map[string]any); ok && scripts["postinstall"] != nil {
		version["hasInstallScript"] = true
	}
	dist := map[string]any{"integrity": integrity,
		"tarball": "https://" + host + "/" + name + "/-/" + p.version + ".tgz"}
	version["dist"] = dist
	if r.signs && p.signature != "none" {
		digest := sha256.Sum256([]byte(name + "@" + p.version + ":" + integrity))
		sig, _ := ecdsa.SignASN1(rand.Reader, r.key, digest[:])
		dist["signatures"] = []any{map[string]any{"keyid": cmp.Or(p.keyID, keyID),
			"sig": cmp.Or(p.signature, base64.StdEncoding.EncodeToString(sig))}}
	}
	published := p.published
	if published.IsZero() {
		published = time.Now().AddDate(-1, 0, 0)
	}
	return version, published.UTC().Format(time.RFC3339)
}

func (p published) archive() []byte {
	all := maps.Clone(p.manifest)
	maps.Copy(all, p.archived)
	manifest, _ := json.Marshal(all)
	return tarball(0o755, append([]file{
		{name: "package/package.json", content: string(manifest)}}, p.files...))
}

// attestation answers for NAME@VERSION.
func (r *registry) attestation(w http.ResponseWriter, spec string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, all := range r.packages {
		for _, p := range all {
			if spec == name+"@"+p.version && p.attested != nil {
				sum := sha512.Sum512(p.archive())
				_ = json.NewEncoder(w).Encode(map[string]any{"attestations": []any{map[string]any{
					"predicateType": "https://slsa.dev/provenance/v1",
					"bundle":        p.attested(sum[:])}}})
				return
			}
		}
	}
	http.Error(w, "{}", http.StatusNotFound)
}

// one answers for NAME/VERSION.
func (r *registry) one(w http.ResponseWriter, spec string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, all := range r.packages {
		for _, p := range all {
			if spec == name+"/"+p.version {
				version, _ := r.document(p, name, p.archive())
				_ = json.NewEncoder(w).Encode(version)
				return
			}
		}
	}
	http.Error(w, "{}", http.StatusNotFound)
}

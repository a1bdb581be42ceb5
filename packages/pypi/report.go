package pypi

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/mcpbox/mcpbox/packages/runner"
)

// Script runs pip inside. Its argument is a Request as JSON, and its output a Report.
//
//go:embed install.py
var Script string

// Request is what Script is asked to do.
type Request struct {
	Specs   []string `json:"specs"`   // of pip: NAME, NAME==1.2; the first one is asked for
	Name    string   `json:"name"`    //
	Site    string   `json:"site"`    // the folder that packages go to
	Final   string   `json:"final"`   // where this folder is when a program runs
	Indexes []string `json:"indexes"` // with ${NAME} for variables
	CA      string   `json:"ca"`      // a file; "" is Python's own list
	Build   bool     `json:"build"`   // source archives may be built, which runs their code
}

// Report is what Script did.
type Report struct {
	Failed   bool        `json:"failed"`
	Source   bool        `json:"source"`  // failed, and the index has source archives
	Refused  bool        `json:"refused"` // an index asks for other credentials
	Said     string      `json:"said"`    // by pip
	Packages []Installed `json:"packages"`
	// Versions of the package that was asked for, with the reasons why they were withdrawn.
	Versions map[string]string `json:"versions"`
}

// Installed is one package.
type Installed struct {
	Name      string            `json:"name"`
	Version   string            `json:"version"`
	File      string            `json:"file"`    // the name of its archive
	SHA256    string            `json:"sha256"`  // of the archive, hexadecimal
	Indexed   map[string]string `json:"indexed"` // hashes of the archive, as the index says them
	Yanked    any               `json:"yanked"`  // a reason, or true
	Published string            `json:"published"`
	// what the index says of the origin of the package that was asked for (PEP 740); null: nothing
	Provenance json.RawMessage `json:"provenance"`
	Requested  bool            `json:"requested"`
	Elsewhere  []string        `json:"elsewhere"` // indexes that have the name, and not this file
	Author     string          `json:"author"`
	Maintainer string          `json:"maintainer"`
}

// ReadReport reads the output of Script.
func ReadReport(output []byte) (*Report, error) {
	r := &Report{}
	if err := json.Unmarshal(output, r); err != nil {
		return nil, errors.New("pip's report can't be read")
	}
	return r, nil
}

// Check compares the archive with what the index says of it.
func (i *Installed) Check() error {
	switch want := i.Indexed["sha256"]; {
	case i.SHA256 == "":
		return fmt.Errorf("%s did not come from an archive of the index", i.Name)
	case want == "":
		return fmt.Errorf("the index gives no sha256 for %s", i.File)
	case !strings.EqualFold(want, i.SHA256):
		return fmt.Errorf("the index gives another sha256 for %s", i.File)
	}
	return nil
}

// Attested reports that the index has an attestation.
func (i *Installed) Attested() bool {
	return len(i.Provenance) > 0 && string(i.Provenance) != "null"
}

// Withdrawn is why the index withdrew the version; "": it did not.
func (i *Installed) Withdrawn() string {
	switch why := i.Yanked.(type) {
	case string:
		if why == "" {
			return "no reason given" // data-yanked without a value
		}
		return why
	case bool:
		if why {
			return "no reason given"
		}
	}
	return ""
}

// Spec is a requirement as pip takes it. uvx writes NAME@VERSION for ==.
func Spec(r *runner.Request) string {
	spec := r.Spec()
	if at := strings.LastIndexByte(spec, '@'); at > 0 {
		return spec[:at] + "==" + spec[at+1:]
	}
	return spec
}

package learn

import (
	"fmt"
	"io"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/audit"
)

// Evaluation counts what rules decide about labelled records. A malicious record that is refused is
// a true positive.
type Evaluation struct {
	Records        int `json:"records"`
	TruePositives  int `json:"true_positives"`  // malicious, refused
	FalsePositives int `json:"false_positives"` // benign, refused
	TrueNegatives  int `json:"true_negatives"`  // benign, allowed
	FalseNegatives int `json:"false_negatives"` // malicious, allowed
	// malicious share of the refused records; null: none was refused
	Precision *float64 `json:"precision"`
	// refused share of the malicious records; null: none was malicious
	Recall *float64  `json:"recall"`
	Wrong  []Mistake `json:"wrong"`
}

// Mistake is a record with a wrong decision.
type Mistake struct {
	Line   int    `json:"line"`
	Label  string `json:"label"`
	Server string `json:"server"`
	Tool   string `json:"tool"`
	Layer  string `json:"layer,omitempty"`
	Reason string `json:"reason,omitempty"` // of the refusal
}

// Evaluate applies rules to labelled records. A line has one of the proxy's records as a JSON
// object, with a label: benign or malicious. Server rules that name a program are left out.
func Evaluate(set *access.Set, r io.Reader) (*Evaluation, error) {
	records, bad, err := readLabelled(r)
	if err != nil {
		return nil, err
	}
	if len(bad) > 0 {
		return nil, hint.Errorf("every line must be a record that --audit wrote, with a label",
			"line %d: %s",
			bad[0].Line, bad[0].Why)
	}
	set = set.WithoutProgramRules() // a record doesn't say which program the server was
	e := &Evaluation{Records: len(records), Wrong: []Mistake{}}
	for _, rec := range records {
		v, err := Judge(set, rec.Record)
		if err != nil {
			return nil, hint.Errorf("use records of tools/call, resources/read and prompts/get",
				"line %d: %w", rec.line, err)
		}
		switch rec.Label {
		case "malicious":
			e.count(!v.Allowed, &e.TruePositives, &e.FalseNegatives, rec, v)
		case "benign":
			e.count(v.Allowed, &e.TrueNegatives, &e.FalsePositives, rec, v)
		default:
			return nil, hint.Errorf(`add "label": "benign" or "label": "malicious"`,
				"line %d: unknown label %q", rec.line, rec.Label)
		}
	}
	e.Precision = ratio(e.TruePositives, e.TruePositives+e.FalsePositives)
	e.Recall = ratio(e.TruePositives, e.TruePositives+e.FalseNegatives)
	return e, nil
}

func (e *Evaluation) count(right bool, yes, no *int, rec Labelled, v access.Verdict) {
	if right {
		*yes++
		return
	}
	*no++
	e.Wrong = append(e.Wrong, Mistake{rec.line, rec.Label, rec.Server, rec.Tool, string(v.Layer),
		v.Reason})
}

func ratio(part, whole int) *float64 {
	if whole == 0 {
		return nil
	}
	r := float64(part) / float64(whole)
	return &r
}

// Judge is the verdict that rules give on a recorded call. An error: the record is of no kind that
// rules judge. Rules that name a program are the caller's to leave out.
func Judge(set *access.Set, r audit.Record) (access.Verdict, error) {
	item := access.Item{Server: r.Server, Version: r.Version, Name: r.Tool}
	switch r.Method {
	case "tools/call":
		item.Kind = access.KindTool
	case "resources/read", "resources/subscribe", "resources/unsubscribe":
		item.Kind = access.KindResource
	case "prompts/get":
		item.Kind = access.KindPrompt
	default:
		return access.Verdict{}, fmt.Errorf("no rule applies to the method %q", r.Method)
	}
	if v := set.Check(item); !v.Allowed || item.Kind != access.KindTool {
		return v, nil
	}
	if r.Cut && set.HasParameters(r.Server, r.Tool) {
		return access.Verdict{Layer: access.LayerParameter,
			Reason: "the record's arguments were cut"}, nil
	}
	return set.CheckArguments(item, access.NewArguments(r.Arguments), nil), nil
}

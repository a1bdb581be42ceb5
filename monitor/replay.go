package monitor

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

// Labels that a person adds to events for Replay.
const (
	Malicious = "malicious"
	Benign    = "benign"
)

// Score says what one rule decides about recorded events.
type Score struct {
	ID         string `json:"id"`
	Hits       int    `json:"hits"`
	Malicious  int    `json:"malicious"`  // of these
	Benign     int    `json:"benign"`     // of these
	Unlabelled int    `json:"unlabelled"` // of these
	Skipped    string `json:"skipped,omitempty"`
}

// Replayed says what rules would have done. A sandbox counts as malicious if one of its events is.
type Replayed struct {
	Events int     `json:"events"`
	Bad    int     `json:"bad_lines"`
	Rules  []Score `json:"rules"`
	Caught int     `json:"malicious_sandboxes_caught"`
	Missed int     `json:"malicious_sandboxes_missed"`
	False  int     `json:"benign_sandboxes_caught"`
	Right  int     `json:"benign_sandboxes_left_alone"`
	// malicious share of the labelled events that were caught; null: none was caught
	Precision *float64 `json:"precision"`
	// caught share of the malicious events; null: there are none
	Recall *float64 `json:"recall"`
}

// recorded is a line of an event log, with the label that a person has added.
type recorded struct {
	Event
	Client string `json:"client"` // as the daemon's events have them
	Caller string `json:"caller"`
	Label  string `json:"label"`
}

// Replay applies rules to recorded events, one JSON object a line, as sinks write them. Lines may
// have a label, malicious or benign. Time windows use the events' times, for each sandbox
// separately. Rules about usage and files are skipped, because event logs do not have these.
func Replay(rules []policies.Rule, r io.Reader) (*Replayed, error) {
	if _, err := compileRules(rules); err != nil {
		return nil, err
	}
	p := &replay{out: &Replayed{Rules: make([]Score, len(rules))}, rules: rules,
		of: map[string]*replayedBox{}, counts: map[string]int{}}
	for i, rule := range rules {
		p.out.Rules[i].ID = rule.ID
	}
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := p.line(line); err != nil {
				return nil, err
			}
		}
		if errors.Is(err, io.EOF) {
			return p.sum(), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

type replay struct {
	out    *Replayed
	rules  []policies.Rule
	of     map[string]*replayedBox
	counts map[string]int // by event: its lines repeat with a growing count
}

// replayedBox has the state of one sandbox's rules.
type replayedBox struct {
	rules  []*rule
	label  string
	caught bool
	events map[string]bool // by rule and event: all lines of an event are one hit
}

func (p *replay) line(text []byte) error {
	var e recorded
	if len(text) > MaxLine || json.Unmarshal(text, &e) != nil || !e.Type.Valid() {
		p.out.Bad++
		return nil
	}
	if e.Label != "" && e.Label != Malicious && e.Label != Benign {
		return hint.Errorf(`add "label": "benign" or "label": "malicious"`, "unknown label %q",
			Printable(e.Label, maxName))
	}
	box := p.of[e.Sandbox]
	if box == nil {
		rules, err := compileRules(p.rules)
		if err != nil {
			return err
		}
		box = &replayedBox{rules: rules, events: map[string]bool{}}
		p.of[e.Sandbox] = box
	}
	if box.label != Malicious && e.Label != "" {
		box.label = e.Label
	}
	before := p.counts[e.ID]
	more := max(e.Count, 1) - before
	if e.ID == "" {
		more = max(e.Count, 1)
	}
	if more <= 0 {
		return nil
	}
	if before == 0 || e.ID == "" {
		p.out.Events++
	}
	p.counts[e.ID] = max(e.Count, 1)
	for i, rule := range box.rules {
		p.ask(box, i, rule, e, more)
	}
	return nil
}

// ask counts a hit of a rule. The rule does not see changes that rules made when the event was
// recorded.
func (p *replay) ask(box *replayedBox, i int, rule *rule, e recorded, more int) {
	score := &p.out.Rules[i]
	if rule.about != aboutEvents {
		score.Skipped = "event logs have no usage and no changes of files"
		return
	}
	refused := e.Type
	if refused.refusal() {
		refused = SyscallBlocked
	}
	rule.origin = func() Origin { return Origin{e.Client, e.Caller} }
	if !rule.matches(e.Event, refused) {
		return
	}
	if rule.own() {
		at := e.Time
		if at.IsZero() {
			at = time.Unix(0, 0)
		}
		if !rule.window.add(at, more) {
			return
		}
	} else {
		key := rule.id + "\x00" + e.ID
		if e.ID != "" && box.events[key] {
			return
		}
		box.events[key] = true
	}
	box.caught = true
	score.Hits++
	switch e.Label {
	case Malicious:
		score.Malicious++
	case Benign:
		score.Benign++
	default:
		score.Unlabelled++
	}
}

func (p *replay) sum() *Replayed {
	for _, box := range p.of {
		switch {
		case box.label == Malicious && box.caught:
			p.out.Caught++
		case box.label == Malicious:
			p.out.Missed++
		case box.label == Benign && box.caught:
			p.out.False++
		case box.label == Benign:
			p.out.Right++
		}
	}
	p.out.Precision = share(p.out.Caught, p.out.Caught+p.out.False)
	p.out.Recall = share(p.out.Caught, p.out.Caught+p.out.Missed)
	return p.out
}

func share(part, whole int) *float64 {
	if whole == 0 {
		return nil
	}
	out := float64(part) / float64(whole)
	return &out
}

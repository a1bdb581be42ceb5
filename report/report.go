package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/plural"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// Report assesses a run: the risk, the reasons, and what to do.
type Report struct {
	ID              string           `json:"execution_id,omitempty"`
	Policy          string           `json:"policy,omitempty"`
	Status          string           `json:"status,omitempty"`
	Run             *Run             `json:"run,omitempty"` // nil for a log of events
	Risk            monitor.Severity `json:"risk"`
	Reasons         []Reason         `json:"reasons"` // worst first
	Recommendations []Recommendation `json:"recommendations"`
	Network         []Reached        `json:"network,omitempty"`
	Events          []monitor.Event  `json:"events"`
	Stats           monitor.Stats    `json:"event_stats"`
}

// Reason is one cause of the risk level.
type Reason struct {
	Risk   monitor.Severity `json:"risk"`
	Text   string           `json:"text"`
	Events []string         `json:"events,omitempty"` // ids
}

// Recommendation is one thing to do, and the events that are the cause.
type Recommendation struct {
	Text   string   `json:"text"`
	Events []string `json:"events,omitempty"`
}

// New assesses r. The risk is that of the worst reason; without a reason it is low.
func New(r View) Report {
	rep := Report{
		ID: r.ID, Policy: r.Policy, Status: r.Status, Risk: monitor.Low, Stats: r.Stats,
		Network: r.Network,
		Reasons: []Reason{}, Recommendations: []Recommendation{}, Events: make([]monitor.Event, 0,
			len(r.Events)),
	}
	if r.Time > 0 {
		rep.Run = &Run{r.Command, r.ExitCode, r.Signal, r.Time, r.CPUTime, r.Memory, r.Processes,
			r.Limits}
	}
	for _, e := range r.Events {
		if e = monitor.Bound(e); !e.Severity.Valid() { // a result file may come from anywhere
			e.Severity = monitor.Medium
		}
		rep.Events = append(rep.Events, e)
	}
	rep.eventReasons()
	rep.layerReasons(r)
	rep.lossReasons(r.Stats)
	if r.Status == "setup_error" {
		rep.reason(monitor.Low, "the sandbox did not start: nothing ran", "")
		rep.recommend("run `mcpbox doctor`: it shows what this host lacks and how to fix it", "")
	}
	slices.SortStableFunc(rep.Reasons, func(a, b Reason) int {
		return b.Risk.Compare(a.Risk)
	})
	for _, why := range rep.Reasons {
		rep.Risk = monitor.Worse(rep.Risk, why.Risk)
	}
	return rep
}

// eventReasons makes one reason of all events with the same text, and one recommendation of equal
// hints.
func (rep *Report) eventReasons() {
	worst := slices.SortedStableFunc(slices.Values(rep.Events),
		func(a, b monitor.Event) int { return b.Severity.Compare(a.Severity) })
	for _, e := range worst {
		rep.reason(e.Severity, eventReason(e), e.ID)
		switch {
		case e.Type == monitor.PermissionDenied && strings.HasPrefix(e.Rule, monitor.RuleMCP):
			rep.recommend(refusedCall(e), e.ID)
		case e.Type == monitor.EscapeAttempt, e.Type != monitor.SuspiciousBehavior &&
			e.Hint == "" &&
			e.Severity.AtLeast(monitor.Medium):
			rep.recommend("find out why the tool did this before you run it again", e.ID)
		case e.Rule == "builtin:event-flood":
			rep.recommend("treat the log of this run as incomplete", e.ID)
		case e.Type == monitor.SuspiciousBehavior:
			rep.recommend("check whether the tool is meant to do this; a stricter policy, or a "+
				"rule with action: kill, stops it earlier", e.ID)
		case e.Hint != "":
			rep.recommend("if the tool is meant to do this, "+strings.TrimPrefix(e.Hint, "to "),
				e.ID)
		}
	}
}

// refusedCall is the advice for a message that the proxy refused: it came from the agent, not from
// the tool.
func refusedCall(e monitor.Event) string {
	if e.Hint == "" {
		return "find out what made the agent send this"
	}
	return "if the agent is meant to do this, " + strings.TrimPrefix(e.Hint, "to ")
}

func eventReason(e monitor.Event) string {
	why := cmp.Or(e.Reason, string(e.Type))
	if e.Syscall != nil {
		why = e.Syscall.Name + ": " + why
	}
	return strings.ReplaceAll(string(e.Type), "_", " ") + ": " + why
}

func (rep *Report) reason(risk monitor.Severity, why, id string) {
	for i := range rep.Reasons {
		if r := &rep.Reasons[i]; r.Text == why {
			r.Risk = monitor.Worse(r.Risk, risk)
			r.Events = append(r.Events, ids1(id)...)
			return
		}
	}
	rep.Reasons = append(rep.Reasons, Reason{risk, why, ids1(id)})
}

func (rep *Report) recommend(what, id string) {
	for i := range rep.Recommendations {
		if r := &rep.Recommendations[i]; r.Text == what {
			r.Events = append(r.Events, ids1(id)...)
			return
		}
	}
	rep.Recommendations = append(rep.Recommendations, Recommendation{what, ids1(id)})
}

func ids1(id string) []string {
	if id == "" {
		return nil
	}
	return []string{id}
}

// layerReasons adds the layers and limits that were not enforced: nothing watched them either.
func (rep *Report) layerReasons(r View) {
	for _, l := range slices.Sorted(maps.Keys(r.Layers)) {
		state := r.Layers[l]
		switch {
		case state == "enforced":
		case state == "off" && l != policies.LayerSeccomp && l != policies.LayerRootfs &&
			l != policies.LayerUserNamespace:
			// the policy asked for it
		case state == "off":
			rep.reason(monitor.High, fmt.Sprintf("the layer %s was off: the policy does not ask "+
				"for it", l),
				"")
			rep.recommend("use the preset standard or a stricter one", "")
		default:
			rep.reason(missingRisk(l), fmt.Sprintf("the layer %s was not enforced (%s)", l,
				text(state, maxName)), "")
			rep.recommend("run `mcpbox doctor`: it shows what this host lacks and how to fix it",
				"")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Limits)) {
		if l := r.Limits[name]; l.Value != 0 && (l.Backend == "" || l.Backend == "none") {
			rep.reason(monitor.Medium, fmt.Sprintf("the limit %s was not enforced", text(name,
				maxName)),
				"")
			rep.recommend("run `mcpbox doctor`: it shows what this host lacks and how to fix it",
				"")
		}
	}
}

// missingRisk is medium for layers that have a fallback, high for the others.
func missingRisk(l policies.Layer) monitor.Severity {
	switch l {
	case policies.LayerLandlock, policies.LayerCgroupLimits, policies.LayerCgroupNamespace,
		policies.LayerUTSNamespace:
		return monitor.Medium
	}
	return monitor.High
}

func (rep *Report) lossReasons(s monitor.Stats) {
	if s.Dropped > 0 {
		rep.reason(monitor.High, fmt.Sprintf("%d of %d events were counted but not recorded",
			s.Dropped,
			s.Seen), "")
		rep.recommend("treat the log of this run as incomplete", "")
	}
	if s.Forgotten > 0 {
		rep.reason(monitor.Low, plural.Of(s.Forgotten,
			"earlier event")+" are only in the event log", "")
	}
	if s.LinesLost > 0 {
		rep.reason(monitor.Medium, plural.Of(s.LinesLost, "line")+" of the event log were lost", "")
		rep.recommend("write the event log to a disk with free space, or read it faster", "")
	}
	for _, w := range s.Warnings {
		rep.reason(monitor.Medium, "event log: "+text(w, maxText), "")
	}
}

package invariant

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/bootrace/bootrace/harness/history"
)

// Verdict is what can be said.
type Verdict string

// The verdicts.
const (
	Held         Verdict = "held"
	Violated     Verdict = "violated"
	Inconclusive Verdict = "inconclusive"
)

// Worse returns the verdict that decides for both: a violation is certain, whatever else could not be judged.
func (v Verdict) Worse(o Verdict) Verdict {
	for _, w := range []Verdict{Violated, Inconclusive} {
		if v == w || o == w {
			return w
		}
	}
	return Held
}

// Violation is one promise that was not kept.
type Violation struct {
	Invariant string        `json:"invariant"`
	Workspace int           `json:"workspace,omitempty"` // its number in the plan; 0 where it is about none
	At        history.Time  `json:"at"`                  // when the promise was broken for good
	Since     history.Time  `json:"since"`               // when it began to be owed
	What      string        `json:"what"`
	Expected  string        `json:"expected"`
	Bound     time.Duration `json:"bound,omitempty"`
	// Due is from when on the controller had to act, where that is later than Since: a machine that was slow before it excuses
	// nothing.
	Due history.Time `json:"due,omitempty"`
}

// Finding is an invariant's verdict on a history.
type Finding struct {
	Invariant  string      `json:"invariant"`
	Verdict    Verdict     `json:"verdict"`
	Checked    int         `json:"checked"` // how many times the promise was owed
	Violations []Violation `json:"violations,omitempty"`
	// Why says what the invariant needs and the target does not show, where that makes the finding inconclusive.
	Why string `json:"why,omitempty"`
}

// Judgement is everything that can be said of a history.
type Judgement struct {
	Verdict  Verdict   `json:"verdict"`
	Findings []Finding `json:"findings"`
	// Doubts are why the run proves less than it was meant to.
	Doubts []string `json:"doubts,omitempty"`
	// Slow says how slow the machine was, where it was and time was the wall clock's.
	Slow *Slowness `json:"slow,omitempty"`
}

// together is how far apart two violations may be that one act brings about: a move, its reply and its entry in the log.
const together = time.Second

// First returns the violation to look at first: the earliest, since what comes later may follow from it, and of those that
// were broken at the same moment the one that says most exactly what went wrong. It returns nil where all held.
func (j *Judgement) First() *Violation {
	var first *Violation
	for i := range j.Findings {
		if j.Findings[i].Invariant == linearizable.Name {
			continue // it tells from replies that something is wrong, and not what: it comes after all that says more
		}
		for k := range j.Findings[i].Violations {
			if x := &j.Findings[i].Violations[k]; first == nil || x.At < first.At {
				first = x
			}
		}
	}
	if first == nil {
		return j.only(linearizable.Name)
	}
	until := first.At + history.Time(together)
	for _, name := range blameOrder {
		for i := range j.Findings {
			f := &j.Findings[i]
			if f.Invariant != name {
				continue
			}
			for k := range f.Violations {
				if x := &f.Violations[k]; x.At <= until {
					return x
				}
			}
		}
	}
	return first
}

// only returns the first violation of the invariant, or nil.
func (j *Judgement) only(name string) *Violation {
	for i := range j.Findings {
		if f := &j.Findings[i]; f.Invariant == name && len(f.Violations) > 0 {
			return &f.Violations[0]
		}
	}
	return nil
}

// Following returns the violations of the first one's workspace beside it, in the order in which they were broken: what may
// follow from it.
func (j *Judgement) Following() []Violation {
	first := j.First()
	if first == nil {
		return nil
	}
	var all []Violation
	for i := range j.Findings {
		for k := range j.Findings[i].Violations {
			if x := &j.Findings[i].Violations[k]; x != first && x.Workspace == first.Workspace {
				all = append(all, *x)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Violation) int { return cmp.Compare(a.At, b.At) })
	return all
}

// Unjudged returns the findings that are inconclusive since the target does not show what they need.
func (j *Judgement) Unjudged() []Finding {
	var unjudged []Finding
	for _, f := range j.Findings {
		if f.Why != "" {
			unjudged = append(unjudged, f)
		}
	}
	return unjudged
}

// Violations returns all of them, in the order of the findings.
func (j *Judgement) Violations() []Violation {
	var all []Violation
	for _, f := range j.Findings {
		all = append(all, f.Violations...)
	}
	return all
}

func clock(t time.Duration) string {
	sign := "+"
	if t < 0 {
		sign, t = "-", -t
	}
	t = t.Round(100 * time.Millisecond)
	h, m, s := int(t.Hours()), int(t.Minutes())%60, t.Seconds()-60*float64(int(t.Minutes()))
	if h > 0 {
		return fmt.Sprintf("%s%d:%02d:%04.1f", sign, h, m, s)
	}
	return fmt.Sprintf("%s%02d:%04.1f", sign, m, s)
}

// Clock writes a time since the start of a run, such as +11:42.3.
func Clock(t history.Time) string { return clock(t.D()) }

// Span writes how long something took, such as 1m42s, as exactly as anybody wants to read.
func Span(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return padded(d.Round(time.Second))
	}
}

// padded writes whole minutes as 10m, and others as 10m02s: digits stand still where spans stand below one another.
func padded(d time.Duration) string {
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case h > 0 && s > 0:
		return fmt.Sprintf("%dh%02dm%02ds", h, m, s)
	case h > 0 && m > 0:
		return fmt.Sprintf("%dh%02dm", h, m)
	case h > 0:
		return fmt.Sprintf("%dh", h)
	case s > 0:
		return fmt.Sprintf("%dm%02ds", m, s)
	default:
		return fmt.Sprintf("%dm", m)
	}
}

package invariant

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/plan"
)

// What can be said of a world that does not see everything.

// blind reports whether the plan's world cannot see events of the kind.
func blind(p *plan.Plan, k history.Kind) bool {
	return p.Live != nil && slices.Contains(p.Live.Unseen, k.String())
}

// polled reports whether moves have to be told from readings, since the rows themselves are out of sight.
func polled(p *plan.Plan) bool { return blind(p, history.Move) && !blind(p, history.Reading) }

// Seen returns the history with moves where its world could not see them: each is told from two readings that differ, or
// from the reply to a call that begins another boot, or removes. Such a move has a Sent: it took place after that, and by
// its At. What the world saw by itself is returned as it is.
func Seen(p *plan.Plan, h *history.History) *history.History {
	if !polled(p) {
		return h
	}
	t := &teller{plan: p, spaces: make([]told, len(p.Workspaces)+1)}
	for i := range h.Events {
		t.event(&h.Events[i])
	}
	return &history.History{Events: t.events}
}

// teller tells moves from readings.
type teller struct {
	plan   *plan.Plan
	spaces []told
	events []history.Event
}

// told is what is known of one workspace so far.
type told struct {
	status lifecycle.Status
	inc    int
	begun  int          // boots that the operator was granted
	rests  bool         // put aside by the operator, who was granted it
	last   history.Time // when the last reading was asked for

	before lifecycle.Status // what it was before that
	asked  history.Time     // when what told so was asked for
	by     history.Time     // and by when it was told
}

// late reports whether the reading was asked for before it was known what the workspace is by now, and shows what it was before:
// the one was overtaken by the other. Of what one look has told the order is known.
func (s *told) late(e *history.Event) bool {
	return e.Sent > 0 && e.Sent < s.by && e.Sent != s.asked && (e.To == s.before || s.before == lifecycle.None)
}

func (t *teller) event(e *history.Event) {
	if e.WS >= 1 && e.WS < len(t.spaces) {
		switch {
		case e.Kind == history.Reading && e.To != lifecycle.None:
			t.read(e)
		case e.Kind == history.Call && e.Actor == history.ActorOperator && e.Code/100 == 2:
			t.claim(e)
		}
	}
	t.events = append(t.events, *e)
}

func (t *teller) read(e *history.Event) {
	s := &t.spaces[e.WS]
	if e.To != s.status && !s.late(e) {
		t.move(s, e, s.last, e.To, e.Cause)
	}
	s.last = cmp.Or(e.Sent, e.At)
}

// claim takes the reply to a call of the operator's for a move, where nothing but that call can have made it.
func (t *teller) claim(e *history.Event) {
	s := &t.spaces[e.WS]
	to := lifecycle.None
	switch e.Call {
	case "create":
		if s.status == lifecycle.None {
			to.UnmarshalText([]byte(e.Says)) //nolint:errcheck // a status that nobody knows is none
		}
	case "restart":
		to = lifecycle.Provisioning
	case "resume":
		to = lifecycle.Provisioning
		if t.plan.Workspaces[e.WS-1].External {
			to = lifecycle.AwaitingAgent
		}
	case "delete":
		if s.status != lifecycle.Removed { // which a reading may have shown before
			to = lifecycle.Removed
		}
	}
	t.reaches(e)
	if to == lifecycle.None {
		return
	}
	if to == lifecycle.Provisioning {
		s.begins()
	}
	t.move(s, e, e.Sent, to, "")
	t.events[len(t.events)-1].By = e.Call
}

// begins counts a boot that was granted, which a reading may have shown already.
func (s *told) begins() {
	s.begun++
	s.inc = max(s.inc, s.begun)
}

// reaches takes over what the reply to a call says of all below the workspace that the call is about: who of them was put aside,
// and who of those boots again. Where they are then, readings tell.
func (t *teller) reaches(e *history.Event) {
	own := &t.spaces[e.WS]
	switch e.Call {
	case "pause", "hibernate":
		own.rests = true
	case "restart", "resume", "delete":
		own.rests = false
	}
	if e.Call != "pause" && e.Call != "resume" {
		return
	}
	for _, n := range t.plan.Below(e.WS) {
		s := &t.spaces[n]
		switch {
		case e.Call == "pause":
			s.rests = s.status != lifecycle.None && s.status != lifecycle.Removed
		case s.rests && !t.plan.Workspaces[n-1].External:
			s.rests = false
			s.begins()
		}
	}
}

func (t *teller) move(s *told, e *history.Event, after history.Time, to lifecycle.Status, cause string) {
	s.inc = max(s.inc, 1, e.Inc)
	t.events = append(t.events, history.Event{
		At: e.At, Kind: history.Move, WS: e.WS, Inc: s.inc, Sent: max(after, 1), From: s.status, To: to, Cause: cause,
	})
	s.before, s.asked, s.by = s.status, e.Sent, e.At
	s.status = to
}

// earliest is when the move may have taken place at the earliest; its At is the latest.
func (v *View) earliest(m *history.Event) time.Duration {
	if m.Sent > 0 {
		return m.Sent.D()
	}
	return m.At.D() - v.tolerance
}

// knownAt returns when what is so at the time is known: at once where moves are seen, and otherwise with the first reading
// that was asked for after it. It returns false where there is none.
func (v *View) knownAt(s *Space, t time.Duration) (time.Duration, bool) {
	if !v.polled {
		return t, t <= v.End
	}
	for _, r := range s.Readings {
		if cmp.Or(r.Sent, r.At).D() >= t {
			return r.At.D(), true
		}
	}
	return 0, false
}

// told returns the event that must have made a move which was told from readings, or nothing where several could.
func (v *View) told(s *Space, i int) lifecycle.Event {
	m := s.Moves[i]
	switch {
	case m.From == lifecycle.Provisioning && m.To == lifecycle.Failed:
		began := s.began(i)
		if began == nil || m.At.D()-v.earliest(began) < v.budget(s)-v.trip() || s.failedByOthers(m) {
			return lifecycle.NoEvent
		}
		return lifecycle.ProvisionTimeout
	case v.Table.Converged(m.From) && m.To == lifecycle.Offline:
		return lifecycle.Silence
	case m.By == "restart":
		return lifecycle.Restart
	case m.By == "delete":
		return lifecycle.Remove
	default:
		return lifecycle.NoEvent
	}
}

// began returns the move that began the boot which the i-th move ended.
func (s *Space) began(i int) *history.Event {
	for j := i - 1; j >= 0; j-- {
		if s.Moves[j].To == lifecycle.Provisioning {
			return s.Moves[j]
		}
	}
	return nil
}

// failedByOthers reports whether something else than a sweep may have failed the boot by then: the cloud's refusal, or
// somebody who watched it.
func (s *Space) failedByOthers(m *history.Event) bool {
	return slices.ContainsFunc(s.Calls, func(c *history.Event) bool { return c.Call == "bootstrap-failed" && c.Sent <= m.At }) ||
		slices.ContainsFunc(s.Clouds, func(c *history.Event) bool {
			return c.Call == "launch" && c.Inc == m.Inc && (c.Err != "" || c.Code >= 400) && c.Sent <= m.At
		})
}

// mayHaveMoved reports whether a move that was told from readings may have been made by the event.
func (v *View) mayHaveMoved(name string) bool {
	for _, e := range v.Table.Edges() {
		if e.Event.String() != name {
			continue
		}
		for _, s := range v.Spaces {
			if slices.ContainsFunc(s.Moves, func(m *history.Event) bool { return m.From == e.From && m.To == e.To }) {
				return true
			}
		}
	}
	return false
}

// reachable reports whether a workspace can get from one status to another by itself, or by what the operator asked for
// between the times.
func (v *View) reachable(s *Space, from, to lifecycle.Status, since, until history.Time) bool {
	asked, above := map[string]bool{}, map[string]bool{}
	ask := func(of *Space, into map[string]bool) {
		for _, c := range of.Asked {
			if c.Sent <= until && (c.Code == 0 || c.At >= since) && c.Code/100 != 4 {
				into[c.Call] = true
			}
		}
	}
	ask(s, asked)
	for _, n := range v.Plan.Above(s.Number) {
		ask(v.Spaces[n-1], above)
	}
	called := slices.ContainsFunc(s.Calls, func(c *history.Event) bool {
		return agents(c.Call) && c.Actor == history.ActorAgent && c.Sent <= until && c.Code/100 != 4
	})
	allowed := func(e lifecycle.Event) bool {
		return slices.ContainsFunc(v.Table.Licences(e), func(l contract.Licence) bool {
			return l.Rule != "" || agents(l.Call) && called || l.Call == "create" || asked[l.Call] || l.Below && above[l.Call]
		})
	}
	reached := map[lifecycle.Status]bool{from: true}
	for more := true; more; {
		more = false
		for _, e := range v.Table.Edges() {
			if reached[e.From] && !reached[e.To] && allowed(e.Event) {
				reached[e.To], more = true, true
			}
		}
	}
	return reached[to]
}

// replyIsRead is reply-is-state where rows are out of sight: the first reading after a reply must be one to which what the
// reply says can have led.
func replyIsRead(v *View, s *Space, c *history.Event, r *report) bool {
	var says lifecycle.Status
	if c.Actor == history.ActorObserver || says.UnmarshalText([]byte(c.Says)) != nil {
		return false
	}
	for _, reading := range s.Readings {
		if cmp.Or(reading.Sent, reading.At) < c.At+history.Time(v.tolerance) || reading.To == lifecycle.None {
			continue
		}
		r.owed()
		// What was asked for after the reply may have moved it on; the call itself has had its say.
		if v.reachable(s, says, reading.To, c.At+1, reading.At) {
			return false
		}
		r.violated(Violation{
			Workspace: s.Number, Since: c.Sent, At: reading.At,
			What: fmt.Sprintf("the reply to %s at %s says %s, and %s later it is %s, to which nothing leads from there",
				c.Call, Clock(c.At), c.Says, Span((reading.At - c.At).D()), reading.To),
			Expected: "what is stored",
		})
		return true
	}
	return false
}

// outOfSight says, of each kind of event, what a world that cannot see it does not see, and why.
var outOfSight = map[history.Kind]string{
	history.Move:    "the moves of its rows, which are in its own database",
	history.Log:     "its transition log in full, of which the events feed shows the end",
	history.Row:     "what it has stored at the end, credentials included",
	history.Boot:    "the phases of its boots, which run on machines of its own",
	history.Machine: "its machines, which it launches where the harness is not asked",
	history.Cloud:   "its calls to the cloud",
	history.Reading: "what it shows of its workspaces",
	history.Agent:   "its agents, which are not the harness's",
	history.Panic:   "panics, which its server turns into closed connections",
	history.Process: "its process",
	history.Call:    "the calls that it is sent",
}

// missing says what the invariant needs and the plan's world cannot see, or nothing.
func (i *Invariant) missing(p *plan.Plan) string {
	var not []string
	for _, k := range i.needs {
		if blind(p, k) && (k != history.Move || !i.readable || !polled(p)) {
			what := outOfSight[k]
			if what == "" {
				what = "events of the kind " + k.String()
			}
			not = append(not, fmt.Sprintf("%s (%s)", k, what))
		}
	}
	if not == nil {
		return ""
	}
	return "this target does not show " + strings.Join(not, ", nor ")
}

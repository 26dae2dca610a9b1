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
	"github.com/bootrace/bootrace/harness/rules"
)

// What can be said of a world that does not see everything.

// blind reports whether the plan's world cannot see events of the kind.
func blind(p *plan.Plan, k history.Kind) bool {
	return p.Live != nil && slices.Contains(p.Live.Unseen, k.String())
}

// polled reports whether moves have to be told from readings, since the rows themselves are out of sight.
func polled(p *plan.Plan) bool { return blind(p, history.Move) && !blind(p, history.Reading) }

// Seen returns the history with moves where its world could not see them: they are told from readings, from the replies to calls
// that begin another boot, put aside or remove, and from the events feed, in the most innocent order that their times allow.
// Rows that were read count; what only the feed says is believed where the contract allows it, and such a move says so in its
// Phase. A move has a Sent: it took place after that, and by its At. What the world saw by itself is returned as it is.
func Seen(p *plan.Plan, h *history.History) *history.History {
	if !polled(p) {
		return h
	}
	sights := make([][]sight, len(p.Workspaces)+1)
	for i := range h.Events {
		e := &h.Events[i]
		if e.WS < 1 || e.WS >= len(sights) {
			continue
		}
		for _, s := range sightsOf(p, e) {
			sights[s.ws] = append(sights[s.ws], s.sight)
		}
	}
	table := rules.Must(p.Contract)
	steps := newSteps(table)
	var moves []history.Event
	for ws := 1; ws < len(sights); ws++ {
		t := &told{external: p.Workspaces[ws-1].External, number: ws, restarts: table.Policies().RestartsOffline > 0}
		ordered, believed := order(steps, sights[ws])
		moves = append(moves, t.tell(ordered, believed)...)
	}
	slices.SortStableFunc(moves, func(a, b history.Event) int { return cmp.Compare(a.At, b.At) })
	all := make([]history.Event, 0, len(h.Events)+len(moves))
	next := 0
	for _, e := range h.Events {
		for ; next < len(moves) && moves[next].At <= e.At; next++ {
			all = append(all, moves[next])
		}
		all = append(all, e)
	}
	return &history.History{Events: append(all, moves[next:]...)}
}

// Hearsay is the Phase of moves of which nobody but the events feed has told. They explain what rows show, and accuse nobody.
const Hearsay = "hearsay"

// about is a sight of one workspace.
type about struct {
	ws int
	sight
}

// sightsOf returns what the event shows of the workspaces.
func sightsOf(p *plan.Plan, e *history.Event) []about {
	s := sight{from: min(cmp.Or(e.Sent, e.At), e.At), until: e.At, to: e.To, event: e}
	switch {
	case e.Kind == history.Reading && (e.To == lifecycle.None || e.Call == "events"):
		return nil
	case e.Kind == history.Reading && e.Call == history.Feed:
		s.sort = announced
		return []about{{e.WS, s}}
	case e.Kind == history.Reading:
		s.sort = seenRow
		return []about{{e.WS, s}}
	case e.Kind != history.Call || e.Actor != history.ActorOperator || e.Code/100 != 2:
		return nil
	}
	s.sort = granted
	switch e.Call {
	case "create":
		s.to.UnmarshalText([]byte(e.Says)) //nolint:errcheck // a status that nobody knows is none
		if s.to == lifecycle.None {
			return nil
		}
	case "restart", "resume":
		s.to = lifecycle.Provisioning
		if p.Workspaces[e.WS-1].External {
			s.to = lifecycle.AwaitingAgent
		}
	case "delete":
		s.to = lifecycle.Removed
	case "pause":
		s.to, s.sort = lifecycle.Paused, promised
	case "hibernate":
		s.to, s.sort = lifecycle.Hibernating, promised
	default:
		return nil
	}
	all := []about{{e.WS, s}}
	if e.Call == "pause" || e.Call == "resume" {
		for _, n := range p.Below(e.WS) {
			below := s
			if e.Call == "resume" {
				below.sort = widely // who of them rests, and boots again, the reply does not say
			}
			all = append(all, about{n, below})
		}
	}
	return all
}

// told is what is known of one workspace so far.
type told struct {
	number   int
	external bool
	status   lifecycle.Status
	inc      int
	begun    int  // boots that the operator was granted
	rests    bool // put aside by the operator, who was granted it
	restarts bool // its controller restarts it by itself when it is offline
	last     history.Time
	moves    []history.Event
}

// tell makes moves of the sights, which are in order.
func (t *told) tell(ordered []*sight, believed []bool) []history.Event {
	// What came before something else was so by when that was.
	by := make([]history.Time, len(ordered))
	for i := len(ordered) - 1; i >= 0; i-- {
		by[i] = ordered[i].until
		if i+1 < len(ordered) {
			by[i] = min(by[i], by[i+1])
		}
	}
	for i, s := range ordered {
		if s.sort == promised || s.sort == widely || s.sort == granted {
			t.granted(s.event)
		}
		if !believed[i] {
			continue
		}
		switch s.sort {
		case granted:
			t.claim(s, by[i])
		case seenRow, promised:
			if s.to != t.status {
				t.move(s, by[i])
			}
		case announced:
			if s.to != t.status {
				t.move(s, by[i])
				t.moves[len(t.moves)-1].Phase = Hearsay
			}
		case widely:
			continue
		}
		if s.sort == seenRow && len(t.moves) > 0 && t.moves[len(t.moves)-1].Phase == Hearsay {
			t.moves[len(t.moves)-1].Phase = "" // the row says the same
		}
		t.last = max(t.last, s.from)
	}
	return t.moves
}

// granted notes what the operator was granted, about this workspace or one above it: who of those below was put aside, and who
// of those boots again.
func (t *told) granted(e *history.Event) {
	own := e.WS == t.number
	switch {
	case e.Call == "pause" && !own:
		t.rests = t.status != lifecycle.None && t.status != lifecycle.Removed
	case e.Call == "pause", e.Call == "hibernate":
		t.rests = true
	case own:
		t.rests = false
	case e.Call == "resume" && t.rests && !t.external:
		t.rests = false
		t.begins()
	}
}

// claim takes the reply to a call of the operator's for a move.
func (t *told) claim(s *sight, by history.Time) {
	switch {
	case s.event.Call == "create" && t.status != lifecycle.None, s.to == t.status && s.to == lifecycle.Removed:
		return // a reading has shown it before
	case s.to == lifecycle.Provisioning:
		t.begins()
	}
	t.move(s, by)
	t.moves[len(t.moves)-1].By = s.event.Call
}

// begins counts a boot that was granted, which a reading may have shown already.
func (t *told) begins() {
	t.begun++
	t.inc = max(t.inc, t.begun)
}

func (t *told) move(s *sight, by history.Time) {
	if t.restarts && t.status == lifecycle.Offline && s.to == lifecycle.Provisioning && s.sort != granted {
		t.begins()
	}
	if s.sort == seenRow {
		t.inc = max(t.inc, s.event.Inc)
	}
	t.inc = max(t.inc, 1)
	after := t.last
	if s.sort != seenRow {
		after = max(after, s.from)
	}
	t.moves = append(t.moves, history.Event{
		At: by, Kind: history.Move, WS: t.number, Inc: t.inc, Sent: max(min(after, by), history.Time(time.Microsecond)), From: t.status, To: s.to,
		Cause: s.event.Cause,
	})
	t.status = s.to
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
	return slices.ContainsFunc(s.Calls, func(c *history.Event) bool {
		return c.Call == "bootstrap-failed" && mayHaveActed(c) && c.Sent <= m.At
	}) ||
		slices.ContainsFunc(s.Clouds, func(c *history.Event) bool {
			return c.Call == "launch" && c.Inc == m.Inc && (c.Err != "" || c.Code >= 400) && c.Sent <= m.At
		})
}

// mayHaveMoved reports whether a move that was told from readings may have been made by the event. A sweep that gives up or notices
// a silence is known by how long that lasted.
func (v *View) mayHaveMoved(name string) bool {
	if name == lifecycle.ProvisionTimeout.String() || name == lifecycle.Silence.String() {
		return slices.ContainsFunc(v.Spaces, func(s *Space) bool {
			for i := range s.Moves {
				m, began := s.Moves[i], s.began(i)
				due := m.From == lifecycle.Provisioning && m.To == lifecycle.Failed && began != nil && m.At.D()-v.earliest(began) >= v.budget(s)-v.trip()
				if v.told(s, i).String() == name || due && name == lifecycle.ProvisionTimeout.String() {
					return true
				}
			}
			return false
		})
	}
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
			if c.Sent <= until && (c.Code == 0 || c.At >= since) && mayHaveActed(c) {
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
	allowed := func(e rules.Edge) bool {
		return slices.ContainsFunc(v.Table.Licences(e.Event), func(l contract.Licence) bool {
			if l.From != "" && l.From != e.From.String() {
				return false
			}
			return l.Rule != "" || agents(l.Call) && called || l.Call == "create" || asked[l.Call] || (l.Below || v.polled && l.Call == "delete") && above[l.Call]
		})
	}
	reached := map[lifecycle.Status]bool{from: true}
	for more := true; more; {
		more = false
		for _, e := range v.Table.Edges() {
			if reached[e.From] && !reached[e.To] && allowed(e) {
				reached[e.To], more = true, true
			}
		}
	}
	return reached[to]
}

// mayHaveActed reports whether the call may have taken effect: it was granted, or got no clear answer. What was refused did
// nothing, and excuses nothing.
func mayHaveActed(c *history.Event) bool { return c.Code == 0 || c.Code/100 == 2 || c.Code >= 500 }

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
		// Where it was so, and is no longer, whatever changed it is to blame, and not the reply.
		if s.moved(c.Sent.D(), reading.At.D(), func(m *history.Event) bool { return m.To == says && m.From != m.To }) && c.Call != "create" {
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

// strangers says what kept the harness's own agents from being what the run is about: they were never let in, or turned away since
// the harness, from one address, called too often.
func (v *View) strangers() []string {
	if !v.polled {
		return nil
	}
	var doubts []string
	shut, often, wants, asked := 0, 0, 0, 0
	for _, s := range v.Spaces {
		if !s.Plan.External && slices.ContainsFunc(s.Asked, func(c *history.Event) bool { return c.Call == "create" && c.Code/100 == 2 }) {
			wants++
		}
		asked += len(s.Clouds) + len(s.Machines)
		if s.shutOut() {
			shut++
		}
		for _, c := range s.Calls {
			if c.Actor == history.ActorAgent && c.Code == 429 && c.Replica != 0 {
				often++
			}
		}
	}
	if wants > 0 && asked == 0 && !blind(v.Plan, history.Cloud) {
		doubts = append(doubts, fmt.Sprintf("the target asked for no machine here, for any of %s: check the address that it is given for that "+
			"(CP_PROVISION_URL where this serves its control plane, AWS_ENDPOINT_URL where it launches at a fake provider)", plural(wants, "workspace", "workspaces")))
	}
	if shut > 0 {
		doubts = append(doubts, fmt.Sprintf("the agents of %s were never let in: the first register of each was refused, before anybody here had a token",
			plural(shut, "workspace", "workspaces")))
	}
	if often > 0 {
		doubts = append(doubts, fmt.Sprintf("the target refused %s of agents for calling too often (429), which all call from this machine: "+
			"raise its limit, or play less at a time", plural(often, "call", "calls")))
	}
	return doubts
}

// shutOut reports whether no agent of the workspace was ever let in, by a server that had given nobody here a token.
func (s *Space) shutOut() bool {
	refused := false
	for _, c := range s.Calls {
		switch {
		case c.Token || c.Accepted(), c.Call == "register" && !refused && mayHaveActed(c):
			return false // a token, or one whose reply may have been lost
		case c.Actor == history.ActorAgent && (c.Code == 401 || c.Code == 403):
			refused = true
		}
	}
	return refused
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

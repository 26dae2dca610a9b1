package invariant

import (
	"fmt"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/plan"
)

// Explanation says how a violation came about.
type Explanation struct {
	Subject   string `json:"subject"` // "workspace 3 (minimax, claude-code)"
	Timeline  []Line `json:"timeline"`
	Mechanism string `json:"mechanism"`
	Expected  string `json:"expected"`
}

// Explain tells the story of a violation: what happened to its workspace, and the causal chain in a few sentences. All of
// it is read off the history.
func Explain(p *plan.Plan, h *history.History, x *Violation) Explanation {
	return NewView(p, h).Explain(x)
}

// Explain tells the story of a violation of the view's history, as the function does: of many, the history is arranged once.
func (v *View) Explain(x *Violation) Explanation {
	e := Explanation{Subject: "the controller", Mechanism: sentence(x.What), Expected: x.Expected}
	if x.Workspace < 1 || x.Workspace > len(v.Spaces) {
		for _, m := range v.strange {
			if m.Kind == history.Move && m.At == x.At && m.Data != "" {
				e.Mechanism = join(e.Mechanism, fmt.Sprintf("The SQL that made it %s: %s.", m.To, m.Data))
				break
			}
		}
		return e
	}
	s := v.Spaces[x.Workspace-1]
	e.Subject = fmt.Sprintf("workspace %d, %s (%s, %s)", s.Number, s.Plan.Name, s.Plan.Provider, s.Plan.Runtime)
	e.Timeline = v.Timeline(x.Workspace, history.Time(v.End))
	told := ""
	if tell, ok := mechanisms[x.Invariant]; ok {
		told = tell(v, s, x)
	}
	if told != "" {
		e.Mechanism = join(told, v.troubles(s, x, told))
	} else {
		e.Mechanism = join(e.Mechanism, v.story(s, x))
	}
	e.Mechanism = join(e.Mechanism, v.sql(s, x, e.Mechanism))
	return e
}

// sql is the SQL of the write that is wrong, where the world saw it and nobody has told it yet.
func (v *View) sql(s *Space, x *Violation, told string) string {
	for i := len(s.Moves) - 1; i >= 0; i-- {
		m := s.Moves[i]
		if m.At > x.At || m.Data == "" {
			continue
		}
		if strings.Contains(told, m.Data) {
			return ""
		}
		return fmt.Sprintf("The SQL that made it %s: %s.", m.To, m.Data)
	}
	return ""
}

// join puts sentences after one another.
func join(first, then string) string {
	if then == "" {
		return first
	}
	return first + " " + then
}

// mechanisms tell the causal chain of a violation of an invariant, or nothing where the history does not show one: the
// violation's own sentence has to do then.
var mechanisms = map[string]func(*View, *Space, *Violation) string{
	"converges":                     whyNotConverged,
	"stays-online":                  whyNotOnline,
	"detects-silence":               whyUnnoticed,
	"removed-is-terminal":           whyNotRemoved,
	"loser-cannot-overwrite-winner": whyOverwritten,
	"one-machine":                   whyRunning,
	"gives-up":                      whyBudget,
	"operator-intent-holds":         whyIntentLost,
	"cause-kept":                    whyNoCause,
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	return sentenceStart(s) + "."
}

// moveInto returns the last move at or before the time, and its place.
func (s *Space) moveInto(t time.Duration) (*history.Event, int) {
	for i := len(s.Moves) - 1; i >= 0; i-- {
		if s.Moves[i].At.D() <= t {
			return s.Moves[i], i
		}
	}
	return nil, -1
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// when says when the move was made: between two readings, where it was told from them.
func (v *View) when(m *history.Event) string {
	if v.polled && m.At-m.Sent > history.Time(100*time.Millisecond) {
		return fmt.Sprintf("between %s and %s", Clock(m.Sent), Clock(m.At))
	}
	return "at " + Clock(m.At)
}

// how tells the move that brought the workspace to where it is stuck.
func (v *View) how(s *Space, i int) string {
	m := s.Moves[i]
	switch v.event(s, i) {
	case lifecycle.ProvisionTimeout:
		if who := whom(m, lifecycle.ProvisionTimeout); who != tick(provisionSweep) {
			return fmt.Sprintf("%s gave up %s.", sentenceStart(who), v.when(m))
		}
		age := time.Duration(0)
		for _, b := range s.Moves[:i] {
			if b.To == lifecycle.Provisioning {
				age = m.At.D() - b.At.D()
			}
		}
		text := fmt.Sprintf("The provision-timeout sweeper gave up %s, when the boot was %s old", v.when(m), Span(age))
		for _, b := range s.Boots {
			if b.Inc == m.Inc && b.Phase == history.PreflightDone && b.At > m.At {
				text += fmt.Sprintf(", %s before it ended", Span(b.At.D()-m.At.D()))
			}
		}
		return text + "."
	case lifecycle.Silence:
		return fmt.Sprintf("%s made it offline %s.", sentenceStart(whom(m, lifecycle.Silence)), v.when(m))
	default:
		if v.polled && m.By == "" {
			return fmt.Sprintf("It became %s %s, by whom cannot be seen from outside.", m.To, v.when(m))
		}
		return fmt.Sprintf("At %s %s made it %s.", Clock(m.At), whom(m, v.event(s, i)), m.To)
	}
}

func whyNotConverged(v *View, s *Space, x *Violation) string {
	m, i := s.moveInto(x.At.D())
	if m == nil {
		return ""
	}
	// What is counted ends where it moved on.
	var next *history.Event
	until := history.Time(v.End)
	if i+1 < len(s.Moves) {
		next = s.Moves[i+1]
		until = next.At
	}
	accepted, refused, unheard, registers := 0, map[int]int{}, 0, 0
	for _, c := range s.Calls {
		if c.At < m.At || c.At > until || c.Actor != history.ActorAgent || c.Inc != m.Inc {
			continue
		}
		switch {
		case next != nil && c.Sent <= next.At && c.At >= next.At && c.Call == next.By: // the one that moved it
		case c.Code == 200 && c.Call == "heartbeat":
			accepted++
		case c.Code == 0:
			unheard++
		case c.Code != 200:
			refused[c.Code]++
		}
		if c.Call == "register" {
			registers++
		}
	}
	text := v.how(s, i)
	if accepted > 0 && next == nil {
		return text + fmt.Sprintf(" Since then the heartbeat handler accepted %s, found %q each time, and has no transition out of it: "+
			"the workspace serves, and shows %s to the end of the run.", plural(accepted, "heartbeat", "heartbeats"), m.To, m.To) +
			v.onlyBeats(s, m)
	}
	if accepted > 0 {
		text += fmt.Sprintf(" The heartbeat handler accepted %s after that, and left it %s.", plural(accepted, "heartbeat", "heartbeats"), m.To)
	}
	if next != nil && v.Table.Converged(next.To) {
		return text + fmt.Sprintf(" %s made it %s %s, %s too late.", sentenceStart(whom(next, v.event(s, i+1))), next.To, v.when(next),
			Span(next.At.D()-x.At.D()))
	}
	if next != nil {
		return text + fmt.Sprintf(" %s made it %s %s; it was not online before that.", sentenceStart(whom(next, v.event(s, i+1))), next.To,
			v.when(next))
	}
	for _, code := range []int{401, 403, 404, 410, 429, 500, 503} {
		if n := refused[code]; n > 0 {
			text += fmt.Sprintf(" Since then %s of its own current agent got %d.", plural(n, "call", "calls"), code)
		}
	}
	if refused[401] > 0 {
		text += v.lockedOut(s, m.Inc, until)
	}
	if refused[401] > 2 && registers == 0 { // two can be under way before it knows
		text += " It went on all the same, and never registered anew: it takes a refusal for success."
	}
	if unheard > 0 {
		text += fmt.Sprintf(" %s got no answer.", plural(unheard, "call", "calls"))
	}
	return text
}

func whyNotOnline(v *View, s *Space, x *Violation) string {
	m, i := s.moveInto(x.At.D())
	if m == nil {
		return ""
	}
	var last, before *history.Event
	for _, c := range s.Proofs {
		if c.At <= m.At {
			before, last = last, c
		}
	}
	if last == nil {
		return ""
	}
	text := fmt.Sprintf("%s wrote %s at %s, %s after a %s was accepted.", sentenceStart(whom(m, v.event(s, i))), m.To,
		Clock(m.At), Span(m.At.D()-last.At.D()), last.Call)
	for _, code := range []int{401, 403, 404, 410, 429, 500, 503} {
		n := 0
		for _, c := range s.Calls {
			if c.Actor == history.ActorAgent && c.Inc == m.Inc && c.Code == code && c.At > last.At && c.At <= m.At {
				n++
			}
		}
		if n > 0 {
			text += fmt.Sprintf(" In between %s of its agent got %d.", plural(n, "call", "calls"), code)
		}
	}
	if before != nil && last.At.D()-before.At.D() >= v.ttl(s)-v.Settings.LivenessSweepEvery {
		text += fmt.Sprintf(" Before that there had been none for %s: the sweep judged the row while it was silent, and wrote "+
			"without looking again, over the %s that had landed in between.", Span(last.At.D()-before.At.D()), last.Call)
	}
	return text
}

func sentenceStart(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}

func whyUnnoticed(v *View, s *Space, x *Violation) string {
	over := x.Since.D() + v.ttl(s)
	text := fmt.Sprintf("Its last call was accepted at %s, so its TTL of %s was over at %s.", Clock(x.Since), Span(v.ttl(s)),
		clock(over))
	if s.Moves[0].At == x.Since && v.Table.Converged(s.Moves[0].To) {
		text = fmt.Sprintf("It counted as online since its creation at %s, so its TTL of %s was over at %s.", Clock(x.Since), Span(v.ttl(s)),
			clock(over))
	}
	for _, w := range v.Windows {
		if !w.Cloud && !w.Clock && w.From <= over && w.Until >= over {
			return text + fmt.Sprintf(" At that moment %s (%s to %s), and no sweep since has noticed: what announces a silence "+
				"was lost, and nothing looks at the row itself.", w.Why, clock(w.From), clock(w.Until))
		}
	}
	for i, m := range s.Moves {
		if m.From == lifecycle.Offline && v.Table.Converged(m.To) && m.At <= x.Since {
			return text + fmt.Sprintf(" It had been offline, and %s brought it back at %s; since then nothing watches for its "+
				"silence, and no sweep has noticed this one.", whom(m, v.event(s, i)), Clock(m.At))
		}
	}
	return join(text+" No sweep has noticed.", v.missingWrite(s, x))
}

func whyNotRemoved(v *View, s *Space, x *Violation) string {
	m, i := s.moveInto(x.At.D())
	if m == nil || i == 0 || s.Moves[i-1].To != lifecycle.Removed {
		return ""
	}
	removed := s.Moves[i-1]
	for _, c := range s.Calls {
		if c.Actor == history.ActorAgent && c.Sent <= m.At && c.At >= m.At && c.Call == m.By {
			return fmt.Sprintf("The DELETE committed at %s. A %s that had been sent at %s, %s, read the row as %s before that, and "+
				"wrote %s at %s without a guard.", Clock(removed.At), c.Call, Clock(c.Sent), relative(c.Sent.D(), removed.At.D()),
				removed.From, m.To, Clock(m.At))
		}
	}
	return fmt.Sprintf("The DELETE committed at %s. %s wrote %s at %s all the same: nothing in that write guards the status.",
		Clock(removed.At), sentenceStart(whom(m, v.event(s, i))), m.To, Clock(m.At))
}

func relative(t, to time.Duration) string {
	if t <= to {
		return Span(to-t) + " before it"
	}
	return Span(t-to) + " after it"
}

func whyOverwritten(v *View, s *Space, x *Violation) string {
	m, i := s.moveInto(x.At.D())
	if m == nil || i == 0 {
		return ""
	}
	lost := v.overtaken(s, i)
	if lost == nil {
		return ""
	}
	won := s.Moves[i-1]
	text := fmt.Sprintf("%s made it %s at %s.", sentenceStart(whom(won, v.event(s, i-1))), won.To, Clock(won.At))
	switch lost.Kind {
	case history.Cloud:
		text += fmt.Sprintf(" The launch of incarnation %d, asked for at %s, %s, came back as an error at %s (%s).", lost.Inc,
			Clock(lost.Sent), relative(lost.Sent.D(), won.At.D()), Clock(lost.At), lost.Err)
	default:
		text += fmt.Sprintf(" What %s went by was older: it began at %s, %s.", whom(m, v.event(s, i)), Clock(lost.Sent),
			relative(lost.Sent.D(), won.At.D()))
	}
	return text + fmt.Sprintf(" That was written as %s at %s, over the newer %s: the write does not look at what is there.",
		m.To, Clock(m.At), m.From)
}

func whyRunning(v *View, s *Space, x *Violation) string {
	m, i := s.moveInto(x.Since.D())
	if m == nil || x.Bound == 0 { // not a machine that runs too long
		return ""
	}
	which := "its machine"
	if m.To == lifecycle.Provisioning && m.Inc > 1 {
		which = "the machine of the former boot"
	}
	text := fmt.Sprintf("%s made it %s at %s, so that nobody wants %s.", sentenceStart(whom(m, v.event(s, i))), m.To, Clock(m.At), which)
	for _, c := range s.Clouds {
		if c.Call == "launch" && c.Sent <= m.At && c.At >= m.At {
			text += fmt.Sprintf(" Its launch had been asked for at %s and returned its id at %s, %s later than that.", Clock(c.Sent),
				Clock(c.At), Span(c.At.D()-m.At.D()))
		}
	}
	stops := 0
	for _, c := range s.Clouds {
		if c.Call == "terminate" && c.At >= m.At {
			stops++
		}
	}
	if stops == 0 {
		return text + fmt.Sprintf(" Nobody has asked the cloud to stop it since, in %s.", Span(x.At.D()-x.Since.D()))
	}
	return text + fmt.Sprintf(" The cloud was asked %s to stop it, and it still runs.", plural(stops, "time", "times"))
}

func whyBudget(v *View, s *Space, x *Violation) string {
	budget := v.budget(s)
	if x.At.D()-x.Since.D() < budget {
		return fmt.Sprintf("The boot began at %s with a budget of %s (%s). %s", Clock(x.Since), Span(budget), s.Plan.Runtime,
			sentence(x.What))
	}
	text := fmt.Sprintf("The boot began at %s with a budget of %s, which was over at %s.", Clock(x.Since), Span(budget),
		clock(x.Since.D()+budget))
	for _, m := range s.Moves {
		if m.At < x.At || m.From != lifecycle.Provisioning || m.To != lifecycle.Failed {
			continue
		}
		text += fmt.Sprintf(" It was given up at %s, %s too late.", Clock(m.At), Span(m.At.D()-x.Since.D()-budget))
		if what, at := v.anew(s, x.Since.D(), m.At.D()-budget); what != "" {
			text += fmt.Sprintf(" That is one budget and one sweep after %s at %s, which began the budget anew.", what, clock(at))
		}
		return text
	}
	return join(text+fmt.Sprintf(" No sweep has given it up by %s.", Clock(x.At)), v.missingWrite(s, x))
}

// anew returns what happened after since and one sweep before the time, at most: what a budget may have begun anew with that
// was given up one budget later.
func (v *View) anew(s *Space, since, at time.Duration) (what string, when time.Duration) {
	for i := range v.events {
		e := &v.events[i]
		if t := e.At.D(); t <= since || t > at+v.slack() || t < at-v.Settings.ProvisionSweepEvery-v.slack() {
			continue
		}
		switch {
		case e.Kind == history.Process && e.Phase == history.Started:
			what, when = fmt.Sprintf("controller %d started", e.Replica), e.At.D()
		case e.Kind == history.Machine && e.Phase == history.Restarted && e.WS == s.Number:
			what, when = "its machine was restarted", e.At.D()
		}
	}
	return what, when
}

func whyIntentLost(v *View, s *Space, x *Violation) string {
	m, i := s.moveInto(x.At.D())
	if m == nil || i == 0 || !v.Table.Held(m.From) || v.asked(s, m) {
		return ""
	}
	return fmt.Sprintf("The operator had it %s since %s. %s moved it to %s at %s, though only the operator may.", m.From,
		Clock(s.Moves[i-1].At), sentenceStart(whom(m, v.event(s, i))), m.To, Clock(m.At))
}

// whyNoCause tells of the write that should have left the cause.
func whyNoCause(v *View, s *Space, x *Violation) string {
	_, i := s.moveInto(x.At.D())
	for i >= 0 && s.Moves[i].To != lifecycle.Failed {
		i--
	}
	if i < 0 {
		return ""
	}
	text := join(sentence(x.What), v.wrongWrite(s, i))
	for n, l := range s.Logs {
		if s.moveOf(n) == i {
			if l.Cause == "" {
				return text + " Its entry in the log has no cause either."
			}
			return text + fmt.Sprintf(" Its entry in the log has the cause %q.", l.Cause)
		}
	}
	return text
}

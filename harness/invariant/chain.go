package invariant

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
)

// The general story beneath the special ones: of a write that is wrong, who made it, what that had read, who changed it in
// between, what let it through and what it was told; of one that is missing, who should have made it, when it last could,
// and what it saw then. All of it is read off the history, and what the history does not show is not said.

// story tells how the violation came about, or nothing where the history does not show it.
func (v *View) story(s *Space, x *Violation) string {
	if i := s.moveAt(x.At); i >= 0 {
		return join(v.wrongWrite(s, i), v.troubles(s, x, ""))
	}
	for _, m := range s.Machines {
		if m.At == x.At && m.Phase != history.Restarted {
			return join(v.machineStory(s, m), v.troubles(s, x, ""))
		}
	}
	for _, c := range s.Calls {
		if c.At == x.At && x.Bound == 0 {
			return join(v.replyStory(s, c), v.troubles(s, x, ""))
		}
	}
	for _, l := range s.Lists {
		if l.At == x.At && x.Bound == 0 {
			return join(fmt.Sprintf("The list was asked for at %s.", Clock(l.Sent)), v.standing(s, x))
		}
	}
	return join(v.missingWrite(s, x), v.troubles(s, x, ""))
}

// moveAt returns the place of the workspace's move at the time, or -1.
func (s *Space) moveAt(t history.Time) int {
	return slices.IndexFunc(s.Moves, func(m *history.Event) bool { return m.At == t })
}

// statusAt is the workspace's status at the time.
func (s *Space) statusAt(t time.Duration) lifecycle.Status {
	status, _ := s.at(t)
	return status
}

// moveOf returns the place of the move that the n-th entry of the log is about, or -1.
func (s *Space) moveOf(n int) int {
	l := s.Logs[n]
	same := func(m *history.Event) bool { return m.From == l.From && m.To == l.To && m.Inc == l.Inc }
	if n < len(s.Moves) && same(s.Moves[n]) {
		return n
	}
	return slices.IndexFunc(s.Moves, same)
}

// author says who took a step, with the controller where there are several.
func author(e *history.Event) string {
	return whom(&history.Event{By: e.By, Actor: e.Actor}, lifecycle.NoEvent)
}

// failure says why a step failed.
func failure(e *history.Event) string {
	if e.Fault > 0 {
		return fmt.Sprintf("%s (fault %d)", e.Err, e.Fault)
	}
	return e.Err
}

// began returns what the writer of the i-th move had begun with: the call or the turn that it belongs to, the launch whose
// outcome it is, or the read that it goes by. Sent is when that was; nil where the history does not show it.
func (v *View) began(s *Space, i int) *history.Event {
	m := s.Moves[i]
	if v.event(s, i) == lifecycle.LaunchFailed {
		var launch *history.Event
		for _, c := range s.Clouds {
			if c.Call == "launch" && c.Err != "" && c.At <= m.At {
				launch = c
			}
		}
		if launch != nil {
			return launch
		}
	}
	if m.By == "" {
		return nil
	}
	if x := v.readBy(s, m); x != nil {
		return x
	}
	for _, c := range s.Calls {
		if c.Call == m.By && c.Sent <= m.At && c.At >= m.At && (c.Actor == history.ActorOperator || c.Inc == m.ByInc) {
			return c
		}
	}
	return v.turnOf(m)
}

// readBy returns what the writer of the move read of the workspace last, in the same call or turn, or nil.
func (v *View) readBy(s *Space, m *history.Event) (last *history.Event) {
	since := history.Time(0)
	if t := v.turnOf(m); t != nil {
		since = t.Sent
	}
	for _, x := range s.Steps {
		if x.Err == "" && x.By == m.By && x.Replica == m.Replica && x.Sent <= m.At && x.Sent >= since && x.ByInc == m.ByInc {
			last = x
		}
	}
	return last
}

// turnOf returns the turn of a tick that the move was made in, or nil.
func (v *View) turnOf(m *history.Event) *history.Event {
	for _, t := range v.turns {
		if t.By == m.By && t.Replica == m.Replica && t.Sent <= m.At && t.Logged >= m.At && t.Code == 1 {
			return t
		}
	}
	return nil
}

// overtaken returns what the writer of the i-th move had begun with, where the workspace came to where the move found it only
// after that; otherwise nil.
func (v *View) overtaken(s *Space, i int) *history.Event {
	if i == 0 {
		return nil
	}
	x := v.began(s, i)
	if x == nil || x.Sent >= s.Moves[i-1].At {
		return nil
	}
	return x
}

// wrongWrite tells of the i-th move: who made it, by what, and what let it through.
func (v *View) wrongWrite(s *Space, i int) string {
	m, event := s.Moves[i], v.event(s, i)
	var b strings.Builder
	fmt.Fprintf(&b, "%s wrote %s at %s", sentenceStart(whom(m, event)), m.To, Clock(m.At))
	if m.Replica > 0 && v.Plan.Controllers > 1 {
		fmt.Fprintf(&b, ", in controller %d", m.Replica)
	}
	began := v.began(s, i)
	switch {
	case began == nil || began.Sent == 0:
	case began.Kind == history.Call:
		fmt.Fprintf(&b, ", for the %s sent at %s", began.Call, Clock(began.Sent))
	case began.Kind == history.Turn:
		fmt.Fprintf(&b, ", in its turn of %s", Clock(began.Sent))
	case began.Kind == history.Cloud:
		fmt.Fprintf(&b, ", for the %s that it had asked for at %s", began.Call, Clock(began.Sent))
	}
	b.WriteString(".")
	if m.Data != "" {
		fmt.Fprintf(&b, " Its SQL: %s.", m.Data)
	}
	since := history.Time(-1)
	read := v.readBy(s, m)
	if read != nil {
		fmt.Fprintf(&b, " It had read it as %s, incarnation %d, at %s.", named(read.To), read.Inc, Clock(read.Sent))
		since = read.Sent
	} else if began != nil {
		since = began.Sent
	}
	stale := false
	if since >= 0 {
		for j, other := range s.Moves[:i] {
			if other.At > since {
				fmt.Fprintf(&b, " Meanwhile %s made it %s at %s.", whom(other, v.event(s, j)), other.To, Clock(other.At))
				stale = true
			}
		}
		for _, p := range s.Proofs {
			if p.At > since && p.At < m.At && p.Call != m.By {
				fmt.Fprintf(&b, " Meanwhile a %s of its agent was accepted at %s.", p.Call, Clock(p.At))
				stale = true
				break
			}
		}
	}
	b.WriteString(v.guard(s, i, read, stale))
	return b.String()
}

// guard says what let the i-th move through, as far as the lifecycle's table and the log tell.
func (v *View) guard(s *Space, i int, read *history.Event, stale bool) string {
	m, event := s.Moves[i], v.event(s, i)
	to, ok := v.Table.Next(event, m.From)
	switch {
	case event == lifecycle.NoEvent && blind(v.Plan, history.Log):
		return fmt.Sprintf(" It found %s there.", named(m.From))
	case event == lifecycle.NoEvent:
		return fmt.Sprintf(" The log has no entry that says why: the write went past what keeps the two together, and found %s there.", named(m.From))
	case !ok || to != m.To:
		return fmt.Sprintf(" By the contract %s does not lead from %s to %s: nothing in the write asked what was there.", event, named(m.From), m.To)
	case stale && read != nil:
		return fmt.Sprintf(" %s may lead from %s to %s, so a guard that asks for the status only let it through, by what was read before.",
			sentenceStart(event.String()), named(m.From), m.To)
	default:
		return fmt.Sprintf(" The log calls it %s, which may lead from %s to %s: the status was no reason to refuse it.", event, named(m.From), m.To)
	}
}

// machineStory tells of a machine that was launched or ended.
func (v *View) machineStory(s *Space, m *history.Event) string {
	status, inc := s.at(m.At.D())
	var b strings.Builder
	call := "launch"
	if m.Ends() {
		call = "terminate"
	}
	for _, c := range s.Clouds {
		if c.Call == call && c.Sent <= m.At && c.At >= m.At && (c.Machine == m.Machine || c.Machine == "" && c.Inc == m.Inc) {
			fmt.Fprintf(&b, "Controller %d had asked the cloud for it at %s", c.Replica, Clock(c.Sent))
			if c.Err != "" {
				fmt.Fprintf(&b, ", and was told %q at %s", c.Err, Clock(c.At))
			}
			b.WriteString(". ")
			break
		}
	}
	var last *history.Event
	for _, x := range s.Steps {
		if x.Err == "" && x.Actor == history.ActorTick && x.Sent <= m.At {
			last = x
		}
	}
	if last != nil {
		fmt.Fprintf(&b, "%s had read the row last at %s: %s, incarnation %d", sentenceStart(author(last)), Clock(last.Sent), named(last.To), last.Inc)
		if last.Machine != "" {
			fmt.Fprintf(&b, ", machine %s", last.Machine)
		}
		b.WriteString(". ")
	}
	fmt.Fprintf(&b, "The row was %s, incarnation %d, when machine %s of incarnation %d was %s.", named(status), inc, m.Machine, m.Inc, m.Phase)
	for _, c := range s.Clouds {
		if c.Err != "" && c.At <= m.At && c.At.D() >= m.At.D()-10*time.Minute && c.Call != call {
			fmt.Fprintf(&b, " Before that, its %s asked for at %s had come back as %q.", c.Call, Clock(c.Sent), c.Err)
			break
		}
	}
	return b.String()
}

// replyStory tells of a reply: who gave it, when it was asked for, and what happened to the row meanwhile.
func (v *View) replyStory(s *Space, c *history.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The %s was sent at %s and answered %s at %s", c.Call, Clock(c.Sent), answered(c), Clock(c.At))
	if c.Replica > 0 {
		fmt.Fprintf(&b, " by controller %d", c.Replica)
	}
	b.WriteString(".")
	for _, x := range s.Steps {
		if x.Err == "" && x.By == c.Call && x.Replica == c.Replica && x.Sent >= c.Sent && x.Sent <= c.At {
			fmt.Fprintf(&b, " It had read the row as %s, incarnation %d, at %s.", named(x.To), x.Inc, Clock(x.Sent))
		}
	}
	moved := false
	for i, m := range s.Moves {
		if m.At >= c.Sent && m.At <= c.At {
			moved = true
			fmt.Fprintf(&b, " %s made it %s at %s.", sentenceStart(whom(m, v.event(s, i))), m.To, Clock(m.At))
		}
	}
	if !moved {
		fmt.Fprintf(&b, " Nothing moved the row in that time: it was %s throughout.", named(s.statusAt(c.At.D())))
	}
	return b.String()
}

// owedBy are the ticks that should have made the write that an invariant misses.
var owedBy = map[string][]string{
	"gives-up":              {provisionSweep},
	"detects-silence":       {livenessSweep},
	"launches":              {launcher},
	"operator-intent-holds": {launcher},
	"one-machine":           {launcher, orphanSweep},
}

// due is when the write became due that the violation misses.
func (v *View) dueAt(s *Space, x *Violation) time.Duration {
	switch x.Invariant {
	case "gives-up":
		return x.Since.D() + v.budget(s)
	case "detects-silence":
		return x.Since.D() + v.ttl(s)
	default:
		return x.Since.D()
	}
}

// missingWrite tells of a write that never came: the turns that should have made it, and what they saw.
func (v *View) missingWrite(s *Space, x *Violation) string {
	var b strings.Builder
	ticks := owedBy[x.Invariant]
	if len(ticks) == 0 {
		return v.standing(s, x)
	}
	if told := v.notReached(s, x); told != "" {
		return told
	}
	due := v.dueAt(s, x)
	for _, name := range ticks {
		told := v.turnsOf(name, due, x.At.D())
		if told == "" {
			if told = fmt.Sprintf("What %s did between %s and %s is not on record.", tick(name), clock(due), Clock(x.At)); len(v.turns) > 0 {
				told = fmt.Sprintf("No turn of %s has ended between %s and %s.", tick(name), clock(due), Clock(x.At))
			}
		}
		if last := s.lastRead(name, x.At); last != nil && told != "" {
			told += fmt.Sprintf(" What it read of the workspace last was %s, incarnation %d", named(last.To), last.Inc)
			if last.Machine != "" {
				told += ", machine " + last.Machine
			}
			told += fmt.Sprintf(", at %s.", Clock(last.Sent))
		}
		if told != "" {
			b.WriteString(told)
			b.WriteString(" ")
		}
	}
	return strings.TrimSpace(b.String())
}

// notReached tells of the call about a workspace above that should have reached this one, or nothing where it is not about that.
func (v *View) notReached(s *Space, x *Violation) string {
	if x.Invariant != "operator-intent-holds" || s.statusAt(x.At.D()) == lifecycle.Hibernating {
		return ""
	}
	for _, n := range v.Plan.Above(s.Number) {
		var call *history.Event
		for _, c := range v.Spaces[n-1].Asked {
			if (c.Call == "pause" || c.Call == "resume") && c.At <= x.At {
				call = c
			}
		}
		if call == nil {
			continue
		}
		text := fmt.Sprintf("The %s of workspace %d was sent at %s and answered %s at %s.", call.Call, n, Clock(call.Sent), answered(call), Clock(call.At))
		for _, step := range s.Steps {
			if step.By == call.Call && step.Sent >= call.Sent && step.Sent <= call.At && step.Err == "" {
				text += fmt.Sprintf(" It had read this workspace as %s at %s.", named(step.To), Clock(step.Sent))
			}
		}
		return text + fmt.Sprintf(" It did not move this workspace, which was %s then and is %s at %s.", named(s.statusAt(call.Sent.D())),
			named(s.statusAt(x.At.D())), Clock(x.At))
	}
	return ""
}

// lastRead returns what the tick read last of the workspace by then, or nil.
func (s *Space) lastRead(tick string, by history.Time) (last *history.Event) {
	for _, x := range s.Steps {
		if x.Err == "" && x.By == tick && x.Sent <= by {
			last = x
		}
	}
	return last
}

// turnsOf tells of the turns of the tick in the time, or nothing where there were none.
func (v *View) turnsOf(name string, from, until time.Duration) string {
	vain, found := 0, 0
	var first, last time.Duration
	for _, t := range v.turns {
		if t.By != name || t.Logged.D() < from || t.Sent.D() > until {
			continue
		}
		if first == 0 {
			first = t.Sent.D()
		}
		last = max(last, t.Logged.D())
		switch {
		case t.Err != "":
		case t.Code > 1 || !v.wroteIn(t):
			vain += t.Code
		default:
			found++
		}
	}
	switch {
	case vain == 0 && found == 0:
		return ""
	case found == 0:
		return fmt.Sprintf("%s took %s between %s and %s that changed nothing: none of them saw this workspace as theirs to act on.",
			sentenceStart(tick(name)), plural(vain, "turn", "turns"), clock(first), clock(last))
	default:
		return fmt.Sprintf("%s took %s between %s and %s: %s moved other workspaces, and none this one.", sentenceStart(tick(name)),
			plural(vain+found, "turn", "turns"), clock(first), clock(last), plural(found, "turn", "turns"))
	}
}

// wroteIn reports whether a workspace was moved in the turn.
func (v *View) wroteIn(t *history.Event) bool {
	return slices.ContainsFunc(v.Spaces, func(s *Space) bool {
		return slices.ContainsFunc(s.Moves, func(m *history.Event) bool {
			return m.By == t.By && m.Replica == t.Replica && m.At >= t.Sent && m.At <= t.Logged
		})
	})
}

// standing tells since when the workspace has been where it is at the violation, and of the last call of its agent, where that
// should have moved it.
func (v *View) standing(s *Space, x *Violation) string {
	m, i := s.moveInto(x.At.D())
	if m == nil {
		return ""
	}
	text := fmt.Sprintf("It had been %s since %s, when %s wrote that", m.To, Clock(m.At), whom(m, v.event(s, i)))
	if m.Replica > 0 && v.Plan.Controllers > 1 {
		text += fmt.Sprintf(" in controller %d", m.Replica)
	}
	text += "."
	if x.Invariant != "converges" && x.Invariant != "stored-as-sent" {
		return text
	}
	var last *history.Event
	for _, p := range s.Proofs {
		if p.At <= x.At {
			last = p
		}
	}
	if last != nil {
		text += fmt.Sprintf(" The last call of its agent was the %s of incarnation %d, accepted at %s.", last.Call, last.Inc, Clock(last.At))
	}
	return text
}

// mostTroubles is how many failed calls a story tells of.
const mostTroubles = 3

// troubles tell of the failed steps and calls that the chain goes through and that are not told yet: those of the workspace, and
// of the ticks that act on it, from when the promise began to be owed.
func (v *View) troubles(s *Space, x *Violation, told string) string {
	var found []*history.Event
	in := func(e *history.Event) bool { return e.Err != "" && e.At >= x.Since && e.At <= x.At }
	for _, e := range s.Steps {
		if in(e) {
			found = append(found, e)
		}
	}
	writer := ""
	if i := s.moveAt(x.At); i >= 0 {
		writer = s.Moves[i].By
	}
	for _, e := range v.steps {
		if in(e) && (e.By == writer || slices.Contains(owedBy[x.Invariant], e.By)) {
			found = append(found, e)
		}
	}
	for _, e := range s.Clouds {
		if in(e) && !strings.Contains(told, e.Err) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b *history.Event) int { return cmp.Compare(a.At, b.At) })
	var b strings.Builder
	for i, e := range found {
		if i == mostTroubles {
			fmt.Fprintf(&b, " %s failed after that.", sentenceStart(plural(len(found)-i, "more call", "more calls")))
			break
		}
		if e.Kind == history.Cloud {
			fmt.Fprintf(&b, " The cloud answered the %s asked for at %s with %q.", e.Call, Clock(e.Sent), e.Err)
			continue
		}
		fmt.Fprintf(&b, " The %s of %s at %s failed: %s.", e.Call, author(e), Clock(e.At), failure(e))
	}
	return strings.TrimSpace(b.String())
}

package invariant

import (
	"fmt"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
)

// Line is one line of a timeline.
type Line struct {
	At   history.Time `json:"at"`
	Text string       `json:"text"`
}

// timeline tells the workspace's story in lines, runs of alike heartbeats as one.
type timeline struct {
	view  *View
	space *Space
	lines []Line

	run    string // what the calls of the present run have in common
	noun   string
	count  int
	last   history.Time
	heard  bool // a heartbeat was accepted since the last move
	booted history.Time
	phase  history.Time // when the last phase of the boot ended
	moves  int
}

// Timeline tells what happened to the workspace until the time, a line each.
func (v *View) Timeline(number int, until history.Time) []Line {
	if number < 1 || number > len(v.Spaces) {
		return nil
	}
	t := &timeline{view: v, space: v.Spaces[number-1]}
	for i := range v.events {
		e := &v.events[i]
		if e.At > until {
			break
		}
		t.event(e)
	}
	t.flush()
	return t.lines
}

func (t *timeline) line(at history.Time, format string, args ...any) {
	t.flush()
	t.lines = append(t.lines, Line{at, fmt.Sprintf(format, args...)})
}

// alike counts a call into the present run of such calls, or starts another.
func (t *timeline) alike(at history.Time, noun, what string) {
	if t.run != what || t.noun != noun {
		t.flush()
		t.run, t.noun = what, noun
	}
	t.count++
	t.last = at
}

func (t *timeline) flush() {
	switch {
	case t.count == 0:
	case t.run == "accepted" && t.heard:
		t.lines = append(t.lines, Line{t.last, fmt.Sprintf("%d more accepted", t.count)})
	default:
		t.lines = append(t.lines, Line{t.last, plural(t.count, t.noun, many(t.noun)) + ": " + t.run})
	}
	t.run, t.count = "", 0
}

// many is the plural of a noun that may have something after it.
func many(noun string) string {
	first, rest, _ := strings.Cut(noun, " ")
	return strings.TrimSpace(first + "s " + rest)
}

func (t *timeline) event(e *history.Event) {
	mine := e.WS == t.space.Number
	switch e.Kind {
	case history.Move:
		if mine {
			t.move(e)
		}
	case history.Machine:
		if mine {
			t.machine(e)
		}
	case history.Boot:
		if mine {
			t.boot(e)
		}
	case history.Call:
		if mine {
			t.call(e)
		}
	case history.Cloud:
		if mine && e.Err != "" {
			t.line(e.At, "the cloud's answer to %s, asked at %s: %s", e.Call, Clock(e.Sent), e.Err)
		} else if mine && e.Call == "launch" && e.At.D()-e.Sent.D() > 5*time.Second {
			t.line(e.At, "the launch asked for at %s returned", Clock(e.Sent))
		}
	case history.Fault:
		t.fault(e)
	case history.Process:
		what := "started"
		if e.Phase == history.Ended {
			what = "was killed"
		}
		if e.At > 0 {
			t.line(e.At, "controller %d %s", e.Replica, what)
		}
	case history.End:
		status, _ := t.space.at(e.At.D())
		if t.view.Table.Converged(status) {
			t.line(e.At, "end of run: %s", status)
			return
		}
		t.line(e.At, "end of run: still %s", named(status))
	case history.Step:
		if e.Err != "" && (mine || e.WS == 0 && tickNames[e.By] != "") {
			t.alike(e.At, fmt.Sprintf("step of %s (%s)", author(e), e.Call), "failed: "+failure(e))
		}
	}
}

func (t *timeline) move(e *history.Event) {
	event := t.view.event(t.space, t.moves)
	t.moves++
	t.flush()
	t.heard = false
	switch {
	case e.From == lifecycle.None && e.To == lifecycle.Provisioning:
		t.booted, t.phase = e.At, e.At
		t.line(e.At, "created; incarnation %d, budget %s", e.Inc, Span(t.view.budget(t.space)))
	case e.From == lifecycle.None:
		t.line(e.At, "created; %s", e.To)
	case e.To == lifecycle.Provisioning:
		t.booted, t.phase = e.At, e.At
		t.line(e.At, "%s: %s → provisioning; incarnation %d begins", whom(e, event), e.From, e.Inc)
	case event == lifecycle.ProvisionTimeout && whom(e, event) == tick(provisionSweep):
		t.line(e.At, "provision-timeout sweep, boot %s old: %s → %s", Span(e.At.D()-t.booted.D()), e.From, e.To)
	case event == lifecycle.Silence && whom(e, event) == tick(livenessSweep):
		t.line(e.At, "liveness sweep: %s → %s", e.From, e.To)
	case e.ByInc > 0:
		t.line(e.At, "its agent's %s: %s → %s", e.By, e.From, e.To)
	case t.view.polled && e.By == "":
		t.line(e.At, "seen: %s → %s", named(e.From), e.To)
	default:
		t.line(e.At, "%s: %s → %s", whom(e, event), e.From, e.To)
	}
}

func (t *timeline) machine(e *history.Event) {
	switch e.Phase {
	case history.Launched:
		t.phase = e.At
		t.line(e.At, "machine %s launched for incarnation %d", e.Machine, e.Inc)
	case history.Restarted:
		t.phase = e.At
		t.line(e.At, "machine %s of incarnation %d boots again", e.Machine, e.Inc)
	default:
		t.line(e.At, "machine %s of incarnation %d %s", e.Machine, e.Inc, e.Phase)
	}
}

func (t *timeline) boot(e *history.Event) {
	took := Span(e.At.D() - t.phase.D())
	t.phase = e.At
	switch e.Phase {
	case history.ImagePulled:
		if took == Span(0) {
			return // it was there
		}
		t.line(e.At, "image pulled (%s)", took)
	case history.AgentStarted:
		t.line(e.At, "agent started")
	case history.PreflightDone:
		t.line(e.At, "LLM preflight ended (%s, %s)", t.space.Plan.Provider, took)
	case history.BootDied:
		t.line(e.At, "the boot died")
	}
}

func (t *timeline) call(e *history.Event) {
	switch {
	case e.Actor == history.ActorObserver:
	case e.Actor == history.ActorOperator:
		if e.Call == "list" {
			return
		}
		t.line(e.At, "the operator's %s, sent at %s: %s", e.Call, Clock(e.Sent), answered(e))
	case e.Actor == history.ActorIntruder:
		t.line(e.At, "an intruder's %s with %s: %s", e.Call, e.By, answered(e))
	case e.Call == "heartbeat" && e.Code == 200 && !t.heard:
		t.flush()
		t.heard = true
		t.line(e.At, "first heartbeat accepted%s%s", t.since(e), whose(e, t.space))
		if e.Err != "" {
			t.lines[len(t.lines)-1].Text += "; " + e.Err
		}
	case e.Call == "heartbeat" && e.Code == 200 && e.Err == "":
		t.alike(e.At, "heartbeat", "accepted"+whose(e, t.space))
	case e.Call == "heartbeat":
		t.alike(e.At, "heartbeat", answered(e)+whose(e, t.space))
	case e.Code == 200 && e.Err == "":
		t.line(e.At, "its agent registered%s", whose(e, t.space))
	default:
		t.alike(e.At, e.Call, answered(e)+whose(e, t.space))
	}
}

// since says how long after the last move to where it now is the call came, where that is worth saying.
func (t *timeline) since(e *history.Event) string {
	status, _ := t.space.at(e.At.D())
	if t.moves == 0 || status != lifecycle.Failed && status != lifecycle.Offline {
		return ""
	}
	return fmt.Sprintf(", %s after it became %s", Span(e.At.D()-t.space.Moves[t.moves-1].At.D()), status)
}

// whose says which incarnation called, where it is not the current one.
func whose(e *history.Event, s *Space) string {
	if _, inc := s.at(e.At.D()); e.Inc != 0 && inc != e.Inc {
		return fmt.Sprintf(" (of incarnation %d)", e.Inc)
	}
	return ""
}

// answered says what came of a call.
func answered(e *history.Event) string {
	switch {
	case e.Code == 0:
		return "no answer: " + e.Err
	case e.Err != "":
		return fmt.Sprintf("%d; %s", e.Code, e.Err)
	default:
		return fmt.Sprintf("%d", e.Code)
	}
}

func (t *timeline) fault(e *history.Event) {
	f := t.view.Plan.Faults[e.Fault-1]
	about := f.Workspaces == nil
	for _, w := range f.Workspaces {
		about = about || w == t.space.Number
	}
	if !about || e.Phase == history.Struck || e.Phase == history.Ended && f.Momentary() {
		return
	}
	verb := "begins"
	switch {
	case f.Momentary():
		verb = "strikes"
	case e.Phase == history.Ended:
		verb = "is over"
	}
	t.line(e.At, "fault %d (%s) %s", e.Fault, f.Kind, verb)
}

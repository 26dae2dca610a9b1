package reports

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
)

// subject names whom a violation is about.
func subject(x *runs.Result, v *invariant.Violation) string {
	if v.Workspace < 1 || v.Workspace > len(x.Plan.Workspaces) {
		return "the controller"
	}
	w := x.Plan.Workspaces[v.Workspace-1]
	return fmt.Sprintf("workspace %d (%s, %s)", v.Workspace, w.Provider, w.Runtime)
}

// violated lists a result's violated invariants, how many workspaces each is about, and whose they are; the one to look
// at first first.
func violated(x *runs.Result) string {
	var parts []string
	for _, f := range x.Judgement.Findings {
		if len(f.Violations) == 0 {
			continue
		}
		text := f.Invariant
		if n := workspaces(x, f.Invariant); n > 0 {
			text += fmt.Sprintf(" (%d of %d%s)", n, len(x.Plan.Workspaces), whose(x, f))
		}
		if x.First != nil && f.Invariant == x.First.Invariant {
			parts = append([]string{text}, parts...)
		} else {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, ", ")
}

// mostFollowing is how many violations are named that come after the first.
const mostFollowing = 4

// following lists what the first violation's workspace suffered after it, in order.
func following(x *runs.Result) string {
	var parts []string
	all := x.Judgement.Following()
	for i, f := range all {
		if i == mostFollowing {
			parts = append(parts, fmt.Sprintf("and %d more", len(all)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s at %s", f.Invariant, invariant.Clock(f.At)))
	}
	return strings.Join(parts, ", ")
}

// unjudgedAll lists what could not be judged in any of the run's results: it is the target's, so that most share it.
func unjudgedAll(r *runs.Run) []string {
	var all []string
	for _, x := range r.Results {
		for _, u := range unjudged(x) {
			if !slices.Contains(all, u) {
				all = append(all, u)
			}
		}
	}
	return all
}

// unjudged lists what the target does not show, and the invariants that could not be judged for it.
func unjudged(x *runs.Result) []string {
	var reasons []string
	names := map[string][]string{}
	for _, f := range x.Judgement.Unjudged() {
		if names[f.Why] == nil {
			reasons = append(reasons, f.Why)
		}
		names[f.Why] = append(names[f.Why], f.Invariant)
	}
	for i, why := range reasons {
		reasons[i] = fmt.Sprintf("%s: %s", strings.Join(names[why], ", "), why)
	}
	return reasons
}

// workspaces is how many workspaces the violations of an invariant are about.
func workspaces(x *runs.Result, name string) int {
	about := map[int]bool{}
	for _, f := range x.Judgement.Findings {
		for _, v := range f.Violations {
			if f.Invariant == name && v.Workspace > 0 {
				about[v.Workspace] = true
			}
		}
	}
	return len(about)
}

// whose names the group that all violations of a finding are of, where the fleet has several and it is one.
func whose(x *runs.Result, f invariant.Finding) string {
	if len(planned(x.Plan)) < 2 {
		return ""
	}
	group := ""
	for _, v := range f.Violations {
		if v.Workspace < 1 || v.Workspace > len(x.Plan.Workspaces) {
			return ""
		}
		of := x.Plan.Workspaces[v.Workspace-1].Group
		if group != "" && of != group {
			return ""
		}
		group = of
	}
	return ", all " + group
}

// ReplayCommand is the command line that plays the scenario again.
func ReplayCommand(r *runs.Run, x *runs.Result) string {
	command := replayAll(r)
	if r.Scenarios() > 1 && r.World != runs.Explored {
		command += " --scenario " + x.Scenario
	}
	return command
}

// replayAll is the command line that plays the whole run again. The way that a search of all interleavings found is no
// simulation that could be: its history is judged and told again.
func replayAll(r *runs.Run) string {
	if r.World == runs.Explored {
		return "bootrace judge " + quoted(relative(r.Folder()))
	}
	return "bootrace replay " + quoted(relative(r.Folder()))
}

// quoted writes a text so that a shell takes it for one word.
func quoted(s string) string {
	plain := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_./+:,@%=", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// relative writes a path as somebody in the working folder would.
func relative(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

func statusName(s lifecycle.Status) string {
	if s == lifecycle.None {
		return "never created"
	}
	return s.String()
}

// tally sums the verdicts up. Counts, never a score: a share would hide what was not played.
func tally(r *runs.Run) string {
	return fmt.Sprintf("%d violated · %d held · %d inconclusive", r.Count(invariant.Violated), r.Count(invariant.Held),
		r.Count(invariant.Inconclusive))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// virtual writes a span of virtual time: in minutes below two hours.
func virtual(d time.Duration) string {
	if d < 2*time.Hour {
		return plural(int(d.Round(time.Minute)/time.Minute), "virtual minute", "virtual minutes")
	}
	return plural(int(d.Round(time.Hour)/time.Hour), "virtual hour", "virtual hours")
}

// took says how long the run took, and for how much virtual time where time was virtual.
func took(r *runs.Run) string {
	if r.WallClock() {
		return elapsed(r.Wall)
	}
	return fmt.Sprintf("%s for %s", elapsed(r.Wall), virtual(r.Virtual()))
}

// elapsed writes a span of wall time.
func elapsed(d time.Duration) string {
	if d >= 100*time.Second {
		return span(d)
	}
	return fmt.Sprintf("%.2fs", d.Seconds())
}

// span writes how long something took, with two digits of seconds beside minutes: such times stand below one another.
func span(d time.Duration) string {
	if d < time.Minute {
		return invariant.Span(d)
	}
	d = d.Round(time.Second)
	m, s := int(d/time.Minute), int(d%time.Minute/time.Second)
	if m < 60 {
		return fmt.Sprintf("%dm%02ds", m, s)
	}
	return fmt.Sprintf("%dh%02dm%02ds", m/60, m%60, s)
}

// longest is how much is shown of a text that somebody else wrote: an error, a cause with the tail of a log.
const longest = 600

// shown makes a text one line of what can be seen: it may come from anybody, down to the console of a machine.
func shown(s string) string {
	s = strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " ")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return utf8.RuneError
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > longest {
		s = string(runes[:longest]) + " …"
	}
	return s
}

// visible replaces what cannot be seen in a text of several lines, as shown does: names come from outside, too.
func visible(text []byte) []byte {
	hidden := func(r rune) bool {
		if r >= ' ' && r <= '~' { // nearly all of it, and a page has a million
			return false
		}
		return r == utf8.RuneError || r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	}
	if bytes.IndexFunc(text, hidden) < 0 {
		return text
	}
	return bytes.Map(func(r rune) rune {
		if hidden(r) {
			return utf8.RuneError
		}
		return r
	}, text)
}

// wrap breaks a text into lines of at most width characters, at blanks. A word that is longer has a line of its own.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// tried says why a scenario was played again more slowly.
func tried(x runs.Try) string {
	return fmt.Sprintf("at %g× this machine was too slow to judge it: it lost %.0f%% of the run (%s)", x.Speed, x.Slow.Lost*100, x.Slow.Why)
}

// held says at which speed this machine can play, where it could not hold the one that was asked for.
func held(r *runs.Run) string {
	p := r.Pace
	if p == nil {
		return ""
	}
	again, slow := 0, 0
	for _, x := range r.Results {
		if len(x.Tries) > 0 {
			again++
		}
		if s := x.Judgement.Slow; s != nil && s.Decides {
			slow++
		}
	}
	switch {
	case again == 0 && slow == 0:
		return ""
	case p.Exact:
		return fmt.Sprintf("it was too slow at %g× to judge %s; --speed auto finds a speed that it can hold", p.Asked, plural(slow, "scenario", "scenarios"))
	case slow > 0:
		return fmt.Sprintf("%s played again more slowly, and %s could not be judged even so; the highest speed that it held is %g×",
			plural(again, "scenario was", "scenarios were"), plural(slow, "scenario", "scenarios"), p.Holds)
	default:
		return fmt.Sprintf("%s played again more slowly; the highest speed that it held is %g×, and now it would begin at %g×",
			plural(again, "scenario was", "scenarios were"), p.Holds, p.Last)
	}
}

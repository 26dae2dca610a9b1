package reports

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
)

// The parts of the page. Style and script are written into it as they are, and named by their hashes in its policy:
// whatever else a text might smuggle in, a browser does not run.
var (
	//go:embed page/page.gohtml
	pageText string
	//go:embed page/style.css
	pageStyle string
	//go:embed page/script.js
	pageScript string

	pageTemplate = template.Must(template.New("page").Parse(pageText))
	pagePolicy   = fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'",
		sourceHash(pageStyle), sourceHash(pageScript))
)

func sourceHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Bounds of the page. Whatever they leave out, the page says that it does, and where it is.
const (
	// sectionsBudget is how large all sections together may be, in bytes. One that finds no room left is written in short.
	// What is wrong is written before what held.
	sectionsBudget = 5 << 19
	maxStories     = 12 // of a scenario
	maxLines       = 120
	maxDoubts      = 20
	maxSubjects    = 40
)

// page is what the template shows.
type page struct {
	Policy     string
	Style      template.CSS
	Script     template.JS
	Title      string
	Verdict    string
	Tallies    []tallied
	Facts      []fact
	Replay     string
	Notices    []string
	Rows       []row
	Histograms []*histogram
	Unjudged   []string
	LeftOut    []runs.LeftOut
	Statuses   []string
	Sections   []template.HTML
	Files      []string
	Short      int // sections that are
}

type (
	tallied struct {
		Verdict, Mark string
		Count         int
	}
	fact struct {
		Name, Value string
		Mono        bool
	}
	row struct {
		Scenario, Verdict, Mark   string
		Fleet, Outcome, Slowest   string
		Elapsed, Search, Violated string
		Doubts                    []string
		Tries                     []string // at higher speeds
		Fault                     string
	}
	// section is one scenario.
	section struct {
		row
		Open     bool
		Plan     []fact
		Replay   string
		History  string
		Drawing  *swimlanes
		First    *story
		Others   []story
		More     string
		Findings []finding
		Faults   []string
		// Short is set where the page has no room for more than what is most needed.
		Short bool
	}
	story struct {
		ID, Invariant, Subject, What, Mechanism, Expected string
		Lines                                             []storyLine
	}
	storyLine struct {
		At, Text string
		Broken   bool
	}
	finding struct {
		Invariant, Verdict, Mark, Text string
	}
)

var marks = map[invariant.Verdict]string{invariant.Held: "✓", invariant.Violated: "✗", invariant.Inconclusive: "?"}

// HTML renders the run as one page that needs nothing beside it: it opens from disk, asks no network for anything, and
// shows all that it has where scripts are off. What comes from outside the program is shown and never acted on. Drawings
// and stories take 2.5 MiB at most, however large the run; beside that, a scenario costs a row of the table and, where
// there is no room for more, its verdict, mechanism and replay. What is left out for it is said in the page.
//
// An error says which history cannot be read.
func HTML(r *runs.Run) ([]byte, error) {
	p := page{
		Policy: pagePolicy, Style: template.CSS(pageStyle), Script: template.JS(pageScript), //nolint:gosec // both are this package's own
		Title: "bootrace " + r.ID, Verdict: string(r.Verdict), Facts: facts(r), Statuses: drawnStatuses(), LeftOut: r.LeftOut,
	}
	for _, v := range []invariant.Verdict{invariant.Violated, invariant.Held, invariant.Inconclusive} {
		p.Tallies = append(p.Tallies, tallied{string(v), marks[v], r.Count(v)})
	}
	switch {
	case r.Interrupted && len(r.Results) == 0:
		p.Notices = append(p.Notices, "Interrupted before the first scenario was over: nothing can be said.")
	case r.Interrupted:
		p.Notices = append(p.Notices, "Interrupted: not every scenario was played.")
	case len(r.Results) == 0:
		p.Notices = append(p.Notices, "No scenario was played.")
	}
	p.Unjudged = shownAll(unjudgedAll(r))
	if r.Folder() != "" {
		p.Replay = replayAll(r)
		p.Files = append([]string{runs.FileRun}, slices.DeleteFunc(Files(), func(name string) bool { return name == fileHTML })...)
	}

	courses := make([]*course, len(r.Results))
	written := make([][2]template.HTML, len(r.Results)) // in full, and in short
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for _, x := range r.Results {
		p.Rows = append(p.Rows, rowOf(x))
	}
	for i, x := range r.Results {
		work.Go(func() (err error) {
			if courses[i], err = courseOf(r, x); err != nil {
				return err
			}
			written[i], err = sectionOf(r, x, courses[i], p.Rows[i])
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	p.Histograms = histograms(courses)
	room := sectionsBudget
	for _, v := range []invariant.Verdict{invariant.Violated, invariant.Inconclusive, invariant.Held} {
		for i, x := range r.Results {
			if x.Verdict != v {
				continue
			}
			text := written[i][0]
			if len(text) > room {
				text = written[i][1]
				p.Short++
			}
			room -= len(text)
			p.Sections = append(p.Sections, text)
		}
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("rendering HTML: %w", err)
	}
	return visible(b.Bytes()), nil
}

func facts(r *runs.Run) []fact {
	all := []fact{
		{"run", r.ID, true}, {"seed", fmt.Sprint(r.Seed), true}, {"world", r.World, false}, {"store", shown(r.Server), false},
		{"target", shown(r.Target), false}, {"defect", r.Defect, true},
		{"bootrace", r.Version, false}, {"began", r.Began.UTC().Format("2006-01-02 15:04:05 UTC"), false}, {"took", took(r), false},
		{"digest", r.Digest, true},
	}
	return slices.DeleteFunc(all, func(f fact) bool { return f.Value == "" })
}

func shownAll(texts []string) []string {
	all := make([]string, len(texts))
	for i, s := range texts {
		all[i] = shown(s)
	}
	return all
}

func rowOf(x *runs.Result) row {
	w := row{
		Scenario: x.Scenario, Verdict: string(x.Verdict), Mark: marks[x.Verdict], Fleet: fleet(x.Plan), Outcome: outcome(x),
		Slowest: strings.TrimPrefix(slowest(x.Groups), slowestLabel), Elapsed: elapsed(x.Wall), Fault: shown(x.Fault),
	}
	for _, again := range x.Tries {
		w.Tries = append(w.Tries, shown(tried(again)))
	}
	if x.Fault == "" {
		w.Violated = violated(x)
		if x.Verdict == invariant.Inconclusive {
			w.Doubts = shownAll(x.Judgement.Doubts[:min(len(x.Judgement.Doubts), maxDoubts)])
			if n := len(x.Judgement.Doubts) - maxDoubts; n > 0 {
				w.Doubts = append(w.Doubts, fmt.Sprintf("%d more, in %s", n, runs.FileRun))
			}
		}
	}
	var words []string
	for _, g := range planned(x.Plan) {
		words = append(words, g.Name, g.Provider, g.Runtime)
	}
	for _, f := range x.Plan.Faults {
		words = append(words, f.Kind)
	}
	slices.Sort(words)
	w.Search = strings.ToLower(shown(strings.Join(append([]string{w.Scenario, w.Verdict, w.Violated, w.Outcome}, slices.Compact(words)...), " ")))
	return w
}

// sectionOf writes the section of a result, in full and in short.
func sectionOf(r *runs.Run, x *runs.Result, c *course, w row) ([2]template.HTML, error) {
	s := section{row: w, Open: x.Verdict != invariant.Held, Findings: findings(x)}
	s.Plan = []fact{
		{"seed", fmt.Sprint(x.Plan.Seed), true}, {"lasts", span(time.Duration(x.Plan.Duration)), false},
		{"controllers", fmt.Sprint(x.Plan.Controllers), false}, {"events", fmt.Sprint(x.Events), false}, {"digest", x.Digest, true},
	}
	if r.Folder() != "" {
		s.Replay = ReplayCommand(r, x)
		s.History = path.Join(x.Scenario, runs.FileHistory)
	}
	for i := range c.faults {
		s.Faults = append(s.Faults, faultText(c, i))
	}
	s.tell(r, x)
	drawing := draw(c, x)
	s.Drawing = &drawing
	var both [2]template.HTML
	for i := range both {
		var b bytes.Buffer
		if err := pageTemplate.ExecuteTemplate(&b, "section", s); err != nil {
			return both, fmt.Errorf("rendering HTML of %s: %w", x.Scenario, err)
		}
		both[i] = template.HTML(visible(b.Bytes())) //nolint:gosec // html/template has just written it
		s = s.short()
	}
	return both, nil
}

// short is the section where the page has no room left: its verdict, and the mechanism of what is wrong.
func (s section) short() section {
	s.Short, s.Drawing, s.Others, s.Findings, s.Faults = true, nil, nil, nil, nil
	if s.First != nil {
		first := *s.First
		first.Lines = nil
		s.First = &first
	}
	return s
}

// tell tells the violations: the first, others as long as there is room, and the rest in numbers.
func (s *section) tell(r *runs.Run, x *runs.Result) {
	if x.First == nil {
		return
	}
	first := storyOf(x, x.First, x.Explanation)
	first.ID = "violation-" + x.Scenario
	s.First = &first
	h, err := r.History(x)
	if err != nil { // the course was made of it
		return
	}
	var view *invariant.View
	rest := map[string][]string{}
	var order []string
	for _, v := range x.Judgement.Violations() {
		if v == *x.First {
			continue
		}
		if len(s.Others) < maxStories-1 {
			if view == nil {
				view = invariant.NewView(x.Plan, h)
			}
			e := view.Explain(&v)
			s.Others = append(s.Others, storyOf(x, &v, &e))
			continue
		}
		if rest[v.Invariant] == nil {
			order = append(order, v.Invariant)
		}
		rest[v.Invariant] = append(rest[v.Invariant], fmt.Sprint(v.Workspace))
	}
	var parts []string
	for _, name := range order {
		numbers := rest[name]
		text := fmt.Sprintf("%s × %d, of workspaces %s", name, len(numbers), strings.Join(numbers[:min(len(numbers), maxSubjects)], ", "))
		if len(numbers) > maxSubjects {
			text += ", …"
		}
		parts = append(parts, text)
	}
	if len(parts) > 0 {
		s.More = fmt.Sprintf("Not told here: %s. All are in %s.", strings.Join(parts, "; "), runs.FileRun)
	}
}

func storyOf(x *runs.Result, v *invariant.Violation, e *invariant.Explanation) story {
	s := story{
		Invariant: v.Invariant, Subject: shown(e.Subject), What: shown(v.What), Mechanism: shown(e.Mechanism), Expected: shown(e.Expected),
	}
	broken := storyLine{At: invariant.Clock(v.At), Text: "violates " + v.Invariant + ": " + s.What, Broken: true}
	told := false
	for i, l := range e.Timeline {
		if !told && l.At > v.At {
			s.Lines, told = append(s.Lines, broken), true
		}
		if len(e.Timeline) > maxLines && i >= maxLines-10 && i < len(e.Timeline)-10 {
			if i == maxLines-10 {
				s.Lines = append(s.Lines, storyLine{Text: fmt.Sprintf("%d lines are left out; they are in %s", len(e.Timeline)-maxLines, path.Join(x.Scenario, runs.FileHistory))})
			}
			continue
		}
		s.Lines = append(s.Lines, storyLine{At: invariant.Clock(l.At), Text: shown(l.Text)})
	}
	if !told && len(e.Timeline) > 0 {
		s.Lines = append(s.Lines, broken)
	}
	return s
}

func findings(x *runs.Result) []finding {
	var all []finding
	for _, f := range x.Judgement.Findings {
		text := "held, owed " + times(f.Checked)
		switch {
		case f.Why != "":
			text = "not judged: " + shown(f.Why)
		case len(f.Violations) > 0:
			text = fmt.Sprintf("violated %s, owed %s", times(len(f.Violations)), times(f.Checked))
		}
		all = append(all, finding{f.Invariant, string(f.Verdict), marks[f.Verdict], text})
	}
	return all
}

func faultText(c *course, i int) string {
	f, of := &c.faults[i], c.plan.Faults[i]
	text := fmt.Sprintf("fault %d, %s", i+1, of.Kind)
	if n := len(of.Workspaces); n > 0 && n <= maxSubjects {
		text += fmt.Sprintf(", on workspaces %s", strings.Trim(fmt.Sprint(of.Workspaces), "[]"))
	} else if n > 0 {
		text += fmt.Sprintf(", on %d workspaces", n)
	}
	if !f.began {
		return text + fmt.Sprintf(": never began; it was planned for %s", invariant.Clock(history.Time(of.From)))
	}
	return text + fmt.Sprintf(": %s, struck %s", between(f.from, f.until), times(len(f.strikes)))
}

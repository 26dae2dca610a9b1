package reports_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/reports"
	"github.com/bootrace/bootrace/scenarios"
)

var (
	update = flag.Bool("update", false, "write the golden files anew")
	record = flag.Bool("record", false, "play the kept runs of the tests anew; -update is needed then, too")
)

// The tests render runs that were played once, with seed 7, and kept: so their goldens change with the reports and the
// invariants, and not with every change of the simulation.
const (
	keptFolder   = "testdata/kept"
	goldenFolder = "testdata/golden"
)

// recorded are the runs that are kept: which scenarios, against which defect.
var recorded = map[string]struct {
	defect    string
	scenarios []string
}{
	"green": {"", []string{"late-boot", "many-groups"}},
	"red":   {"sticky-failed", []string{"late-boot", "many-groups", "one-late", "unmet"}},
}

func TestMain(m *testing.M) {
	flag.Parse()
	if *record {
		if err := recordAll(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// recordAll plays and keeps the recorded runs. What differs from one play to the next, the time that it takes, is set.
func recordAll() error {
	for name, what := range recorded {
		parent := filepath.Join(keptFolder, name)
		if err := os.RemoveAll(parent); err != nil {
			return err
		}
		suite := harness.Suite{
			Source: stores.Memory(), Seed: 7, Version: "v0.0.0-recorded", Began: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Parent: parent,
		}
		for _, scenario := range what.scenarios {
			p, err := resolve(scenario)
			if err != nil {
				return err
			}
			suite.Plans = append(suite.Plans, p)
		}
		if what.defect != "" {
			var err error
			if suite.Defect, err = defects.Find(what.defect); err != nil {
				return err
			}
		}
		r, err := suite.Run(context.Background())
		if err != nil {
			return err
		}
		r.Wall = 2345 * time.Millisecond
		for i, x := range r.Results {
			x.Wall = time.Duration(i+1) * 210 * time.Millisecond
		}
		if err := r.Save(); err != nil {
			return err
		}
		if err := os.Remove(filepath.Join(parent, "latest")); err != nil { // not every checkout can have links
			return err
		}
	}
	return nil
}

func resolve(scenario string) (*plan.Plan, error) {
	list, err := scenarios.Files([]string{filepath.Join("testdata/scenarios", scenario+".yaml")})
	if err != nil {
		return nil, err
	}
	return plan.Resolve(list[0], 7)
}

// kept loads a recorded run and judges it again, up to the first n scenarios.
func kept(t testing.TB, name string, n int) *runs.Run {
	t.Helper()
	was, err := runs.Load(filepath.Join(keptFolder, name, "20260102-030405-7"))
	if err != nil {
		t.Fatal(err)
	}
	r := was.Again("v0.1.0")
	r.Wall = was.Wall
	for _, x := range was.Results[:min(n, len(was.Results))] {
		h, err := was.History(x)
		if err != nil {
			t.Fatal(err)
		}
		r.Add(runs.Played{Plan: x.Plan, History: h, Digest: x.Digest, Judgement: invariant.Judge(x.Plan, h), Wall: x.Wall})
	}
	return r
}

const all = 99

// cases are the runs whose reports have goldens.
var cases = map[string]func(t testing.TB) *runs.Run{
	"green": func(t testing.TB) *runs.Run { return kept(t, "green", all) },
	"red":   func(t testing.TB) *runs.Run { return kept(t, "red", all) },
	// One scenario of several groups, which has a line for each.
	"single": func(t testing.TB) *runs.Run { return kept(t, "red", 1) },
	// The harness itself failed in the middle of the second scenario.
	"fault": func(t testing.TB) *runs.Run {
		r := kept(t, "green", 1)
		p, err := resolve("one-late")
		if err != nil {
			t.Fatal(err)
		}
		h := &history.History{}
		r.Add(runs.Played{
			Plan: p, History: h, Digest: h.Digest(), Judgement: invariant.Judge(p, h), Wall: 40 * time.Millisecond,
			Fault: errors.New("opening the store: connecting to the server: dial tcp 127.0.0.1:5432: connect: connection refused (is the server running, and does it accept connections from here?)"),
		})
		return r
	},
	"interrupted": func(t testing.TB) *runs.Run {
		r := kept(t, "green", 1)
		r.Interrupted = true
		return r
	},
	"interrupted-violated": func(t testing.TB) *runs.Run {
		r := kept(t, "red", 1)
		r.Interrupted = true
		return r
	},
	"nothing": func(t testing.TB) *runs.Run {
		r := kept(t, "green", 0)
		r.Interrupted, r.Verdict = true, invariant.Inconclusive
		return r
	},
	// Everything that comes from outside says what it likes.
	"hostile": func(t testing.TB) *runs.Run {
		r := kept(t, "red", 1)
		x := r.Results[0]
		x.Explanation.Mechanism = hostile
		x.Explanation.Expected = "<script>alert(1)</script> & *bold* _it_ [link](http://x) ~~gone~~ \\"
		x.Explanation.Timeline = append(x.Explanation.Timeline, invariant.Line{At: history.Time(25 * time.Hour), Text: hostile})
		x.Explanation.Timeline = append(x.Explanation.Timeline, invariant.Line{Text: strings.Repeat("a log tail ", 500)})
		x.First.What = hostile
		for i := range x.Judgement.Findings {
			for j := range x.Judgement.Findings[i].Violations {
				x.Judgement.Findings[i].Violations[j].What = hostile
			}
		}
		p, err := resolve("one-late")
		if err != nil {
			t.Fatal(err)
		}
		r.Add(runs.Played{Plan: p, History: &history.History{}, Judgement: &invariant.Judgement{}, Fault: errors.New(hostile)})
		doubtful := runs.Played{Plan: p, History: &history.History{}, Judgement: &invariant.Judgement{Verdict: invariant.Inconclusive, Doubts: []string{hostile, "] ]> ]]>"}}}
		r.Add(doubtful)
		return r
	},
}

// hostile is a text with everything that one of the reports might take for its own.
const hostile = "exit 1 | \x1b[31mred\x1b[0m `code` ```\n```\n</details>\r\n| a | b |\x00\x07\ufffe\u202e\xff\xfe ]]> <b>&amp;</b> \"q\" 'q'\t\\|"

// terminal renders what the terminal shows of a run, whose plans were as many as the recorded run has.
func terminal(t testing.TB, r *runs.Run, look reports.Terminal) []byte {
	t.Helper()
	var b bytes.Buffer
	look.W = &b
	var plans []*plan.Plan
	for _, x := range r.Results {
		plans = append(plans, x.Plan)
	}
	if r.Interrupted { // others had been planned
		for _, name := range recorded["red"].scenarios[len(plans):] {
			p, err := resolve(name)
			if err != nil {
				t.Fatal(err)
			}
			plans = append(plans, p)
		}
	}
	look = look.Fit(plans)
	look.Header(r.Version, r.Seed, r.World, r.Server, r.Defect)
	for _, x := range r.Results {
		look.Result(x)
	}
	look.Summary(r)
	look.Kept(r)
	return b.Bytes()
}

// renderers are the forms in which every case is rendered.
var renderers = map[string]func(t testing.TB, r *runs.Run) []byte{
	"txt":     func(t testing.TB, r *runs.Run) []byte { return terminal(t, r, reports.Terminal{}) },
	"all.txt": func(t testing.TB, r *runs.Run) []byte { return terminal(t, r, reports.Terminal{All: true}) },
	"color.txt": func(t testing.TB, r *runs.Run) []byte {
		return terminal(t, r, reports.Terminal{Color: true})
	},
	"junit.xml":   func(t testing.TB, r *runs.Run) []byte { return must(t)(reports.JUnit(r)) },
	"summary.md":  func(t testing.TB, r *runs.Run) []byte { return must(t)(reports.Markdown(r)) },
	"report.html": func(t testing.TB, r *runs.Run) []byte { return must(t)(reports.HTML(r)) },
	"trace.json":  func(t testing.TB, r *runs.Run) []byte { return must(t)(reports.Trace(r)) },
}

func must(t testing.TB) func([]byte, error) []byte {
	return func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

// only are the cases that have a golden of the form; where there is none, all have.
var only = map[string][]string{
	"all.txt": {"red"}, "color.txt": {"red", "green"}, "report.html": {"red", "single", "hostile", "fault", "interrupted", "nothing"},
	"trace.json": {"single", "fault", "nothing"},
}

// stripped are forms of which a part is the same for every run, and has no place in each golden.
var stripped = map[string]func([]byte) []byte{
	"report.html": func(b []byte) []byte {
		b = regexp.MustCompile(`(?s)<(style|script)>.*?</(style|script)>`).ReplaceAll(b, []byte("<$1>…</$1>"))
		return regexp.MustCompile(`sha256-.*?=`).ReplaceAll(b, []byte("sha256-…"))
	},
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for form, render := range renderers {
		for name, build := range cases {
			if names := only[form]; names != nil && !strings.Contains(" "+strings.Join(names, " ")+" ", " "+name+" ") {
				continue
			}
			file := filepath.Join(goldenFolder, name+"."+form)
			known[file] = true
			t.Run(filepath.Base(file), func(t *testing.T) {
				t.Parallel()
				got := render(t, build(t))
				if again := render(t, build(t)); !bytes.Equal(got, again) {
					t.Error("one run has two renderings")
				}
				if strip := stripped[form]; strip != nil {
					got = strip(got)
				}
				if *update {
					if err := os.WriteFile(file, got, 0o600); err != nil {
						t.Fatal(err)
					}
					return
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), string(got)); diff != "" {
					t.Errorf("%s is out of date; go test ./reports -update writes it anew.\n%s", file, diff)
				}
			})
		}
	}
	entries, err := os.ReadDir(goldenFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !known[filepath.Join(goldenFolder, e.Name())] {
			t.Errorf("%s is the golden of nothing", e.Name())
		}
	}
}

// The kept runs of the tests are read by the program as any others are, and their goldens are worth nothing if they are
// not of what they seem to be.
func TestRecordedRuns(t *testing.T) {
	t.Parallel()
	want := map[string][]invariant.Verdict{
		"green": {invariant.Held, invariant.Held},
		"red":   {invariant.Violated, invariant.Held, invariant.Violated, invariant.Inconclusive},
	}
	for name := range recorded {
		var got []invariant.Verdict
		for _, x := range kept(t, name, all).Results {
			got = append(got, x.Verdict)
		}
		if diff := cmp.Diff(want[name], got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A folder gets what it lacks, and a violation names the page only where there is one.
func TestComplete(t *testing.T) {
	t.Parallel()
	r := &runs.Run{Form: runs.Form, Began: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Seed: 7, World: "sim", Store: "memory", Server: "memory store"}
	if err := r.Create(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	r.Results = append(r.Results, kept(t, "red", 1).Results...)
	page := filepath.Join(r.Folder(), "report.html")
	if got := terminal(t, r, reports.Terminal{}); bytes.Contains(got, []byte("report     ")) {
		t.Errorf("a page is named that is not there:\n%s", got)
	}
	if err := os.WriteFile(filepath.Join(r.Folder(), "summary.md"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := reports.Complete(r); err != nil {
		t.Fatal(err)
	}
	for _, name := range reports.Files() {
		got, err := os.ReadFile(filepath.Join(r.Folder(), name))
		if err != nil {
			t.Fatal(err)
		}
		if mine := string(got) == "mine"; mine != (name == "summary.md") {
			t.Errorf("%s: kept is %t", name, mine)
		}
	}
	if got := terminal(t, r, reports.Terminal{}); !bytes.Contains(got, []byte("report     "+page+"\n")) {
		t.Errorf("the page is not named:\n%s", got)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	r := &runs.Run{Form: runs.Form, Began: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Seed: 7, World: "sim", Store: "memory", Server: "memory store"}
	if err := r.Create(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	r.Results = append(r.Results, kept(t, "red", all).Results...)
	if err := reports.Write(r); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"junit.xml", "summary.md", "report.html", "trace.json"}, reports.Files()); diff != "" {
		t.Error(diff)
	}
	for _, name := range reports.Files() {
		got, err := os.ReadFile(filepath.Join(r.Folder(), name))
		if err != nil {
			t.Fatal(err)
		}
		if want := renderers[name](t, r); !bytes.Equal(got, want) {
			t.Errorf("%s is not what is rendered", name)
		}
	}
	if err := os.RemoveAll(r.Folder()); err != nil {
		t.Fatal(err)
	}
	if err := reports.Write(r); err == nil || !strings.Contains(err.Error(), "junit.xml") {
		t.Errorf("a folder that is gone: %v", err)
	}
}

package runs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
)

var began = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)

// fleet is a plan of n workspaces of one group, and a fault.
func fleet(name string, n int) *plan.Plan {
	p := &plan.Plan{Name: name, Seed: 7, Duration: plan.Duration(20 * time.Minute), Controllers: 1}
	for i := range n {
		p.Workspaces = append(p.Workspaces, plan.Workspace{
			Name: fmt.Sprintf("kimi-%d", i+1), Group: "kimi", Provider: "kimi", Runtime: "claude-code",
			Boots: []plan.Boot{{ImagePull: plan.Duration(time.Minute)}},
		})
	}
	p.Faults = []plan.Fault{{Kind: "partition", From: plan.Duration(time.Minute), Until: plan.Duration(2 * time.Minute), Workspaces: []int{1}}}
	return p
}

func at(d time.Duration) history.Time { return history.Time(d) }

// boot adds a boot of a workspace that comes up, and calls in.
func boot(h *history.History, ws int, takes time.Duration) {
	h.Add(history.Event{At: at(0), Kind: history.Move, WS: ws, Inc: 1, To: lifecycle.Provisioning, By: "create"})
	h.Add(history.Event{At: at(0), Kind: history.Machine, WS: ws, Inc: 1, Phase: history.Launched, Machine: "i-1"})
	h.Add(history.Event{At: at(takes), Kind: history.Agent, WS: ws, Inc: 1, Phase: history.Started})
	h.Add(history.Event{At: at(takes), Kind: history.Move, WS: ws, Inc: 1, From: lifecycle.Provisioning, To: lifecycle.Online, By: "register", ByInc: 1})
}

// stuck adds a boot of a workspace that is given up, comes up later, and stays failed although it is heard.
func stuck(h *history.History, ws int, end time.Duration) {
	h.Add(history.Event{At: at(0), Kind: history.Move, WS: ws, Inc: 1, To: lifecycle.Provisioning, By: "create"})
	h.Add(history.Event{At: at(10 * time.Minute), Kind: history.Move, WS: ws, Inc: 1, From: lifecycle.Provisioning, To: lifecycle.Failed, By: "provision-sweep"})
	for t := 12 * time.Minute; t < end; t += 30 * time.Second {
		h.Add(history.Event{At: at(t), Kind: history.Call, WS: ws, Inc: 1, Actor: history.ActorAgent, Call: "heartbeat", Sent: at(t - time.Second), Code: 200, Replica: 1})
	}
}

func played(p *plan.Plan, h *history.History) runs.Played {
	return runs.Played{Plan: p, History: h, Digest: h.Digest(), Judgement: invariant.Judge(p, h), Wall: 1234 * time.Millisecond}
}

// newRun returns a run of two scenarios, one of them violated, that is not kept yet.
func newRun() *runs.Run {
	r := &runs.Run{
		Form: runs.Form, Began: began, Version: "v1", Seed: 7, World: "sim", Store: "memory", Server: "memory store",
		Defect: "sticky-failed", Wall: 2 * time.Second,
	}
	var held, bad history.History
	boot(&held, 1, 3*time.Minute)
	held.Add(history.Event{At: at(20 * time.Minute), Kind: history.End})
	stuck(&bad, 1, 20*time.Minute)
	bad.Add(history.Event{At: at(20 * time.Minute), Kind: history.End})
	r.Add(runs.Played{
		Plan: fleet("held-one", 1), History: &held, Digest: held.Digest(), Wall: time.Millisecond,
		Judgement: &invariant.Judgement{Verdict: invariant.Held, Findings: []invariant.Finding{{Invariant: "converges", Verdict: invariant.Held, Checked: 1}}},
	})
	r.Add(played(fleet("stuck-one", 1), &bad))
	return r
}

func keep(t *testing.T, r *runs.Run, parent string) {
	t.Helper()
	if err := r.Create(parent); err != nil {
		t.Fatal(err)
	}
	for _, x := range r.Results {
		if err := r.SaveHistory(x); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Save(); err != nil {
		t.Fatal(err)
	}
}

func files(t *testing.T, folder string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(folder, path)
			names = append(names, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestWhatIsKeptIsRead(t *testing.T) {
	t.Parallel()
	parent := filepath.Join(t.TempDir(), "deep", "runs")
	r := newRun()
	if r.Verdict != invariant.Violated || r.Results[1].First == nil {
		t.Fatalf("the run is %s", r.Verdict)
	}
	keep(t, r, parent)
	if want := filepath.Join(parent, "20260102-030405-7"); r.Folder() != want || r.ID != filepath.Base(want) {
		t.Errorf("it is kept in %s as %s, not in %s", r.Folder(), r.ID, want)
	}
	want := []string{"held-one/history.ndjson", "run.json", "stuck-one/history.ndjson"}
	if diff := cmp.Diff(want, files(t, r.Folder())); diff != "" {
		t.Error(diff)
	}
	for _, path := range []string{r.Folder(), filepath.Join(r.Folder(), "run.json"), filepath.Join(parent, "latest")} {
		kept, err := runs.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, kept, cmpopts.IgnoreUnexported(runs.Run{}, runs.Result{}, runs.Group{})); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
		for i, x := range kept.Results {
			h, err := kept.History(x)
			if err != nil {
				t.Fatal(err)
			}
			was, err := r.History(r.Results[i])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(was, h); diff != "" {
				t.Error(diff)
			}
			if i == 1 {
				if diff := cmp.Diff(x.Judgement, invariant.Judge(x.Plan, h)); diff != "" {
					t.Errorf("the kept history is judged otherwise: %s", diff)
				}
			}
			text, err := os.ReadFile(filepath.Join(r.Folder(), x.Scenario, "history.ndjson"))
			if err != nil {
				t.Fatal(err)
			}
			if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != x.Digest {
				t.Errorf("sha256sum says %x, run.json %s", sum, x.Digest)
			}
		}
	}
}

func TestDigestIsOfAllScenariosInOrder(t *testing.T) {
	t.Parallel()
	r := newRun()
	sum := sha256.Sum256([]byte(r.Results[0].Digest + r.Results[1].Digest))
	if got := hex.EncodeToString(sum[:]); got != r.Digest {
		t.Errorf("the digest is %s, not %s", r.Digest, got)
	}
}

func TestRunsOfOneSecondAndSeed(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	const n = 20
	all := make([]*runs.Run, n)
	var together sync.WaitGroup
	for i := range all {
		together.Go(func() {
			all[i] = newRun()
			keep(t, all[i], parent)
		})
	}
	together.Wait()
	seen := map[string]bool{}
	for _, r := range all {
		if seen[r.ID] || !strings.HasPrefix(r.ID, "20260102-030405-7") {
			t.Errorf("two runs are called %s", r.ID)
		}
		seen[r.ID] = true
		if _, err := runs.Load(r.Folder()); err != nil {
			t.Error(err)
		}
	}
	for i := 2; i <= n; i++ {
		if name := fmt.Sprintf("20260102-030405-7.%d", i); !seen[name] {
			t.Errorf("no run is called %s", name)
		}
	}
	if latest, err := runs.Load(filepath.Join(parent, "latest")); err != nil || !seen[latest.ID] {
		t.Errorf("latest is %v, %v", latest, err)
	}
	entries, err := os.ReadDir(parent)
	if err != nil || len(entries) != n+1 {
		t.Errorf("the folder holds %d entries beside %d runs and latest: %v", len(entries), n, err)
	}
}

func TestLatestMoves(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	for i := range 3 {
		r := newRun()
		r.Began = began.Add(time.Duration(i) * time.Hour)
		keep(t, r, parent)
		target, err := os.Readlink(filepath.Join(parent, "latest"))
		if err != nil || target != r.ID {
			t.Errorf("latest points at %s, not at %s: %v", target, r.ID, err)
		}
	}
	// The whole folder can be moved: the link is relative.
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(parent, moved); err != nil {
		t.Fatal(err)
	}
	if _, err := runs.Load(filepath.Join(moved, "latest")); err != nil {
		t.Error(err)
	}
}

// A run that is played only in part is in its folder, but is no run to anybody, and latest is the one before.
func TestCrashBetweenFiles(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	before := newRun()
	keep(t, before, parent)
	crashed := newRun()
	if err := crashed.Create(parent); err != nil {
		t.Fatal(err)
	}
	if err := crashed.SaveHistory(crashed.Results[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := runs.Load(crashed.Folder()); err == nil || !strings.Contains(err.Error(), crashed.Folder()) {
		t.Errorf("the half of a run is read: %v", err)
	}
	if latest, err := runs.Load(filepath.Join(parent, "latest")); err != nil || latest.ID != before.ID {
		t.Errorf("latest is %v: %v", latest, err)
	}
}

// Whoever looks while a file is written sees the old one or the new one.
func TestNoHalfOfAFileIsSeen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	texts := []string{strings.Repeat("a", 1<<18), strings.Repeat("b", 1<<17)}
	if err := runs.WriteFile(path, []byte(texts[0])); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 100 {
			if err := runs.WriteFile(path, []byte(texts[i%2])); err != nil {
				t.Error(err)
			}
		}
	}()
	for {
		b, err := os.ReadFile(path)
		if err != nil || string(b) != texts[0] && string(b) != texts[1] {
			t.Fatalf("a half of %d bytes was seen: %v", len(b), err)
		}
		select {
		case <-done:
			if left := files(t, filepath.Dir(path)); len(left) != 1 {
				t.Errorf("something is left: %s", left)
			}
			return
		default:
		}
	}
}

func TestWriteFileNamesTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "missing", "file")
	if err := runs.WriteFile(path, nil); err == nil || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
	// A folder in the way: the rename fails.
	folder := t.TempDir()
	if err := runs.WriteFile(folder, nil); err == nil || !strings.Contains(err.Error(), folder) {
		t.Error(err)
	}
}

func TestCreateNamesWhatIsInTheWay(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := newRun().Create(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Error(err)
	}
}

// alter changes run.json as a program that knows nothing of its types would.
func alter(t *testing.T, folder string, change func(run map[string]any)) {
	t.Helper()
	path := filepath.Join(folder, "run.json")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var run map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber() // times keep their digits
	if err := d.Decode(&run); err != nil {
		t.Fatal(err)
	}
	change(run)
	if b, err = json.Marshal(run); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func result(run map[string]any, i int) map[string]any {
	return run["results"].([]any)[i].(map[string]any)
}

func planOf(run map[string]any, i int) map[string]any { return result(run, i)["plan"].(map[string]any) }

func TestDamagedAndForeignFilesAreRefused(t *testing.T) {
	t.Parallel()
	write := func(text string) func(*testing.T, string) {
		return func(t *testing.T, folder string) {
			if err := os.WriteFile(filepath.Join(folder, "run.json"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	change := func(f func(run map[string]any)) func(*testing.T, string) {
		return func(t *testing.T, folder string) { alter(t, folder, f) }
	}
	for name, c := range map[string]struct {
		damage func(t *testing.T, folder string)
		says   string
	}{
		"empty":          {write(""), "damaged: unexpected end of JSON input"},
		"cut off":        {write(`{"form": 1, "id": "x", "resu`), "damaged: unexpected end"},
		"not JSON":       {write("<html>"), "damaged: invalid character"},
		"a list":         {write("[]"), "damaged: json: cannot unmarshal array"},
		"somebody's":     {write(`{"results": []}`), "says nothing of its form"},
		"another form":   {write(`{"form": 2, "results": "who knows"}`), "has form 2, and this bootrace reads form 1"},
		"wrong type":     {write(`{"form": 1, "seed": "seven"}`), "damaged: json: cannot unmarshal string"},
		"no file":        {func(t *testing.T, folder string) { remove(t, filepath.Join(folder, "run.json")) }, "is no run's folder"},
		"a null":         {change(func(r map[string]any) { r["results"] = []any{nil} }), "result 1 lacks its plan"},
		"no plan":        {change(func(r map[string]any) { delete(result(r, 1), "plan") }), "result 2 lacks its plan"},
		"no judgement":   {change(func(r map[string]any) { delete(result(r, 0), "judgement") }), "result 1 lacks its plan or judgement"},
		"renamed":        {change(func(r map[string]any) { result(r, 0)["scenario"] = "other" }), `its plan is that of "held-one"`},
		"twice":          {change(func(r map[string]any) { r["results"] = []any{result(r, 0), result(r, 0)} }), "it is there twice"},
		"unexplained":    {change(func(r map[string]any) { delete(result(r, 1), "explanation") }), "its violation is not explained"},
		"verdict":        {change(func(r map[string]any) { result(r, 1)["verdict"] = "passed" }), `"passed" is no verdict`},
		"no controllers": {change(func(r map[string]any) { planOf(r, 0)["controllers"] = 0 }), "0 controllers"},
		"no boots": {change(func(r map[string]any) {
			planOf(r, 0)["workspaces"].([]any)[0].(map[string]any)["boots"] = []any{}
		}), "workspace 1 of the plan has no boot"},
		"act on nobody": {change(func(r map[string]any) {
			planOf(r, 0)["acts"] = []any{map[string]any{"at": "1m", "do": "pause", "workspace": 2}}
		}), "about workspace 2, which it does not have"},
		"fault on nobody": {change(func(r map[string]any) {
			planOf(r, 0)["faults"].([]any)[0].(map[string]any)["workspaces"] = []any{0}
		}), "fault 1 of the plan is about workspace 0"},
		"fault on no replica": {change(func(r map[string]any) {
			planOf(r, 0)["faults"].([]any)[0].(map[string]any)["replica"] = 2
		}), "fault 1 of the plan is about controller 2"},
		"a way out": {change(func(r map[string]any) {
			result(r, 0)["scenario"], planOf(r, 0)["name"] = "../../etc", "../../etc"
		}), "its name is no name of a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRun()
			keep(t, r, t.TempDir())
			c.damage(t, r.Folder())
			_, err := runs.Load(r.Folder())
			if err == nil {
				t.Fatal("it is read")
			}
			if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), r.Folder()) {
				t.Errorf("the error does not say %q and %s: %v", c.says, r.Folder(), err)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedHistoriesAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage func(text string) string
		says   string
	}{
		"cut off":       {func(s string) string { return s[:len(s)-20] }, "history line"},
		"a line less":   {func(s string) string { return s[strings.IndexByte(s, '\n')+1:] }, "is not the history that run.json speaks of"},
		"another field": {func(s string) string { return strings.Replace(s, `"kind"`, `"kindness"`, 1) }, "history line 1"},
		"one digit":     {func(s string) string { return strings.Replace(s, `"inc":1`, `"inc":2`, 1) }, "is not the history that run.json speaks of"},
		"back in time":  {func(s string) string { return s + `{"t":0.000000,"kind":"end"}` + "\n" }, "time goes back"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRun()
			keep(t, r, t.TempDir())
			path := filepath.Join(r.Folder(), "held-one", "history.ndjson")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(c.damage(string(text))), 0o600); err != nil {
				t.Fatal(err)
			}
			kept, err := runs.Load(r.Folder())
			if err != nil {
				t.Fatal(err)
			}
			_, err = kept.History(kept.Results[0])
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("the error does not say %q and %s: %v", c.says, path, err)
			}
			if _, err := kept.History(kept.Results[1]); err != nil {
				t.Errorf("the other history is not read either: %v", err)
			}
		})
	}
	t.Run("gone", func(t *testing.T) {
		t.Parallel()
		r := newRun()
		keep(t, r, t.TempDir())
		path := filepath.Join(r.Folder(), "held-one", "history.ndjson")
		remove(t, path)
		kept, err := runs.Load(r.Folder())
		if err != nil {
			t.Fatal(err)
		}
		if _, err = kept.History(kept.Results[0]); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
			t.Error(err)
		}
	})
	t.Run("of another plan", func(t *testing.T) {
		t.Parallel()
		h := &history.History{}
		h.Add(history.Event{Kind: history.Fault, Fault: 2, Phase: history.Started})
		r := &runs.Run{Form: runs.Form, Began: began}
		r.Results = []*runs.Result{{
			Scenario: "held-one", Verdict: invariant.Held, Digest: h.Digest(), Plan: fleet("held-one", 1), Judgement: &invariant.Judgement{},
		}}
		parent := t.TempDir()
		if err := r.Create(parent); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		h.WriteTo(&b)
		if err := os.Mkdir(filepath.Join(r.Folder(), "held-one"), 0o700); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(r.Folder(), "held-one", "history.ndjson")
		if err := runs.WriteFile(path, []byte(b.String())); err != nil {
			t.Fatal(err)
		}
		if err := r.Save(); err != nil {
			t.Fatal(err)
		}
		kept, err := runs.Load(r.Folder())
		if err != nil {
			t.Fatal(err)
		}
		_, err = kept.History(kept.Results[0])
		if err == nil || !strings.Contains(err.Error(), "line 1 is about fault 2, which the plan does not have") {
			t.Error(err)
		}
	})
}

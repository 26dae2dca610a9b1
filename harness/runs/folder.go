package runs

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/linear"
	"github.com/bootrace/bootrace/harness/plan"
)

// Names of the files in a run's folder.
const (
	FileRun     = "run.json"
	FileHistory = "history.ndjson"
	FileDrawing = "linearizable.html"
	latest      = "latest"
)

// Played is one scenario's play, as the harness hands it over.
type Played struct {
	Plan      *plan.Plan
	History   *history.History
	Digest    string
	Judgement *invariant.Judgement
	Wall      time.Duration
	Tries     []Try
	Fault     error
}

// Add takes a played scenario into the run.
func (r *Run) Add(p Played) *Result {
	x := &Result{
		Scenario: p.Plan.Name, Verdict: p.Judgement.Verdict, Digest: p.Digest, Events: len(p.History.Events), Wall: p.Wall, Tries: p.Tries,
		Groups: groups(p.Plan, p.History), Judgement: p.Judgement, First: p.Judgement.First(), Plan: p.Plan,
		history: p.History,
	}
	if p.Fault != nil {
		x.Fault, x.Verdict, x.First = p.Fault.Error(), invariant.Inconclusive, nil
	}
	if x.First != nil {
		e := invariant.Explain(p.Plan, p.History, x.First)
		x.Explanation = &e
	}
	r.Results = append(r.Results, x)
	r.sum()
	return x
}

// sum brings what the run says of all its results up to date.
func (r *Run) sum() {
	r.Verdict = invariant.Held
	digest := sha256.New()
	for _, x := range r.Results {
		r.Verdict = r.Verdict.Worse(x.Verdict)
		digest.Write([]byte(x.Digest))
	}
	if len(r.Results) == 0 {
		r.Verdict = invariant.Inconclusive
	}
	r.Digest = hex.EncodeToString(digest.Sum(nil))
}

// History returns the scenario's history, from the run's folder where the run was loaded.
func (r *Run) History(x *Result) (*history.History, error) {
	if x.history != nil {
		return x.history, nil
	}
	path := filepath.Join(r.folder, x.Scenario, FileHistory)
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the history of %s cannot be read: %w", x.Scenario, err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	h, err := history.Read(bufio.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if got := h.Digest(); got != x.Digest {
		return nil, fmt.Errorf("%s is not the history that run.json speaks of: its digest is %s, not %s", path, got, x.Digest)
	}
	if why := checkHistory(x.Plan, h); why != "" {
		return nil, fmt.Errorf("%s is not a history of the plan in run.json: %s", path, why)
	}
	x.history = h
	return h, nil
}

// Create makes a folder for the run below parent, and names the run after the time it began and its seed.
func (r *Run) Create(parent string) error {
	if err := os.MkdirAll(parent, 0o755); err != nil { //nolint:gosec // reports are for everybody to read
		return fmt.Errorf("the folder for runs: %w", err)
	}
	base := fmt.Sprintf("%s-%d", r.Began.UTC().Format("20060102-150405"), r.Seed)
	for n := 1; ; n++ {
		r.ID = base
		if n > 1 {
			r.ID = fmt.Sprintf("%s.%d", base, n)
		}
		r.folder = filepath.Join(parent, r.ID)
		err := os.Mkdir(r.folder, 0o755) //nolint:gosec // reports are for everybody to read
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, fs.ErrExist) || n > 1000:
			return fmt.Errorf("the run's folder: %w", err)
		}
	}
}

// SaveHistory writes the result's history into the run's folder.
func (r *Run) SaveHistory(x *Result) error {
	folder := filepath.Join(r.folder, x.Scenario)
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // reports are for everybody to read
		return fmt.Errorf("the scenario's folder: %w", err)
	}
	var b bytes.Buffer
	if _, err := x.history.WriteTo(&b); err != nil {
		return fmt.Errorf("encoding the history: %w", err)
	}
	if err := WriteFile(filepath.Join(folder, FileHistory), b.Bytes()); err != nil {
		return err
	}
	return saveDrawing(folder, x)
}

// saveDrawing writes porcupine's picture of the first workspace whose replies have no legal order, where there is one.
func saveDrawing(folder string, x *Result) error {
	for _, f := range x.Judgement.Findings {
		if f.Invariant != "linearizable" || len(f.Violations) == 0 {
			continue
		}
		var b bytes.Buffer
		if err := linear.Draw(&b, x.Plan, x.history, f.Violations[0].Workspace); err != nil {
			return err
		}
		return WriteFile(filepath.Join(folder, FileDrawing), b.Bytes())
	}
	return nil
}

// Save writes run.json, and points latest beside the run's folder at it.
func (r *Run) Save() error {
	r.sum()
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", FileRun, err)
	}
	if err := WriteFile(filepath.Join(r.folder, FileRun), append(b, '\n')); err != nil {
		return err
	}
	link := filepath.Join(filepath.Dir(r.folder), latest)
	temporary := link + "." + r.ID
	if err := os.Symlink(r.ID, temporary); err != nil {
		return fmt.Errorf("pointing %s at the run: %w", latest, err)
	}
	if err := os.Rename(temporary, link); err != nil {
		os.Remove(temporary) //nolint:errcheck // the first error is the one to tell
		return fmt.Errorf("pointing %s at the run: %w", latest, err)
	}
	return nil
}

// WriteFile writes a file under another name and renames it, so that nobody ever sees a half.
func WriteFile(path string, b []byte) error {
	temporary := path + ".writing"
	if err := os.WriteFile(temporary, b, 0o644); err != nil { //nolint:gosec // reports are for everybody to read
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// Load reads a run from its folder, or from its run.json. Errors name the file.
func Load(path string) (*Run, error) {
	if filepath.Base(path) == FileRun {
		path = filepath.Dir(path)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	file := filepath.Join(path, FileRun)
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s is no run's folder: %w", path, err)
	}
	var head struct {
		Form int `json:"form"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", file, err)
	}
	switch head.Form {
	case Form:
	case 0:
		return nil, fmt.Errorf("%s says nothing of its form: no bootrace wrote it", file)
	default:
		return nil, fmt.Errorf("%s has form %d, and this bootrace reads form %d: use the version that wrote it", file, head.Form, Form)
	}
	r := &Run{folder: path}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", file, err)
	}
	if why := check(r); why != "" {
		return nil, fmt.Errorf("%s is damaged: %s", file, why)
	}
	return r, nil
}

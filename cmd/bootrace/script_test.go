package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bootrace/bootrace/harness/pgserver"
)

func TestMain(m *testing.M) {
	// In scripts and in tests, bootrace is this test binary.
	testscript.Main(m, map[string]func(){"bootrace": main})
}

// promptly has a program with the race detector in it end when it ends, and not a second later.
const promptly = "atexit_sleep_ms=0"

// postgresServer starts a real Postgres for the tests that need one. Where none is available, they fail: a skip would hide
// that half of what is promised was never tried.
func postgresServer(t *testing.T) *pgserver.Server {
	t.Helper()
	server, err := pgserver.Start(t.Context(), pgserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// The command line as its users have it: what it prints, what it leaves on disk, and how it ends.
func TestScripts(t *testing.T) {
	t.Parallel()
	server := postgresServer(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SERVER", server.URL(""))
			e.Setenv("TERM", "xterm")
			e.Setenv("GORACE", promptly)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"holds":   holds,
			"intact":  intact,
			"digest":  digest,
			"replace": replace,
			"reseal":  reseal,
		},
	})
}

// exits CODE PROGRAM [ARGS] runs a program that must end with the code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%s ended with %d, not %d", strings.Join(args[1:], " "), got, want)
	}
}

// holds FOLDER FILES... fails where the folder, with all below it, holds other files than these.
func holds(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: holds folder [files...]")
	}
	folder := ts.MkAbs(args[0])
	if target, err := filepath.EvalSymlinks(folder); err == nil {
		folder = target
	}
	var got []string
	ts.Check(filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(folder, path)
			got = append(got, filepath.ToSlash(rel))
		}
		return err
	}))
	want := slices.Sorted(slices.Values(args[1:]))
	if slices.Sort(got); !slices.Equal(got, want) {
		ts.Fatalf("%s holds %q, not %q", args[0], got, want)
	}
}

// keptRun is as much of run.json as others than the program itself may go by.
type keptRun struct {
	Form        int    `json:"form"`
	ID          string `json:"id"`
	Verdict     string `json:"verdict"`
	Digest      string `json:"digest"`
	Interrupted bool   `json:"interrupted"`
	Results     []struct {
		Scenario string `json:"scenario"`
		Verdict  string `json:"verdict"`
		Digest   string `json:"digest"`
		Events   int    `json:"events"`
	} `json:"results"`
}

func readRun(folder string) (keptRun, error) {
	var r keptRun
	b, err := os.ReadFile(filepath.Join(folder, "run.json"))
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	return r, err
}

// checkRun looks at a run's folder with no help of the program: that every digest in run.json is the SHA-256 of the file
// that it speaks of, and the run's that of theirs.
func checkRun(folder string) error {
	r, err := readRun(folder)
	if err != nil {
		return err
	}
	all := sha256.New()
	for _, x := range r.Results {
		history, err := os.ReadFile(filepath.Join(folder, x.Scenario, "history.ndjson"))
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(history); hex.EncodeToString(sum[:]) != x.Digest {
			return fmt.Errorf("the history of %s has the digest %x, and run.json says %s", x.Scenario, sum, x.Digest)
		}
		if lines := bytes.Count(history, []byte("\n")); lines != x.Events || !bytes.HasSuffix(history, []byte(`"kind":"end"}`+"\n")) {
			return fmt.Errorf("the history of %s has %d lines, run.json speaks of %d, or it has no end", x.Scenario, lines, x.Events)
		}
		all.Write([]byte(x.Digest))
	}
	if sum := hex.EncodeToString(all.Sum(nil)); sum != r.Digest {
		return fmt.Errorf("the digest of all is %s, and run.json says %s", sum, r.Digest)
	}
	return nil
}

// intact FOLDER fails where a digest in the run's folder is not that of what it stands for.
func intact(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: intact folder")
	}
	ts.Check(checkRun(ts.MkAbs(args[0])))
}

// digest FOLDER VARIABLE sets a variable to the digest of a run.
func digest(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: digest folder variable")
	}
	r, err := readRun(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(r.Digest) != 64 {
		ts.Fatalf("%q is no digest", r.Digest)
	}
	ts.Setenv(args[1], r.Digest)
}

// replace FILE OLD NEW replaces what must be in the file, the first time that it is.
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace file old new")
	}
	path := ts.MkAbs(args[0])
	text, err := os.ReadFile(path)
	ts.Check(err)
	if !bytes.Contains(text, []byte(args[1])) {
		ts.Fatalf("%s does not contain %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, bytes.Replace(text, []byte(args[1]), []byte(args[2]), 1), 0o600))
}

// reseal FOLDER SCENARIO gives a scenario of a run, and the run, the digests that their files have now.
func reseal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: reseal folder scenario")
	}
	folder := ts.MkAbs(args[0])
	history, err := os.ReadFile(filepath.Join(folder, args[1], "history.ndjson"))
	ts.Check(err)
	r, err := readRun(folder)
	ts.Check(err)
	text, err := os.ReadFile(filepath.Join(folder, "run.json"))
	ts.Check(err)
	all := sha256.New()
	for _, x := range r.Results {
		if x.Scenario == args[1] {
			sum := sha256.Sum256(history)
			text = bytes.ReplaceAll(text, []byte(x.Digest), []byte(hex.EncodeToString(sum[:])))
			x.Digest = hex.EncodeToString(sum[:])
		}
		all.Write([]byte(x.Digest))
	}
	text = bytes.ReplaceAll(text, []byte(r.Digest), []byte(hex.EncodeToString(all.Sum(nil))))
	ts.Check(os.WriteFile(filepath.Join(folder, "run.json"), text, 0o600))
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/bootrace/bootrace/internal/mutation/hand/outcome"
)

// shop builds trials and runs them.
type shop struct {
	root    string // of the module
	folder  string // for what is built
	options options
}

// result is what came of one mutant.
type result struct {
	Mutant  Mutant          `json:"-"`
	Tree    string          `json:"tree"`
	Outcome outcome.Outcome `json:"outcome"`
}

// try builds the trial with the mutant and runs it. It never fails: what went wrong is in the outcome.
func (s *shop) try(ctx context.Context, m *Mutant) result {
	r := result{Mutant: *m}
	folder := filepath.Join(s.folder, m.Name)
	defer os.RemoveAll(folder) //nolint:errcheck // the whole shop is removed at the end
	if err := s.tryIn(ctx, folder, &r); err != nil {
		r.Outcome.Broken = err.Error()
	}
	return r
}

func (s *shop) tryIn(ctx context.Context, folder string, r *result) error {
	overlay, err := s.overlay(folder, &r.Mutant)
	if err != nil {
		return err
	}
	program := filepath.Join(folder, "trial")
	build := s.command(ctx, "go", "build", "-ldflags", "-s -w", "-overlay", overlay, "-o", program, "./internal/mutation/hand/trial")
	build.Dir = s.root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("it does not build: %w\n%s", err, out)
	}
	store := r.Mutant.Store
	if store == "" {
		store = "memory"
	}
	// Processor time bounds the searches; this bounds a mutant that never ends.
	searches := s.options.seeds + 3
	limited, stop := context.WithTimeout(ctx, 5*time.Minute+s.options.budget*time.Duration(10*searches))
	defer stop()
	run := s.command(limited, program, "-store", store, "-for", s.options.budget.String(), "-seeds", fmt.Sprint(s.options.seeds))
	run.Env = append(os.Environ(), "GOMAXPROCS=2", "GOGC=400")
	if r.Mutant.Cloud != "" {
		run.Args = append(run.Args, "-cloud", r.Mutant.Cloud)
	}
	var complaint bytes.Buffer
	run.Stderr = &complaint
	out, err := run.Output()
	switch {
	case errors.Is(limited.Err(), context.DeadlineExceeded):
		return errors.New("it did not come to its end")
	case err != nil:
		return fmt.Errorf("%w: %s", err, lastOf(complaint.String()))
	}
	return json.Unmarshal(out, &r.Outcome)
}

// overlay writes the changed files and what has the go command read them in place of the module's.
func (s *shop) overlay(folder string, m *Mutant) (string, error) {
	changed, err := m.apply(s.root)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	replace := map[string]string{}
	for name, text := range changed {
		file := filepath.Join(folder, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(s.root, name)] = file
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(folder, "overlay.json")
	return file, os.WriteFile(file, text, 0o600)
}

// command is a command that ends with the context: it is asked to, and killed where it does not.
func (s *shop) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...) //nolint:gosec // the go command, or what it built
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 10 * time.Second
	return c
}

func lastOf(text string) string {
	const most = 2000
	text = strings.TrimSpace(text)
	if len(text) > most {
		text = "…" + text[len(text)-most:]
	}
	return text
}

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
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/bootrace/bootrace/internal/mutation/hand/outcome"
	"github.com/bootrace/bootrace/internal/mutation/hand/switched"
)

// shop builds trials and runs them.
type shop struct {
	root    string // of the module
	folder  string // for what is built
	options options

	together string         // the program that has a batch of mutants in it; empty where there is none
	numbers  map[string]int // of the mutants that are in it
}

// result is what came of one mutant.
type result struct {
	Mutant  Mutant          `json:"-"`
	Tree    string          `json:"tree"`
	Outcome outcome.Outcome `json:"outcome"`
}

// prepare builds one program for as many of the mutants as it can. Those that keep it from compiling are left for themselves.
func (s *shop) prepare(ctx context.Context, mutants []Mutant) error {
	const fewest = 3 // below which it is not worth it
	alone := map[int]bool{}
	for {
		b := newBatch(s.root)
		s.numbers = map[string]int{}
		for i := range mutants {
			m := &mutants[i]
			if !alone[i+1] && b.add(m, i+1) {
				s.numbers[m.Name] = i + 1
			}
		}
		if len(s.numbers) < fewest {
			s.numbers = nil
			return nil
		}
		folder := filepath.Join(s.folder, "together")
		changed := map[string][]byte{}
		for name, f := range b.files {
			if len(f.jumps)+len(f.values) > 0 {
				changed[name] = []byte(f.mix())
			}
		}
		program, complaint, err := s.build(ctx, folder, changed)
		if err == nil {
			s.together = program
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		before := len(alone)
		blame(complaint, changed, alone)
		if len(alone) == before { // which is nobody's fault that could be left out
			return fmt.Errorf("the batch does not build: %w\n%s", err, lastOf(complaint))
		}
	}
}

var (
	complained = regexp.MustCompile(`(?m)^(\S+\.go):(\d+):`)
	numbered   = regexp.MustCompile(`_mutant(\d+)\(|, (\d+), `)
)

// blame adds the mutants to alone on whose lines the compiler complains.
func blame(complaint string, changed map[string][]byte, alone map[int]bool) {
	for _, m := range complained.FindAllStringSubmatch(complaint, -1) {
		for name, text := range changed {
			if !strings.HasSuffix(m[1], name) && !strings.HasSuffix(m[1], strings.ReplaceAll(name, "/", "_")) {
				continue
			}
			lines := strings.Split(string(text), "\n")
			at, _ := strconv.Atoi(m[2])
			for at = min(at, len(lines)); at > 0; at-- {
				line := lines[at-1]
				found := false
				if strings.HasPrefix(line, "func ") || strings.Contains(line, "mutants.Value(") {
					for _, n := range numbered.FindAllStringSubmatch(line, -1) {
						number, _ := strconv.Atoi(n[1] + n[2])
						alone[number], found = true, true
					}
				}
				if found || strings.HasPrefix(line, "func ") {
					break
				}
			}
		}
	}
}

// try runs the trial with the mutant. It never fails: what went wrong is in the outcome.
func (s *shop) try(ctx context.Context, m *Mutant) result {
	r := result{Mutant: *m}
	if err := s.tryIn(ctx, &r); err != nil {
		r.Outcome.Broken = err.Error()
	}
	return r
}

func (s *shop) tryIn(ctx context.Context, r *result) error {
	m := &r.Mutant
	program, number := s.together, s.numbers[m.Name]
	if number == 0 {
		changed, err := m.apply(s.root)
		if err != nil {
			return err
		}
		folder := filepath.Join(s.folder, m.Name)
		defer os.RemoveAll(folder) //nolint:errcheck // the whole shop is removed at the end
		var complaint string
		if program, complaint, err = s.build(ctx, folder, changed); err != nil {
			return fmt.Errorf("it does not build: %w\n%s", err, complaint)
		}
	}
	store := m.Store
	if store == "" {
		store = "memory"
	}
	// Processor time bounds the searches; this bounds a mutant that never ends.
	searches := s.options.seeds + 3
	limited, stop := context.WithTimeout(ctx, 5*time.Minute+s.options.budget*time.Duration(10*searches))
	defer stop()
	run := s.command(limited, program, "-store", store, "-for", s.options.budget.String(), "-seeds", fmt.Sprint(s.options.seeds))
	run.Env = append(os.Environ(), "GOMAXPROCS=2", "GOGC=400", fmt.Sprintf("%s=%d", switched.Variable, number))
	if s.options.quick {
		run.Args = append(run.Args, "-quick")
	}
	if m.Cloud != "" {
		run.Args = append(run.Args, "-cloud", m.Cloud)
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

// build builds the trial with the changed files in the folder.
func (s *shop) build(ctx context.Context, folder string, changed map[string][]byte) (program, complaint string, err error) {
	overlay, err := s.overlay(folder, changed)
	if err != nil {
		return "", "", err
	}
	program = filepath.Join(folder, "trial")
	build := s.command(ctx, "go", "build", "-gcflags", "-e", "-ldflags", "-s -w", "-overlay", overlay, "-o", program, "./internal/mutation/hand/trial")
	build.Dir = s.root
	out, err := build.CombinedOutput()
	return program, string(out), err
}

// overlay writes the changed files and what has the go command read them in place of the module's.
func (s *shop) overlay(folder string, changed map[string][]byte) (string, error) {
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

// alone names the mutants that are not in the batch.
func (s *shop) alone(mutants []Mutant) []string {
	var names []string
	for _, m := range mutants {
		if s.numbers[m.Name] == 0 {
			names = append(names, m.Name)
		}
	}
	slices.Sort(names)
	return names
}

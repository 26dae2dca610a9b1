package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/bootrace/bootrace/internal/mutation/hand/outcome"
)

// options are the command line.
type options struct {
	only      string
	jobs      int
	budget    time.Duration
	seeds     int
	survivors bool
	kept      bool
	write     bool
	quick     bool
}

func main() {
	var o options
	flag.StringVar(&o.only, "only", "", "try only mutants whose name or subject matches this regular expression")
	flag.IntVar(&o.jobs, "jobs", runtime.NumCPU(), "trials at a time")
	flag.DurationVar(&o.budget, "for", 10*time.Second, "processor time of one search")
	flag.IntVar(&o.seeds, "seeds", 3, "seeds of generated plans")
	flag.BoolVar(&o.survivors, "survivors", false, "try again only what an earlier version of the harness did not find with every seed")
	flag.BoolVar(&o.kept, "kept", false, "try nothing: go by what is kept, of whatever version, and list the rest as not tried")
	flag.BoolVar(&o.quick, "quick", false, "no small worlds, and no more seeds once one has not found it")
	flag.BoolVar(&o.write, "write", false, "write the table of all mutants to TABLE.md")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, o)
	switch {
	case ctx.Err() != nil:
		stop()
		fmt.Fprintln(os.Stderr, "mutants: interrupted; what was tried so far is kept")
		os.Exit(130) //nolint:gocritic // stop was called
	case err != nil:
		fmt.Fprintln(os.Stderr, "mutants:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	here := filepath.Join(root, "internal/mutation/hand")
	all, err := readMutants(filepath.Join(here, "mutants"))
	if err != nil {
		return err
	}
	picked, err := pick(all, o.only)
	if err != nil {
		return err
	}
	var problems []error
	for i := range picked {
		if _, err := picked[i].apply(root); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 { // a mutant that is not what it was must not count as one that survives
		return errors.Join(problems...)
	}
	k, err := newKeeper(filepath.Join(root, "mutants", "hand"), root, o)
	if err != nil {
		return err
	}
	s := shop{root: root, folder: filepath.Join(root, "mutants", "_shop"), options: o}
	todo := 0
	for i := range picked {
		if _, cached := k.find(&picked[i]); !cached && !o.kept {
			todo++
		}
	}
	if todo > 0 {
		if err := s.prepare(ctx, all); err != nil { // all of them, so that the next time there is little to build
			return err
		}
		fmt.Printf("%d to try; not in the program of the others: %q\n", todo, s.alone(all))
	}
	results := make([]result, len(picked))
	next := make(chan int, len(picked))
	for i := range picked {
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	var saying sync.Mutex
	for range max(o.jobs, 1) {
		workers.Go(func() {
			for i := range next {
				if ctx.Err() != nil {
					return
				}
				r, cached := k.find(&picked[i])
				if o.kept && !cached {
					r = result{Mutant: picked[i], Outcome: outcome.Outcome{Broken: "not tried"}}
				} else if !cached {
					r = s.try(ctx, &picked[i])
					if ctx.Err() != nil {
						return
					}
					k.keep(r)
				}
				results[i] = r
				saying.Lock()
				fmt.Println(r.line(cached))
				saying.Unlock()
			}
		})
	}
	workers.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	fmt.Println(summary(results))
	if o.write {
		if o.only != "" {
			return errors.New("-write is for all mutants, not for those that -only picks")
		}
		if err := os.WriteFile(filepath.Join(here, "TABLE.md"), []byte(table(results, k.tree, o)), 0o644); err != nil { //nolint:gosec // everybody may read it
			return err
		}
	}
	for _, r := range results {
		if r.Outcome.Broken != "" && !o.kept {
			problems = append(problems, fmt.Errorf("mutant %s could not be tried: %s", r.Mutant.Name, r.Outcome.Broken))
		}
	}
	return errors.Join(append(problems, k.err)...)
}

// moduleRoot is the folder of the module that the program is run in.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("asking for the module: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

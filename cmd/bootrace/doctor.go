package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/bootrace/bootrace/controller/store/postgres/pgserver"
)

type doctorCmd struct {
	DatabaseURL string `env:"BOOTRACE_DATABASE_URL" placeholder:"URL" help:"A Postgres server to look at, too."`
}

// Run implements the command.
func (c *doctorCmd) Run(ctx context.Context, s streams) error {
	p := func(format string, args ...any) { fmt.Fprintf(s.out, format, args...) }
	p("bootrace %s, %s, %s/%s, %d cores\n\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	p("Postgres, in the order in which a source is looked for:\n")
	usable := false
	for _, a := range pgserver.Probe(ctx, pgserver.Options{URL: c.DatabaseURL}) {
		if a.Err != nil {
			p("  ✗ %-10s %v\n", a.Source, a.Err)
			continue
		}
		mark := "✓"
		if usable {
			mark = "·" // it would do, but an earlier one is used
		}
		usable = true
		p("  %s %-10s %s\n", mark, a.Source, a.Detail)
	}
	if !usable {
		return environment(errors.New("no Postgres can be had; bootrace run --store memory does without"))
	}
	return nil
}

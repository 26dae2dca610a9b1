package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/bootrace/bootrace/controller/store/postgres/pgserver"
)

type doctorCmd struct {
	DatabaseURL string `env:"BOOTRACE_DATABASE_URL" placeholder:"URL" help:"A Postgres server to look at, too."`
}

// Run implements the command.
func (c *doctorCmd) Run(ctx context.Context, s streams) error {
	p := func(format string, args ...any) { fmt.Fprintf(s.out, format, args...) }
	p("bootrace %s, %s, %s/%s, %s\n\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH,
		plural(runtime.NumCPU(), "core", "cores"))
	p("Postgres, in the order in which a source is looked for:\n")
	const column = 15 // of what is said of a source
	usable, given := false, true
	for _, a := range pgserver.Probe(ctx, pgserver.Options{URL: c.DatabaseURL}) {
		mark, text := "✓", a.Detail
		switch {
		case a.Source == pgserver.SourceURL && c.DatabaseURL == "":
			continue // there is nothing to look at
		case a.Err != nil:
			mark, text = "✗", a.Err.Error()
			if a.Detail != "" {
				text += "\n→ " + a.Detail
			}
			given = given && a.Source != pgserver.SourceURL
		case usable:
			mark = "·" // it would do, but an earlier one is used
		default:
			usable = true
		}
		p("  %s %-10s %s\n", mark, a.Source, strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+strings.Repeat(" ", column)))
	}
	switch {
	case !given:
		return environment(errors.New("the given server cannot be used, and where one is given no other is looked for"))
	case !usable:
		return environment(errors.New("no Postgres can be had; bootrace run --store memory does without"))
	default:
		return nil
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

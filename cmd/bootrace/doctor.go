package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/bootrace/bootrace/controller/cloud/docker"
	liveworld "github.com/bootrace/bootrace/harness/live"
	"github.com/bootrace/bootrace/harness/pgserver"
)

type doctorCmd struct {
	DatabaseURL string `env:"BOOTRACE_DATABASE_URL" placeholder:"URL" help:"A Postgres server to check as well."`
}

// Run implements the command.
func (c *doctorCmd) Run(ctx context.Context, s streams) error {
	p := func(format string, args ...any) { fmt.Fprintf(s.out, format, args...) }
	p("bootrace %s, %s, %s/%s, %s\n\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH,
		plural(runtime.NumCPU(), "core", "cores"))
	p("Postgres, in the order in which a source is looked for:\n")
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
		p("%s", finding(mark, a.Source, text))
	}
	c.docker(ctx, p)
	switch {
	case !given:
		return environment(errors.New("the given server cannot be used, and where one is given no other is looked for"))
	case !usable:
		return environment(errors.New("no Postgres is available; bootrace run --store memory needs none"))
	default:
		return nil
	}
}

// docker looks at the Docker Engine as a cloud. That it is not there is no reason for the doctor to fail: nothing needs it but
// what asks for it by name.
func (doctorCmd) docker(ctx context.Context, p func(format string, args ...any)) {
	p("\nDocker, for --cloud docker, which is optional:\n")
	for _, f := range docker.Probe(ctx, "", liveworld.Package, bootraceImage) {
		text := f.Text
		if f.Way != "" {
			text += "\n→ " + f.Way
		}
		p("%s", finding(map[docker.Verdict]string{docker.Good: "✓", docker.Bad: "✗", docker.Aside: "·"}[f.Verdict], f.Name, text))
	}
}

// finding lays out what is said of one thing.
func finding(mark, name, text string) string {
	const column = 15 // of the text
	return fmt.Sprintf("  %s %-10s %s\n", mark, name, strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+strings.Repeat(" ", column)))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

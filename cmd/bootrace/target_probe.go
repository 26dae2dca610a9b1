package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/bootrace/bootrace/harness/foreign"
	"github.com/bootrace/bootrace/harness/foreign/dialect"
)

type targetProbeCmd struct {
	URL         string `arg:"" optional:"" help:"URL of the controller, instead of --target."`
	targetFlags `embed:""`
}

// needed are the calls without which nothing can be played.
var needed = []string{dialect.List, dialect.Create, dialect.Get, dialect.Register, dialect.Heartbeat, dialect.Delete}

// Run implements the command.
func (c *targetProbeCmd) Run(ctx context.Context, s streams) error {
	if c.URL != "" {
		c.Target = c.URL
	}
	if !c.given() {
		return usage(errors.New("which target? give its URL, --target or --target-file"))
	}
	t, err := c.assemble()
	if err != nil {
		return usage(err)
	}
	fmt.Fprintf(s.out, "%s, dialect %s; what is created has %s in its name\n\n", t.Name, t.Dialect, t.Run)
	bad, done := 0, map[string]bool{}
	left, err := foreign.Probe(ctx, t, func(p foreign.Probed) {
		mark, told := "✓", p.Understood
		switch {
		case p.Missing:
			mark, told = "–", "the dialect does not have it"
		case p.Err != nil:
			mark, told = "✗", p.Err.Error()
			bad++
		case !p.Answer.OK():
			mark, told = "✗", refusal(p.Answer)
			if !done[p.Call] || p.Call != dialect.Get && p.Call != dialect.Resume {
				bad++
			} else { // what was deleted is not there any more, and what does not rest is not woken
				mark = "✓"
			}
		}
		done[p.Call] = done[p.Call] || p.OK()
		fmt.Fprintf(s.out, "  %s %-17s", mark, p.Call)
		if p.Err == nil && !p.Missing {
			fmt.Fprintf(s.out, "%s: %d", p.Answer.Request, p.Answer.Raw)
			if told != "" {
				fmt.Fprint(s.out, "\n    "+fmt.Sprintf("%-17s", ""))
			}
		}
		fmt.Fprintln(s.out, told)
	})
	if err != nil {
		return environment(err)
	}
	fmt.Fprintln(s.out)
	for _, l := range left {
		fmt.Fprintf(s.err, "left: %s\n", l)
	}
	for _, call := range needed { // in the order in which they are made
		if !done[call] {
			return environment(fmt.Errorf("%s was not granted, or not understood: nothing can be played there", call))
		}
	}
	switch {
	case len(left) > 0:
		return exitError{code: exitEnvironment, err: fmt.Errorf("%s could not be deleted", plural(len(left), "workspace", "workspaces")), hint: c.cleanCommand(t)}
	case bad > 0:
		return exitError{code: exitInconclusive, err: fmt.Errorf("%s refused or not understood; what needs it cannot be judged", plural(bad, "call was", "calls were"))}
	}
	fmt.Fprintln(s.out, "every call of the dialect was understood, and nothing is left")
	return nil
}

// refusal says what a refusal was.
func refusal(a dialect.Answer) string {
	switch {
	case a.Hint != "":
		return "refused: " + a.Hint
	case a.Said != "":
		return "refused: " + a.Said
	}
	return "refused"
}

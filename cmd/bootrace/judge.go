package main

import (
	"fmt"

	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
)

type judgeCmd struct {
	Folder string `arg:"" predictor:"run" help:"The run's folder, such as runs/latest."`
	All    bool   `help:"Tell the story of every violated scenario, not only of the first."`
}

// Run implements the command.
func (c *judgeCmd) Run(s streams) error {
	kept, err := runs.Load(c.Folder)
	if err != nil {
		return usage(err)
	}
	t := terminal(s, c.All)
	t.Header(version(), kept.Seed, kept.World, "judged from the kept histories", kept.Defect)
	again := &runs.Run{Form: runs.Form, Seed: kept.Seed, World: kept.World, Defect: kept.Defect, Store: kept.Store}
	changed := 0
	for _, x := range kept.Results {
		h, err := kept.History(x)
		if err != nil {
			return usage(err)
		}
		y := again.Add(runs.Played{Plan: x.Plan, History: h, Digest: x.Digest, Judgement: invariant.Judge(x.Plan, h)})
		t.Result(y)
		if y.Verdict != x.Verdict {
			changed++
		}
	}
	t.Summary(again)
	if changed > 0 {
		fmt.Fprintf(s.out, "%d verdicts differ from those of bootrace %s, which wrote the run\n", changed, kept.Version)
	}
	return verdict(again)
}

type invariantsCmd struct{}

// Run implements the command.
func (invariantsCmd) Run(s streams) error {
	for _, i := range invariant.All() {
		fmt.Fprintf(s.out, "%-30s %s\n", i.Name, i.Promise)
	}
	return nil
}

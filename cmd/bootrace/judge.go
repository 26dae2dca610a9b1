package main

import (
	"errors"
	"fmt"

	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/reports"
)

type judgeCmd struct {
	Folder string `arg:"" predictor:"run" help:"The run's folder, such as runs/latest."`
	All    bool   `help:"Explain every violated scenario, not only one for each cause."`
}

// Help says what becomes of the folder.
func (judgeCmd) Help() string {
	return "The verdicts in the run's folder stay as they are. Reports that the folder lacks, because an older version wrote it, are added."
}

// Run implements the command.
func (c *judgeCmd) Run(s streams) error {
	kept, err := runs.Load(c.Folder)
	if err != nil {
		return usage(err)
	}
	if err := recorded(kept, c.Folder); err != nil {
		return usage(err)
	}
	t := terminal(s, c.All, plansOf(kept.Results))
	t.Header(version(), kept.Seed, kept.World, "judged from the kept histories", kept.Defect)
	again := kept.Again(version())
	again.Wall, again.Interrupted = kept.Wall, kept.Interrupted
	changed := 0
	for _, x := range kept.Results {
		h, err := kept.History(x)
		if err != nil {
			return usage(err)
		}
		p := runs.Played{Plan: x.Plan, History: h, Digest: x.Digest, Judgement: invariant.Judge(x.Plan, h), Wall: x.Wall}
		if x.Fault != "" {
			p.Fault = errors.New(x.Fault)
		}
		y := again.Add(p)
		t.Result(y)
		if y.Verdict != x.Verdict {
			changed++
		}
	}
	if err := reports.Complete(again); err != nil { // a folder may be for reading only, and is judged all the same
		fmt.Fprintf(s.err, "bootrace: the reports that %s lacks are not written: %v\n", c.Folder, err)
	}
	t.Summary(again)
	if changed > 0 {
		fmt.Fprintf(s.out, "%s from what bootrace %s said, which wrote the run\n",
			plural(changed, "verdict differs", "verdicts differ"), kept.Version)
	}
	return verdict(again)
}

type invariantsCmd struct{}

// Run implements the command.
func (invariantsCmd) Run(s streams) error {
	l := list{}
	for _, i := range invariant.All() {
		l.add(i.Name, i.Promise)
	}
	return l.write(s.out)
}

package main

import (
	"fmt"
	"strings"

	"github.com/bootrace/bootrace/harness/foreign"
	liveworld "github.com/bootrace/bootrace/harness/live"
	"github.com/bootrace/bootrace/scenarios"
)

type scenariosCmd struct {
	List     scenariosListCmd     `cmd:"" default:"1" help:"List the built-in scenarios."`
	Show     scenariosShowCmd     `cmd:"" help:"Print a built-in scenario's YAML, to start your own from."`
	Validate scenariosValidateCmd `cmd:"" help:"Check scenario files, and report every error with its place."`
	Schema   scenariosSchemaCmd   `cmd:"" help:"Print the JSON Schema of scenario files."`
	Faults   scenariosFaultsCmd   `cmd:"" help:"List the kinds of faults that a scenario may have."`
}

type scenariosListCmd struct{}

// Run implements the command.
func (scenariosListCmd) Run(s streams) error {
	l := list{}
	for _, x := range scenarios.Builtin() {
		l.add(x.Name, gist(x.About))
	}
	return l.write(s.out)
}

// gist is the first sentence that says something: a title before it is not enough.
func gist(about string) string {
	text := strings.Join(strings.Fields(about), " ")
	const title = 40
	end := strings.Index(text, ". ")
	if end >= 0 && end < title {
		if next := strings.Index(text[end+2:], ". "); next >= 0 {
			end += 2 + next
		} else {
			end = -1
		}
	}
	if end < 0 {
		return strings.TrimSuffix(text, ".")
	}
	return text[:end]
}

type scenariosShowCmd struct {
	Name string `arg:"" predictor:"builtin" help:"The scenario's name."`
}

// Run implements the command.
func (c *scenariosShowCmd) Run(s streams) error {
	source, err := scenarios.Source(c.Name)
	if err != nil {
		return usage(err)
	}
	_, err = s.out.Write(source)
	return err
}

type scenariosValidateCmd struct {
	Files []string `arg:"" predictor:"file" help:"YAML files, or folders of them."`
}

// Run implements the command.
func (c *scenariosValidateCmd) Run(s streams) error {
	valid, err := scenarios.Files(c.Files)
	if err != nil {
		return usage(err)
	}
	fmt.Fprintln(s.out, plural(len(valid), "scenario is valid", "scenarios are valid"))
	return nil
}

type scenariosSchemaCmd struct{}

// Run implements the command.
func (scenariosSchemaCmd) Run(s streams) error {
	_, err := s.out.Write(scenarios.Schema())
	return err
}

type scenariosFaultsCmd struct{}

// Run implements the command.
func (scenariosFaultsCmd) Run(s streams) error {
	l := list{}
	for _, k := range scenarios.FaultKinds() {
		about := []string{k.About}
		if fields := append(append([]string{}, k.Needs...), k.Takes...); len(fields) > 0 {
			about = append(about, "fields: "+strings.Join(fields, ", "))
		}
		if not := notIn(k.Name); len(not) > 0 {
			about = append(about, "not in: "+strings.Join(not, "; "))
		}
		l.add(k.Name, about...)
	}
	return l.write(s.out)
}

// notIn names the worlds that faults of the kind cannot be brought about in. In virtual time, all can.
func notIn(kind string) (worlds []string) {
	anywhere, contained := liveworld.Lacks(kind)
	switch {
	case anywhere != "":
		worlds = append(worlds, "live runs")
	case contained != "":
		worlds = append(worlds, "live runs on containers")
	}
	switch ok, cloud := foreign.Strikes(kind); {
	case !ok:
		worlds = append(worlds, "runs with --target")
	case cloud:
		worlds = append(worlds, "runs with --target but without --serve-cp")
	}
	return worlds
}

package main

import (
	"fmt"
	"strings"

	"github.com/bootrace/bootrace/scenarios"
)

type scenariosCmd struct {
	List     scenariosListCmd     `cmd:"" default:"1" help:"List the built-in scenarios."`
	Show     scenariosShowCmd     `cmd:"" help:"Print a built-in scenario's YAML, to start your own from."`
	Validate scenariosValidateCmd `cmd:"" help:"Check scenario files; every error is shown with its place."`
	Schema   scenariosSchemaCmd   `cmd:"" help:"Print the JSON Schema of scenario files."`
	Faults   scenariosFaultsCmd   `cmd:"" help:"List the kinds of faults that a scenario may have."`
}

type scenariosListCmd struct{}

// Run implements the command.
func (scenariosListCmd) Run(s streams) error {
	for _, x := range scenarios.Builtin() {
		first, _, _ := strings.Cut(x.About, ". ")
		fmt.Fprintf(s.out, "%-30s %s\n", x.Name, strings.TrimSuffix(strings.Join(strings.Fields(first), " "), "."))
	}
	return nil
}

type scenariosShowCmd struct {
	Name string `arg:"" predictor:"scenario" help:"The scenario's name."`
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
	Files []string `arg:"" type:"path" help:"YAML files, or folders of them."`
}

// Run implements the command.
func (c *scenariosValidateCmd) Run(s streams) error {
	valid, bad := 0, false
	for _, f := range c.Files {
		list, err := scenarios.Files([]string{f})
		if err != nil {
			bad = true
			fmt.Fprintln(s.err, err)
			continue
		}
		valid += len(list)
	}
	if bad {
		return exitError{code: exitUsage}
	}
	fmt.Fprintf(s.out, "%d valid\n", valid)
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
	for _, k := range scenarios.FaultKinds() {
		fmt.Fprintf(s.out, "%-26s %s\n", k.Name, k.About)
		if fields := append(append([]string{}, k.Needs...), k.Takes...); len(fields) > 0 {
			fmt.Fprintf(s.out, "%-26s fields: %s\n", "", strings.Join(fields, ", "))
		}
	}
	return nil
}

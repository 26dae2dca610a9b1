package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/bootrace/bootrace/harness/foreign/dialect"
)

type dialectsCmd struct {
	List     dialectsListCmd     `cmd:"" default:"1" help:"List the built-in dialects."`
	Show     dialectsShowCmd     `cmd:"" help:"Print a built-in dialect's YAML, to start your own from."`
	Validate dialectsValidateCmd `cmd:"" help:"Check dialect files, and report every error with its place."`
	Schema   dialectsSchemaCmd   `cmd:"" help:"Print the JSON Schema of dialect files."`
}

type dialectsListCmd struct{}

// Run implements the command.
func (dialectsListCmd) Run(s streams) error {
	l := list{}
	for _, name := range dialect.Names() {
		d, err := dialect.Find(name)
		if err != nil {
			return environment(err)
		}
		l.add(name, d.Spec().About)
	}
	return l.write(s.out)
}

type dialectsShowCmd struct {
	Name string `arg:"" help:"The dialect's name."`
}

// Run implements the command.
func (c *dialectsShowCmd) Run(s streams) error {
	source, err := dialect.Source(c.Name)
	if err != nil {
		return usage(err)
	}
	_, err = s.out.Write(source)
	return err
}

type dialectsValidateCmd struct {
	Files []string `arg:"" predictor:"file" help:"YAML files."`
}

// Run implements the command.
func (c *dialectsValidateCmd) Run(s streams) error {
	var problems dialect.Problems
	for _, file := range c.Files {
		text, err := os.ReadFile(file)
		if err != nil {
			return usage(err)
		}
		var found dialect.Problems
		if _, err := dialect.Load(file, text); errors.As(err, &found) {
			problems = append(problems, found...)
		}
	}
	if len(problems) > 0 {
		return usage(problems)
	}
	fmt.Fprintln(s.out, plural(len(c.Files), "dialect is valid", "dialects are valid"))
	return nil
}

type dialectsSchemaCmd struct{}

// Run implements the command.
func (dialectsSchemaCmd) Run(s streams) error {
	_, err := s.out.Write(dialect.Schema())
	return err
}

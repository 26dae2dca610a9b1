package main

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"github.com/bootrace/bootrace/harness/foreign/dialect"
	"github.com/bootrace/bootrace/scenarios"
)

// Exit codes. Never 2, which Go's own panics use.
const (
	exitHeld         = 0
	exitViolated     = 1
	exitInconclusive = 10
	exitUsage        = 20 // a bad scenario, or bad usage
	exitEnvironment  = 30 // a fault of the environment, or of the harness
	exitInterrupted  = 130
)

// exitError ends the program with a code. Its error is written to standard error where there is one.
type exitError struct {
	code int
	err  error
	hint string // the way out, on a line of its own
}

func (e exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

func usage(err error) error       { return exitError{code: exitUsage, err: err} }
func environment(err error) error { return exitError{code: exitEnvironment, err: err} }
func interrupted() error          { return exitError{code: exitInterrupted, err: errors.New("interrupted")} }

// misused makes the error of a command line that could not be read.
func misused(err error) error {
	help := "bootrace --help"
	var parsing *kong.ParseError
	if errors.As(err, &parsing) && parsing.Context != nil {
		if command := parsing.Context.Selected(); command != nil {
			help = command.FullPath() + " --help"
		}
	}
	return exitError{code: exitUsage, err: err, hint: help + " shows how it is used"}
}

// codeOf writes the error and returns the exit code that it stands for.
func codeOf(err error, s streams) int {
	if err == nil {
		return exitHeld
	}
	var exit exitError
	if !errors.As(err, &exit) {
		exit = exitError{code: exitEnvironment, err: err}
	}
	if exit.err != nil {
		fmt.Fprintln(s.err, message(exit.err))
	}
	if exit.hint != "" {
		fmt.Fprintln(s.err, exit.hint)
	}
	return exit.code
}

// errorWidth is how long a line of an error may be.
const errorWidth = 110

// message lays an error out for a person: long lines are broken, and what follows the first is indented, but for what
// somebody has laid out already.
func message(err error) string {
	var problems *scenarios.Problems
	var odd dialect.Problems
	if errors.As(err, &problems) || errors.As(err, &odd) {
		return err.Error() // each begins with its place, which terminals and editors make a link of
	}
	var lines []string
	for line := range strings.Lines("bootrace: " + strings.TrimSpace(err.Error())) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, " ") {
			lines = append(lines, line)
			continue
		}
		for _, part := range wrap(line, errorWidth) {
			if len(lines) > 0 {
				part = "  " + part
			}
			lines = append(lines, part)
		}
	}
	return strings.Join(lines, "\n")
}

// wrap breaks a text into lines of at most width characters, at blanks.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// output is the standard output. It remembers that a write failed, so that commands need not look.
type output struct {
	to     io.Writer
	broken func() // called when nobody reads any more
	err    error  // of the first write that failed
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	n, err := o.to.Write(b)
	if err != nil && o.err == nil {
		if o.err = err; errors.Is(err, syscall.EPIPE) {
			o.broken()
		}
	}
	return n, err
}

// judge returns what the program ends with, given what its command ended with: success is none if nobody could read it.
func (o *output) judge(err error) error {
	var exit exitError
	switch {
	case errors.Is(o.err, syscall.EPIPE):
		if err == nil || !errors.As(err, &exit) {
			return exitError{code: exitInterrupted}
		}
		return err
	case o.err != nil && (err == nil || !errors.As(err, &exit)):
		return environment(fmt.Errorf("writing the output: %w", o.err))
	default:
		return err
	}
}

// colorful reports whether a file is a terminal whose reader has not asked for plain text.
func colorful(f *os.File) bool {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

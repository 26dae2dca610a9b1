package pgserver

import (
	"errors"
	"fmt"
	"strings"
)

// Attempt is what came of one source.
type Attempt struct {
	// Source is one of the Source constants.
	Source string

	// Detail says what is there if Err is nil, and what to do about it otherwise. It may be empty.
	Detail string

	// Err says why the source cannot be used; nil if it can.
	Err error
}

// String renders the attempt in one line.
func (a Attempt) String() string {
	switch {
	case a.Err == nil:
		return a.Source + ": " + a.Detail
	case a.Detail == "":
		return a.Source + ": " + a.Err.Error()
	}
	return fmt.Sprintf("%s: %v; %s", a.Source, a.Err, a.Detail)
}

// NotFoundError says that no source gave a server. [errors.Is] and [errors.As] see through to each attempt's error.
type NotFoundError struct {
	Attempts []Attempt
}

// Error lists every attempt with its cause and remedy, a few lines each.
func (e *NotFoundError) Error() string {
	var b strings.Builder
	byURL := len(e.Attempts) == 1 && e.Attempts[0].Source == SourceURL
	if byURL {
		b.WriteString("cannot use the given Postgres server:")
	} else {
		b.WriteString("no Postgres server was found, and none could be started:")
	}
	for _, a := range e.Attempts {
		fmt.Fprintf(&b, "\n  %-9s %s", a.Source, indent(a.Err.Error(), 12))
		if a.Detail != "" {
			fmt.Fprintf(&b, "\n  %-9s → %s", "", indent(a.Detail, 14))
		}
	}
	if !byURL {
		b.WriteString("\nor name a server you have: --database-url postgres://user:password@host:5432/postgres")
	}
	return b.String()
}

// Unwrap returns the attempts' errors.
func (e *NotFoundError) Unwrap() []error {
	errs := make([]error, len(e.Attempts))
	for i, a := range e.Attempts {
		errs[i] = a.Err
	}
	return errs
}

// indent lets the further lines of a text start at a column.
func indent(text string, column int) string {
	return strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+strings.Repeat(" ", column))
}

// failure is an error that knows its remedy. Sources return it; Start and Probe make attempts of it.
type failure struct {
	err    error
	remedy string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// failed makes an attempt of a source's error.
func failed(source string, err error) Attempt {
	a := Attempt{Source: source, Err: err}
	var f *failure
	if errors.As(err, &f) {
		a.Detail = f.remedy
	}
	return a
}

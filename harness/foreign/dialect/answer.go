package dialect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
)

// read reads what the call's last reply tells.
func (s *spoke) read(c *call) error {
	switch s.name {
	case List:
		return s.list(c)
	case Get:
		it := s.vars["reply"]
		if c.read.workspace != nil {
			var err error
			if it, err = c.read.workspace.value(s.vars); err != nil {
				return s.odd(err)
			}
		}
		w, err := s.shown(it)
		s.answer.Workspaces = []Workspace{w}
		return err
	case Events:
		s.entries(c)
		return nil
	}
	var w Workspace
	status, err := s.word(c.read.status)
	if err != nil {
		return err
	}
	if status != "" {
		if w, err = s.worded(status); err != nil {
			return err
		}
	}
	if c.read.id != nil {
		if w.ID, err = s.word(c.read.id); err != nil {
			return err
		}
		if w.ID == "" {
			return s.odd(c.read.id.fault("the reply does not have the id"))
		}
	}
	if s.answer.Token, err = s.word(c.read.token); err != nil {
		return err
	}
	count, err := s.word(c.read.count)
	if err != nil {
		return err
	}
	if count != "" {
		_, err := fmt.Sscan(count, &s.answer.Count)
		s.answer.Counted = err == nil
	}
	s.answer.Workspaces = []Workspace{w}
	return nil
}

// word is what the expression says, as a text; empty where it says nothing.
func (s *spoke) word(x *expr) (string, error) {
	if x == nil {
		return "", nil
	}
	v, err := x.value(s.vars)
	switch {
	case err != nil:
		return "", s.odd(err)
	case v == nil:
		return "", nil
	}
	return fmt.Sprint(v), nil
}

func (s *spoke) list(c *call) error {
	v, err := c.read.workspaces.value(s.vars)
	if err != nil {
		return s.odd(err)
	}
	all, ok := v.([]any)
	if !ok {
		return s.foreign(fmt.Sprintf("speaks another version of the wire: it is no array of workspaces (%s: %s); it answered %s", c.read.workspaces.place, c.read.workspaces.text, excerpt(s.body)))
	}
	for _, it := range all {
		w, err := s.shown(it)
		if err != nil {
			return err
		}
		s.answer.Workspaces = append(s.answer.Workspaces, w)
	}
	return nil
}

// shown reads a workspace.
func (s *spoke) shown(it any) (Workspace, error) {
	s.vars["it"] = it
	var w Workspace
	by := s.d.workspace
	word, err := s.word(by.status)
	if err != nil {
		return w, err
	}
	if w, err = s.worded(word); err != nil {
		return w, err
	}
	for _, x := range []struct {
		by *expr
		to *string
	}{{by.id, &w.ID}, {by.name, &w.Name}, {by.cause, &w.Cause}} {
		if *x.to, err = s.word(x.by); err != nil {
			return w, err
		}
	}
	if w.ID == "" {
		return w, s.odd(by.id.fault("a workspace has no id"))
	}
	n, err := s.word(by.incarnation)
	if err == nil && n != "" {
		if _, wrong := fmt.Sscan(n, &w.Incarnation); wrong != nil {
			err = s.odd(by.incarnation.fault(fmt.Sprintf("%q is no number", n)))
		}
	}
	return w, err
}

// worded is a workspace of which the server has that word.
func (s *spoke) worded(word string) (Workspace, error) {
	status, ok := s.d.statuses[word]
	if !ok {
		return Workspace{}, s.foreign(fmt.Sprintf("speaks another version of the wire: a workspace is said to be %q, which is no status of the dialect %s: say what it means (%s)", word, s.d.spec.Name, s.d.where))
	}
	return Workspace{Word: word, Status: status}, nil
}

// entries reads the events feed. One that cannot be read is none, with the reason as a hint.
func (s *spoke) entries(c *call) {
	v, err := c.read.entries.value(s.vars)
	all, ok := v.([]any)
	if err == nil && !ok {
		err = c.read.entries.fault("it is no list of entries")
	}
	found := make([]Entry, 0, len(all))
	for _, it := range all {
		var e Entry
		if e, err = s.entry(c, it); err != nil {
			break
		}
		found = append(found, e)
	}
	if err != nil {
		s.answer.Hint = err.Error()
		return
	}
	s.answer.Entries = found
}

func (s *spoke) entry(c *call, it any) (e Entry, err error) {
	s.vars["it"] = it
	for _, x := range []struct {
		by *expr
		to *string
	}{{c.entry.kind, &e.Type}, {c.entry.workspace, &e.Workspace}} {
		if *x.to, err = s.word(x.by); err != nil {
			return e, err
		}
	}
	at, err := c.entry.at.value(s.vars)
	if err != nil {
		return e, err
	}
	if e.At, err = moment(at); err != nil {
		return e, c.entry.at.fault(err.Error())
	}
	if c.entry.to != nil { // what cannot be found in an entry, it does not say
		if v, err := c.entry.to.value(s.vars); err == nil && v != nil {
			e.To = s.d.statuses[fmt.Sprint(v)]
		}
	}
	if c.entry.cause != nil && e.To != lifecycle.None {
		if v, err := c.entry.cause.value(s.vars); err == nil && v != nil {
			e.Cause = fmt.Sprint(v)
		}
	}
	whole, err := json.Marshal(it)
	e.Whole = string(whole)
	return e, err
}

// moment reads a time.
func moment(v any) (time.Time, error) {
	switch x := v.(type) {
	case time.Time:
		return x, nil
	case string:
		return time.Parse(time.RFC3339Nano, x)
	case int64:
		return time.Unix(x, 0), nil
	case float64:
		return time.Unix(0, int64(x*float64(time.Second))), nil
	}
	return time.Time{}, fmt.Errorf("%v is no time", v)
}

// decode reads JSON. Whole numbers are int64.
func decode(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one value")
	}
	return numbered(v), nil
}

func numbered(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k, one := range x {
			x[k] = numbered(one)
		}
	case []any:
		for i := range x {
			x[i] = numbered(x[i])
		}
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n
		}
		f, _ := x.Float64() // what is too large is infinite
		return f
	}
	return v
}

// contains reports whether the value has all that is wanted of it.
func contains(have, want any) bool {
	w, ok := want.(map[string]any)
	if !ok {
		return fmt.Sprint(have) == fmt.Sprint(want)
	}
	h, ok := have.(map[string]any)
	if !ok {
		return false
	}
	for k, v := range w {
		if !contains(h[k], v) {
			return false
		}
	}
	return true
}

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Mutant is one fault, put into the controller by hand.
type Mutant struct {
	Name       string
	Subject    string // the file that it stands in, without its ending
	About      string // what a programmer got wrong
	Equivalent string // why nobody can see it; empty where somebody can
	Store      string // the store that has the code; empty for any
	Cloud      string // the cloud that has the code; empty for any
	Edits      []Edit
}

// Edit replaces a text that a file has exactly once.
type Edit struct{ File, Old, New string }

var nameForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// readMutants reads every mutant of the folder, in the order of the files' names and of their places in them.
func readMutants(folder string) ([]Mutant, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		return nil, err
	}
	var all []Mutant
	seen := map[string]string{}
	for _, file := range files { // Glob sorts them
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		some, err := parse(strings.TrimSuffix(filepath.Base(file), ".txt"), string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, m := range some {
			if other := seen[m.Name]; other != "" {
				return nil, fmt.Errorf("%s: mutant %s is in %s, too", file, m.Name, other)
			}
			seen[m.Name] = file
		}
		all = append(all, some...)
	}
	return all, nil
}

// parse reads the mutants of one file.
func parse(subject, text string) ([]Mutant, error) {
	var all []Mutant
	var m *Mutant
	var part *string // what lines are added to
	file := ""
	for i, line := range strings.Split(text, "\n") {
		fail := func(format string, args ...any) ([]Mutant, error) {
			return nil, fmt.Errorf("line %d: "+format, append([]any{i + 1}, args...)...)
		}
		name, begins := strings.CutPrefix(line, "== ")
		key, value, _ := strings.Cut(line, ": ")
		switch {
		case part != nil && line == "===":
			e := &m.Edits[len(m.Edits)-1]
			if part != &e.Old {
				return fail("a second ===")
			}
			part = &e.New
		case part != nil && line == ">>>":
			e := &m.Edits[len(m.Edits)-1]
			if part != &e.New || e.Old == "" || e.Old == e.New {
				return fail("the replacement has no old text, or replaces it by itself")
			}
			part = nil
		case part != nil:
			*part += line + "\n"
		case begins:
			if !nameForm.MatchString(name) {
				return fail("%q is no name of a mutant", name)
			}
			all = append(all, Mutant{Name: name, Subject: subject})
			m, file = &all[len(all)-1], ""
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case m == nil:
			return fail("%q stands before any mutant", line)
		case line == "<<<":
			if file == "" {
				return fail("a replacement before a file")
			}
			m.Edits = append(m.Edits, Edit{File: file})
			part = &m.Edits[len(m.Edits)-1].Old
		case key == "file":
			file = value
		case key == "about":
			m.About = value
		case key == "equivalent":
			m.Equivalent = value
		case key == "store" && value == "postgres":
			m.Store = value
		case key == "cloud" && value == "ec2":
			m.Cloud = value
		default:
			return fail("%q means nothing here", line)
		}
	}
	if part != nil {
		return nil, fmt.Errorf("the last replacement of %s has no end", m.Name)
	}
	for _, m := range all {
		if m.About == "" || len(m.Edits) == 0 {
			return nil, fmt.Errorf("mutant %s does not say what it is about, or changes nothing", m.Name)
		}
	}
	return all, nil
}

// apply returns the files that the mutant changes, as they are with it, by their paths in the module.
func (m *Mutant) apply(root string) (map[string][]byte, error) {
	changed := map[string][]byte{}
	for _, e := range m.Edits {
		text, ok := changed[e.File]
		if !ok {
			var err error
			if text, err = os.ReadFile(filepath.Join(root, e.File)); err != nil {
				return nil, fmt.Errorf("mutant %s: %w", m.Name, err)
			}
		}
		// Lines are compared without the line break at their end, so that a part of a line can be replaced.
		old, fresh := strings.TrimSuffix(e.Old, "\n"), strings.TrimSuffix(e.New, "\n")
		if n := bytes.Count(text, []byte(old)); n != 1 {
			return nil, fmt.Errorf("mutant %s: %s has its text %d times, not once:\n%s", m.Name, e.File, n, old)
		}
		changed[e.File] = bytes.Replace(text, []byte(old), []byte(fresh), 1)
	}
	return changed, nil
}

// hash tells mutants from one another, by what they do.
func (m *Mutant) hash() string {
	return digest(fmt.Appendf(nil, "%s %s %v", m.Store, m.Cloud, m.Edits))
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// pick returns the mutants whose names match.
func pick(all []Mutant, only string) ([]Mutant, error) {
	form, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	picked := slices.DeleteFunc(slices.Clone(all), func(m Mutant) bool { return !form.MatchString(m.Name) && !form.MatchString(m.Subject) })
	if len(picked) == 0 {
		return nil, fmt.Errorf("no mutant matches %q", only)
	}
	return picked, nil
}

package dialect

import (
	"fmt"
	"slices"
	"strings"
)

// Place is where something stands in a file, from 1.
type Place struct {
	File         string
	Line, Column int
}

func (p Place) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Problem is what is wrong with a dialect's file: the cause, and the way out of it.
type Problem struct {
	Place
	What string
	Way  string
}

func (p Problem) String() string {
	if p.Way == "" {
		return fmt.Sprintf("%s: %s", p.Place, p.What)
	}
	return fmt.Sprintf("%s: %s; %s", p.Place, p.What, p.Way)
}

// Problems are all that is wrong with a file, in its order.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

func (p Problems) sorted() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return slices.Compact(p)
}

// among says what there is, for a way out.
func among(names []string) string {
	names = slices.Sorted(slices.Values(names))
	return "there are " + strings.Join(slices.Compact(names), ", ")
}

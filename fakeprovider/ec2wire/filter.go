package ec2wire

import (
	"strings"
	"unicode/utf8"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire/model"
)

// maxFilterValues is EC2's bound on the values of all filters of a call.
const maxFilterValues = 200

// fields are what rows of a kind can be filtered by: the filter's name, and the values that a row has for it.
type fields[T any] struct {
	byName map[string]func(T) []string
	tags   func(T) map[string]string // where rows have tags: tag:*, tag-key and tag-value
}

// one is a field with one value.
func one[T any](value func(T) string) func(T) []string {
	return func(row T) []string { return []string{value(row)} }
}

// matcher returns what the request's filters keep. A row is kept where each filter has a value that the row has.
func (f fields[T]) matcher(p *params) (func(T) bool, *apiError) {
	keep, _, failure := f.filtering(p)
	return keep, failure
}

// filterValues are one filter of a request.
type filterValues struct {
	name   string
	values []string
}

// filtering is matcher, with the filters. One that EC2 has and the fake has nothing for matches nothing.
func (f fields[T]) filtering(p *params) (func(T) bool, []filterValues, *apiError) {
	type filter struct {
		values   func(T) []string
		patterns []string
	}
	var filters []filter
	var asked []filterValues
	total := 0
	for _, entry := range p.list("Filter") {
		name, patterns := entry.text("Name"), entry.texts("Value")
		if !filterable(p.text("Action"), name) {
			return nil, nil, bad("InvalidParameterValue", "The filter '%s' is invalid", shorten(name))
		}
		if len(patterns) == 0 {
			return nil, nil, bad("InvalidParameterValue", "The filter '%s' must have at least one value", shorten(name))
		}
		if total += len(patterns); total > maxFilterValues {
			return nil, nil, bad("FilterLimitExceeded",
				"The maximum number of filter values specified on a single call is %d", maxFilterValues)
		}
		values := f.field(name)
		if values == nil {
			values = func(T) []string { return nil }
		}
		filters = append(filters, filter{values, patterns})
		asked = append(asked, filterValues{name, patterns})
	}
	return func(row T) bool {
		for _, f := range filters {
			if !anyMatch(f.patterns, f.values(row)) {
				return false
			}
		}
		return true
	}, asked, nil
}

// filterable reports whether EC2 has the filter for the action.
func filterable(action, name string) bool {
	of := model.EC2().Actions[action]
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		return key != "" && of.HasFilter("tag:")
	}
	return of.HasFilter(name) || name == "tag-value" && of.HasFilter("tag:") // which is not documented, and there
}

// field returns how to read the values that the named filter looks at, or nil where there is no such filter.
func (f fields[T]) field(name string) func(T) []string {
	if values := f.byName[name]; values != nil || f.tags == nil {
		return values
	}
	if key, ok := strings.CutPrefix(name, "tag:"); ok && key != "" {
		return func(row T) []string {
			if v, ok := f.tags(row)[key]; ok {
				return []string{v}
			}
			return nil
		}
	}
	switch name {
	case "tag-key":
		return func(row T) (keys []string) {
			for k := range f.tags(row) {
				keys = append(keys, k)
			}
			return keys
		}
	case "tag-value":
		return func(row T) (values []string) {
			for _, v := range f.tags(row) {
				values = append(values, v)
			}
			return values
		}
	}
	return nil
}

func anyMatch(patterns, values []string) bool {
	for _, p := range patterns {
		for _, v := range values {
			if wildcard(p, v) {
				return true
			}
		}
	}
	return false
}

// wildcard matches as EC2's filters do: * is any text, ? any one character, and a backslash takes either literally. It
// goes back to the last star only, so it takes no more than len(pattern) × len(value) steps.
func wildcard(pattern, value string) bool {
	p, v := 0, 0
	star, mark := -1, 0
	for v < len(value) {
		if p < len(pattern) {
			c, width, literal := pattern[p], 1, false
			if c == '\\' && p+1 < len(pattern) {
				c, width, literal = pattern[p+1], 2, true
			}
			if c == '*' && !literal {
				star, mark = p, v
				p++
				continue
			}
			if c == '?' && !literal {
				_, size := utf8.DecodeRuneInString(value[v:])
				p, v = p+width, v+size
				continue
			}
			if c == value[v] {
				p, v = p+width, v+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		mark++
		p, v = star+1, mark
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

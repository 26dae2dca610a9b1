package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/bootrace/bootrace/scenarios"
)

// fieldReference renders the JSON Schema of scenarios: a table for each kind of block, in the order of its fields.
func fieldReference() string {
	var root jsonschema.Schema
	if err := json.Unmarshal(scenarios.Schema(), &root); err != nil {
		panic(err) // a test requires the schema to be one
	}
	var b strings.Builder
	for _, block := range []struct{ title, def string }{
		{"The scenario", ""}, {"`settings`", "Settings"}, {"Elements of `fleet`", "Group"}, {"`fleet[].boot`", "Boot"},
		{"Elements of `acts`", "Act"}, {"Elements of `faults`", "Fault"}, {"`expect`", "Expect"},
		{"Elements of `expect.groups`", "GroupExpect"},
	} {
		s := &root
		if block.def != "" {
			s = root.Definitions[block.def]
		}
		fmt.Fprintf(&b, "### %s\n\n%s\n\n| field | value | meaning |\n|---|---|---|\n", block.title, s.Description)
		for p := s.Properties.Oldest(); p != nil; p = p.Next() {
			name := "`" + p.Key + "`"
			if slices.Contains(s.Required, p.Key) {
				name += " (required)"
			}
			about := p.Value.Description
			if def := strings.TrimPrefix(p.Value.Ref, "#/$defs/"); about == "" && def != "" {
				about = root.Definitions[def].Description
			}
			if p.Value.Default != nil {
				about += fmt.Sprintf(" Default: `%v`.", p.Value.Default)
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", name, valueOf(p.Value), about)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// valueOf says what a field holds.
func valueOf(s *jsonschema.Schema) string {
	switch def := strings.TrimPrefix(s.Ref, "#/$defs/"); def {
	case "":
	case "Duration", "PositiveDuration", "SignedDuration":
		return map[string]string{"Duration": "duration", "PositiveDuration": "duration above 0", "SignedDuration": "duration, may be negative"}[def]
	default:
		return "block"
	}
	switch s.Type {
	case "array":
		if s.Items.Ref != "" {
			return "list of blocks"
		}
		return "list of " + valueOf(s.Items)
	case "object":
		var names []string
		for _, name := range s.PropertyNames.Enum {
			names = append(names, fmt.Sprint(name))
		}
		return "counts by name: " + codes(names)
	case "integer":
		switch {
		case s.Minimum != "" && s.Maximum != "":
			return fmt.Sprintf("integer, %s to %s", s.Minimum, s.Maximum)
		case s.Minimum != "":
			return fmt.Sprintf("integer, at least %s", s.Minimum)
		}
		return "integer"
	case "boolean":
		return "`true` or `false`"
	}
	if len(s.Enum) == 0 {
		return "text"
	}
	var names []string
	for _, name := range s.Enum {
		names = append(names, fmt.Sprint(name))
	}
	return codes(names)
}

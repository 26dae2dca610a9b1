package scenarios

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
)

// schemaID names the schema. It is an identifier, not an address.
const schemaID = "https://github.com/bootrace/bootrace/scenarios/schema.json"

// generateSchema derives the JSON Schema from the Go types: their shape and bounds by jsonschema, the rest by this
// package's own tags and tables. It is a test's, so that a program need not carry a Go parser for its comments.
func generateSchema(t *testing.T) []byte {
	t.Helper()
	r := &jsonschema.Reflector{
		ExpandedStruct: true,
		Anonymous:      true,
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			if t == durationType {
				return &jsonschema.Schema{Type: "string"}
			}
			return nil
		},
	}
	if err := r.AddGoComments("github.com/bootrace/bootrace/scenarios", "."); err != nil {
		t.Fatal(err)
	}
	for name, text := range r.CommentMap {
		r.CommentMap[name] = strings.Join(strings.Fields(text), " ")
	}
	root := r.Reflect(&Scenario{})
	root.ID, root.Title = schemaID, "bootrace scenario"
	for typ := range structNouns {
		s := root.Definitions[typ.Name()]
		if typ == reflect.TypeFor[Scenario]() {
			s = root
		}
		refine(s, typ)
	}
	fault := root.Definitions["Fault"]
	for _, kind := range faultKinds {
		fault.AllOf = append(fault.AllOf, faultRule(&kind))
	}
	root.Definitions["Duration"] = &jsonschema.Schema{
		Type: "string", Pattern: durationPattern, Examples: []any{"90s", "9m30s"},
		Description: "A duration: hours (h), minutes (m), seconds (s), milliseconds (ms), microseconds (us).",
	}
	root.Definitions["PositiveDuration"] = &jsonschema.Schema{
		Ref: "#/$defs/Duration", Pattern: "[1-9]", Description: "A duration above zero.",
	}
	root.Definitions["SignedDuration"] = &jsonschema.Schema{
		Type: "string", Pattern: strings.Replace(durationPattern, "^", "^-?", 1), Examples: []any{"-15m", "2h"},
		AllOf:       []*jsonschema.Schema{{Pattern: "[1-9]"}},
		Description: "A duration above or below zero.",
	}
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// refine adds to a struct's schema what jsonschema knows nothing of.
func refine(s *jsonschema.Schema, typ reflect.Type) {
	if len(s.Required) == 0 {
		one := uint64(1)
		s.MinProperties = &one
	}
	for _, f := range fieldsOf(typ) {
		p, _ := s.Properties.Get(f.name)
		var names []any
		if f.names != "" {
			for _, name := range vocabularyOf(f.names).names {
				names = append(names, name)
			}
		}
		switch {
		case f.typ == durationType:
			def := map[string]string{"": "Duration", "positive": "PositiveDuration", "signed": "SignedDuration"}[f.sign]
			s.Properties.Set(f.name, &jsonschema.Schema{Ref: "#/$defs/" + def, Description: p.Description})
		case f.typ.Kind() == reflect.Map:
			p.PropertyNames = &jsonschema.Schema{Enum: names}
			p.AdditionalProperties.Minimum = "0"
			one := uint64(1)
			p.MinProperties = &one
		case f.names == "call": // which of them, the fault's kind says
		case names != nil && f.typ.Kind() == reflect.Slice:
			p.Items.Enum = names
		case names != nil:
			p.Enum = names
		}
	}
}

// faultRule says what a fault of the kind needs and takes.
func faultRule(kind *FaultKind) *jsonschema.Schema {
	then := &jsonschema.Schema{
		Description: kind.Name + ": " + kind.About + ".",
		Required:    kind.needs(),
	}
	taken := []any{"kind"}
	for _, name := range kind.takes() {
		taken = append(taken, name)
	}
	then.PropertyNames = &jsonschema.Schema{Enum: taken}
	then.Properties = jsonschema.NewProperties()
	if kind.Calls != "" {
		var names []any
		for _, name := range callDomainOf(kind.Calls).names() {
			names = append(names, name)
		}
		then.Properties.Set("calls", &jsonschema.Schema{Items: &jsonschema.Schema{Enum: names}})
	}
	for _, name := range kind.takes() {
		if name == "percent" { // either of the two, not both
			then.Not = &jsonschema.Schema{Required: []string{"nth", "percent"}}
		}
	}
	if kind.Name == "crash" {
		then.DependentRequired = map[string][]string{
			"calls": {"until"}, "until": {"calls"}, "nth": {"calls"}, "when": {"calls"},
		}
	}
	is := jsonschema.NewProperties()
	is.Set("kind", &jsonschema.Schema{Const: kind.Name})
	return &jsonschema.Schema{
		If:   &jsonschema.Schema{Properties: is, Required: []string{"kind"}},
		Then: then,
	}
}

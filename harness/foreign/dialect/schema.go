package dialect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/bootrace/bootrace/controller/lifecycle"
)

// Schema returns the JSON Schema (2020-12) of a dialect's file. It accepts whatever [Load] accepts; Load also refuses what a schema
// cannot say, such as an expression that refers to nothing.
func Schema() []byte { return bytes.Clone(schema()) }

var schema = sync.OnceValue(func() []byte {
	r := jsonschema.Reflector{Anonymous: true, ExpandedStruct: true, DoNotReference: false}
	s := r.Reflect(&file{})
	s.Title = "A dialect of bootrace"
	s.Description = "How one kind of controller speaks. See docs/dialects.md."
	statuses := jsonschema.Schema{Type: "string"}
	for _, status := range lifecycle.Statuses() {
		statuses.Enum = append(statuses.Enum, status.String())
	}
	property := func(of *jsonschema.Schema, name string) *jsonschema.Schema {
		p, ok := of.Properties.Get(name)
		if !ok {
			panic("a dialect has no " + name)
		}
		return p
	}
	property(s, "statuses").AdditionalProperties = &statuses
	calls := property(s, "calls")
	calls.PropertyNames = &jsonschema.Schema{}
	for _, name := range names {
		calls.PropertyNames.Enum = append(calls.PropertyNames.Enum, name)
	}
	calls.Required = required
	call := s.Definitions["callFile"]
	property(call, "words").AdditionalProperties = &jsonschema.Schema{OneOf: []*jsonschema.Schema{&statuses, {Type: "null"}}}
	meaning := jsonschema.Schema{Type: "string"}
	for name := range meanings {
		meaning.Enum = append(meaning.Enum, name)
	}
	for _, name := range []string{"callFile", "stepFile"} {
		replies := property(s.Definitions[name], "replies")
		replies.AdditionalProperties = &meaning
		replies.PropertyNames = &jsonschema.Schema{Pattern: "^[1-5][0-9][0-9]$"}
	}
	s.Definitions["duration"] = &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`, Description: "A time, such as 30s."}
	for _, p := range []*jsonschema.Schema{property(call, "holds")} {
		timed(p)
	}
	for pair := s.Definitions["times"].Properties.Oldest(); pair != nil; pair = pair.Next() {
		timed(pair.Value)
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // it is made of this package's types alone
	}
	return append(text, '\n')
})

// timed makes it the schema of a time.
func timed(p *jsonschema.Schema) { p.Type, p.Ref = "", "#/$defs/duration" }

var compiled = sync.OnceValue(func() *validator.Schema {
	doc, err := validator.UnmarshalJSON(bytes.NewReader(schema()))
	if err != nil {
		panic(err) // it is this package's own
	}
	c := validator.NewCompiler()
	if err := c.AddResource("dialect.json", doc); err != nil {
		panic(err)
	}
	return c.MustCompile("dialect.json")
})

// conform holds the file against the schema.
func (s *source) conform() Problems {
	var invalid *validator.ValidationError
	if !errors.As(compiled().Validate(s.data), &invalid) {
		return nil
	}
	var all Problems
	s.causes(invalid, &all)
	return all
}

// causes notes the ends of the chains that a validator tells.
func (s *source) causes(e *validator.ValidationError, all *Problems) {
	at := ""
	for _, key := range e.InstanceLocation {
		at += "/" + escape(key)
	}
	name := strings.Join(e.InstanceLocation, ".")
	if name == "" {
		name = "the file"
	}
	add := func(p Place, what, way string) { *all = append(*all, Problem{p, what, way}) }
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, key := range k.Properties {
			add(s.key(at+"/"+escape(key)), fmt.Sprintf("%s has no %q", name, key), among(s.known(e)))
		}
		return
	case *kind.PropertyNames:
		for _, at := range s.named(e.SchemaURL, k.Property) {
			add(s.key(at+"/"+escape(k.Property)), fmt.Sprintf("%s has no %q", strings.ReplaceAll(strings.Trim(at, "/"), "/", "."), k.Property), s.wanted(e))
		}
		return
	case *kind.Required:
		add(s.key(at), fmt.Sprintf("%s lacks %s", name, strings.Join(k.Missing, ", ")), "add it; bootrace dialects schema says what it is")
		return
	case *kind.Enum:
		var want []string
		for _, w := range k.Want {
			want = append(want, fmt.Sprint(w))
		}
		add(s.place(at), fmt.Sprintf("%s is %q", name, fmt.Sprint(k.Got)), among(want))
		return
	case *kind.Type:
		add(s.place(at), fmt.Sprintf("%s is of type %s", name, k.Got), "it should be "+strings.Join(k.Want, " or "))
		return
	case *kind.Pattern:
		add(s.place(at), fmt.Sprintf("%s is %q", name, k.Got), "it should look like "+k.Want)
		return
	case *kind.OneOf:
		if len(k.Subschemas) == 0 && len(e.Causes) > 0 {
			s.causes(e.Causes[0], all)
			return
		}
	}
	if len(e.Causes) == 0 {
		add(s.place(at), fmt.Sprintf("%s: %v", name, e.ErrorKind), "see bootrace dialects schema")
	}
	for _, cause := range e.Causes {
		s.causes(cause, all)
	}
}

// named finds what has a name that the schema at the URL does not allow there. The validator lends the place of such an error to others
// before it tells it.
func (s *source) named(schema, name string) (all []string) {
	parts := strings.Split(strings.TrimSuffix(schema, "/propertyNames"), "/")
	for at := range s.keys {
		if above, ok := strings.CutSuffix(at, "/"+escape(name)); ok && strings.HasSuffix(above, "/"+parts[len(parts)-1]) {
			all = append(all, above)
		}
	}
	return all
}

// known are the names that what the error is about may have.
func (s *source) known(e *validator.ValidationError) []string {
	var all map[string]any
	if json.Unmarshal(schema(), &all) != nil {
		return nil
	}
	at := all
	_, path, _ := strings.Cut(e.SchemaURL, "#/")
	for _, key := range strings.Split(path, "/") {
		if below, ok := at[key].(map[string]any); ok {
			at = below
		}
	}
	properties, _ := at["properties"].(map[string]any)
	var found []string
	for name := range properties {
		found = append(found, name)
	}
	return found
}

// wanted says what a name has to be.
func (s *source) wanted(e *validator.ValidationError) string {
	for _, cause := range e.Causes {
		switch k := cause.ErrorKind.(type) {
		case *kind.Enum:
			var want []string
			for _, w := range k.Want {
				want = append(want, fmt.Sprint(w))
			}
			return among(want)
		case *kind.Pattern:
			return "it should look like " + k.Want
		}
	}
	return "see bootrace dialects schema"
}

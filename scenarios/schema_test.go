package scenarios

import (
	"bytes"
	"encoding/json"
	"testing"

	validator "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/goccy/go-yaml"
)

func TestSchemaIsInSync(t *testing.T) {
	golden(t, "schema.json", generateSchema(t))
}

// compiledSchema returns the checked-in schema, ready to validate by.
func compiledSchema(t testing.TB) *validator.Schema {
	t.Helper()
	doc, err := validator.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := validator.NewCompiler()
	c.DefaultDraft(validator.Draft2020)
	if err := c.AddResource(schemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(schemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON returns the document as the schema's validator sees it.
func asJSON(text []byte) (any, error) {
	var doc any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	return validator.UnmarshalJSON(bytes.NewReader(raw))
}

// Each of these is wrong in a way that a schema can say.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	const head = "name: x\nabout: x\nfleet: [{provider: kimi}]\n"
	for what, text := range map[string]string{
		"no fleet":               "name: x\nabout: x\n",
		"empty fleet":            "name: x\nabout: x\nfleet: []\n",
		"name with spaces":       "name: x y\nabout: x\nfleet: [{provider: kimi}]\n",
		"empty about":            "name: x\nabout: ''\nfleet: [{provider: kimi}]\n",
		"unknown field":          head + "colour: blue\n",
		"unknown provider":       "name: x\nabout: x\nfleet: [{provider: minmax}]\n",
		"unknown runtime":        "name: x\nabout: x\nfleet: [{provider: kimi, runtime: cobol}]\n",
		"count of zero":          "name: x\nabout: x\nfleet: [{provider: kimi, count: 0}]\n",
		"count as text":          "name: x\nabout: x\nfleet: [{provider: kimi, count: '5'}]\n",
		"empty boot":             "name: x\nabout: x\nfleet: [{provider: kimi, boot: {}}]\n",
		"unknown phase":          "name: x\nabout: x\nfleet: [{provider: kimi, boot: {dies: x}}]\n",
		"phase of zero":          "name: x\nabout: x\nfleet: [{provider: kimi, boot: {total: 0s}}]\n",
		"duration as a number":   head + "duration: 600\n",
		"duration without unit":  head + "duration: '600'\n",
		"duration in days":       head + "duration: 1d\n",
		"negative duration":      head + "duration: -5m\n",
		"null":                   head + "settings:\n",
		"six controllers":        head + "controllers: 6\n",
		"act without a time":     head + "acts: [{do: pause}]\n",
		"unknown act":            head + "acts: [{at: 1m, do: reboot}]\n",
		"first of zero":          head + "acts: [{at: 1m, do: pause, first: 0}]\n",
		"unknown kind":           head + "faults: [{kind: gremlin, until: 1m}]\n",
		"lasting without until":  head + "faults: [{kind: partition}]\n",
		"calls of another world": head + "faults: [{kind: lose-reply, until: 1m, calls: [expire_boots]}]\n",
		"calls of nothing":       head + "faults: [{kind: lose-reply, until: 1m, calls: []}]\n",
		"call twice":             head + "faults: [{kind: lose-reply, until: 1m, calls: [create, create]}]\n",
		"field not taken":        head + "faults: [{kind: partition, until: 1m, percent: 5}]\n",
		"field needed":           head + "faults: [{kind: delay, until: 1m}]\n",
		"nth and percent":        head + "faults: [{kind: lose-reply, until: 1m, nth: [1], percent: 5}]\n",
		"nth of zero":            head + "faults: [{kind: lose-reply, until: 1m, nth: [0]}]\n",
		"percent of 101":         head + "faults: [{kind: lose-reply, until: 1m, percent: 101}]\n",
		"clock off by nothing":   head + "faults: [{kind: clock, until: 1m, by: 0s}]\n",
		"crash call, no until":   head + "faults: [{kind: crash, delay: 1m, calls: [apply]}]\n",
		"crash when, no calls":   head + "faults: [{kind: crash, delay: 1m, when: after}]\n",
		"unknown event":          head + "expect: {events: [boot]}\n",
		"unknown status":         head + "expect: {statuses: {up: 1}}\n",
		"negative count":         head + "expect: {statuses: {online: -1}}\n",
		"empty expectation":      head + "expect: {}\n",
		"unknown need":           head + "needs: [luck]\n",
	} {
		doc, err := asJSON([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if schema.Validate(doc) == nil {
			t.Errorf("%s: the schema accepts it", what)
		}
		if _, err := Load("bad.yaml", []byte(text)); err == nil {
			t.Errorf("%s: Load accepts it", what)
		}
	}
	doc, err := asJSON([]byte(head))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Errorf("the schema refuses the smallest scenario: %v", err)
	}
}

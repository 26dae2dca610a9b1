package scenarios

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func trimmed(text string) string { return strings.TrimSpace(text) }

// What is written is read as the same, is accepted by the schema, and is written the same again.
func TestWrittenScenariosAreReadBack(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		want := anyScenario(t)
		text := want.YAML()
		got, err := Load("written.yaml", text)
		if err != nil {
			t.Fatalf("%v\n\n%s", err, text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-written +read)\n%s\n%s", diff, text)
		}
		if again := got.YAML(); string(again) != string(text) {
			t.Fatalf("written first:\n%s\nwritten again:\n%s", text, again)
		}
		doc, err := asJSON(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if err := schema.Validate(doc); err != nil {
			t.Fatalf("the schema refuses what Load accepts: %v\n%s", err, text)
		}
	})
}

// The JSON that a run keeps of its scenario is the scenario.
func TestScenariosRoundTripThroughJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := anyScenario(t)
		raw, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got := &Scenario{}
		if err := json.Unmarshal(raw, got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("(-want +got)\n%s", cmp.Diff(want, got))
		}
	})
}

// Whatever is done to a text, Load either accepts it, and then so does the schema, or names places that exist.
func TestDamagedScenarios(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		text := []rune(string(anyScenario(t).YAML()))
		for range rapid.IntRange(1, 6).Draw(t, "damages") {
			at := rapid.IntRange(0, len(text)).Draw(t, "at")
			end := min(len(text), at+rapid.IntRange(0, 6).Draw(t, "removed"))
			with := rapid.SampledFrom([]string{"", "", " ", "  ", "\n", "\n  ", "\t", "- ", ":", ": ", "{", "}", "[", "]", "\"", "'", "#", "&a ", "*a", "<<: ", "!x ", "---\n", "0", "x", "-", "|", ">", "null", "\x00", "é"}).Draw(t, "with")
			text = []rune(string(text[:at]) + with + string(text[end:]))
		}
		checkLoad(t, schema.Validate, []byte(string(text)))
	})
}

// fataler is what *testing.T and *rapid.T share.
type fataler interface {
	Fatalf(format string, args ...any)
}

// checkLoad checks what holds for every text.
func checkLoad(t fataler, validate func(any) error, text []byte) {
	s, err := Load("any.yaml", text)
	if err == nil {
		doc, err := asJSON(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if err := validate(doc); err != nil {
			t.Fatalf("the schema refuses what Load accepts: %v\n%s", err, text)
		}
		again, err := Load("again.yaml", s.YAML())
		if err != nil {
			t.Fatalf("%v\n\n%s\n\nwritten from\n\n%s", err, s.YAML(), text)
		}
		if diff := cmp.Diff(s, again); diff != "" {
			t.Fatalf("(-read +written and read)\n%s\n%s", diff, text)
		}
		return
	}
	var problems *Problems
	if !errors.As(err, &problems) || len(problems.List) == 0 || s != nil {
		t.Fatalf("got %v and %v", s, err)
	}
	lines := strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	for _, p := range problems.List {
		if p.Line == 0 {
			continue
		}
		if p.Line > len(lines) || p.Column < 1 || p.Column > len([]rune(lines[p.Line-1]))+1 || p.Width < 1 {
			t.Fatalf("there is no place %d:%d:\n%s\n%s", p.Line, p.Column, err, text)
		}
		if p.Message == "" {
			t.Fatalf("a problem says nothing:\n%s", err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, name := range Names() {
		f.Add(builtinSource(name))
	}
	for _, text := range []string{
		"", "a", "- a", "? a", "name: x\nabout: |\n\tx\n", "name: !!binary x", "<<: *a", "fleet: [{}]", "fleet: {a: [", "---\n---\n",
		"%YAML 1.2\n---\nname: x", "name: &a x\nabout: *a\nfleet: [{provider: kimi}]", "expect: {statuses: {online: 1.0}}",
		"\"name\": \"x\"\n'about': 'y'\nfleet: [{\"provider\": \"kimi\"}]",
	} {
		f.Add([]byte(text))
	}
	schema := compiledSchema(f)
	f.Fuzz(func(t *testing.T, text []byte) { checkLoad(t, schema.Validate, text) })
}

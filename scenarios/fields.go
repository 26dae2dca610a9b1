package scenarios

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// field is what a struct field's type and tags say of a field of a scenario file. The loader, the writer and the JSON
// Schema all go by it.
type field struct {
	name     string
	index    int
	typ      reflect.Type
	required bool
	flow     bool           // is written on one line
	names    string         // the vocabulary of its text, of its elements or of its keys; see vocabularyOf
	sign     string         // of a duration: "positive", "signed" or, where it may be zero too, ""
	pattern  *regexp.Regexp // of its text
	notEmpty bool           // its text has at least one character
	longest  int            // characters that its text may have; 0 for no bound
	least    int            // of its number, its elements or its values
	most     int            // likewise; 0 for no bound
	minItems int
	unique   bool
	standard string // what it is where it is left out
}

var durationType = reflect.TypeFor[Duration]()

// fieldsOf returns the fields of a struct type, in the order of their declaration.
func fieldsOf(t reflect.Type) []field {
	fields := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		sf := t.Field(i)
		yaml := strings.Split(sf.Tag.Get("yaml"), ",")
		f := field{
			name:     yaml[0],
			index:    i,
			typ:      sf.Type,
			required: !slices.Contains(yaml, "omitempty"),
			flow:     slices.Contains(yaml, "flow"),
			names:    sf.Tag.Get("names"),
			sign:     sf.Tag.Get("duration"),
		}
		for _, tag := range strings.Split(sf.Tag.Get("jsonschema"), ",") {
			key, value, _ := strings.Cut(tag, "=")
			number, _ := strconv.Atoi(value)
			switch key {
			case "pattern":
				f.pattern = regexp.MustCompile(value)
			case "minLength":
				f.notEmpty = true
			case "maxLength":
				f.longest = number
			case "minimum":
				f.least = number
			case "maximum":
				f.most = number
			case "minItems":
				f.minItems = number
			case "uniqueItems":
				f.unique = true
			case "default":
				f.standard = value
			}
		}
		fields = append(fields, f)
	}
	return fields
}

func fieldNames(fields []field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

// listExamples are the smallest elements of the lists of a scenario file.
var listExamples = map[reflect.Type]string{
	reflect.TypeFor[Group]():       "- provider: kimi",
	reflect.TypeFor[Act]():         "- {at: 2m, do: restart}",
	reflect.TypeFor[GroupExpect](): "- {group: kimi, never: [silence]}",
	reflect.TypeFor[Fault]():       "- {kind: partition, from: 9m, until: 12m}",
}

// structNouns are what messages call the blocks of a scenario file.
var structNouns = map[reflect.Type]string{
	reflect.TypeFor[Scenario]():    "a scenario",
	reflect.TypeFor[Settings]():    "settings",
	reflect.TypeFor[Group]():       "a group",
	reflect.TypeFor[Boot]():        "a boot",
	reflect.TypeFor[Act]():         "an act",
	reflect.TypeFor[Fault]():       "a fault",
	reflect.TypeFor[Expect]():      "expect",
	reflect.TypeFor[GroupExpect](): "what is expected of a group",
}

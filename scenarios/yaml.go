package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// YAML writes the scenario as a person would: what is left to its default is left out, long texts are folded, and small
// blocks stand on one line. [Load] of it gives the same scenario again.
func (s *Scenario) YAML() []byte {
	brief := *s
	if brief.Controllers == 1 {
		brief.Controllers = 0
	}
	brief.Fleet = append([]Group(nil), s.Fleet...)
	for i := range brief.Fleet {
		g := &brief.Fleet[i]
		if g.Name == g.Provider {
			g.Name = ""
		}
		if g.Runtime == "claude-code" {
			g.Runtime = ""
		}
		if g.Count == 1 {
			g.Count = 0
		}
	}
	var w writer
	w.block(reflect.ValueOf(brief), 0)
	return w.Bytes()
}

// writer writes values by their fields. It knows what a scenario can hold, and nothing more of YAML.
type writer struct{ bytes.Buffer }

// textWidth is where long texts are folded.
const textWidth = 100

func (w *writer) indent(depth int) {
	for range depth {
		w.WriteString("  ")
	}
}

// block writes the fields of a struct, each on lines of its own. The first line's indentation is the caller's.
func (w *writer) block(v reflect.Value, depth int) {
	first := true
	for _, f := range fieldsOf(v.Type()) {
		value := v.Field(f.index)
		if isLeftOut(&f, value) {
			continue
		}
		if !first {
			w.indent(depth)
		}
		first = false
		w.WriteString(f.name + ":")
		if value.Kind() == reflect.Pointer {
			value = value.Elem()
		}
		switch {
		case value.Kind() == reflect.String && f.names == "" && f.pattern == nil:
			w.longText(value.String(), depth)
		case value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Struct && value.Len() > 0:
			w.WriteByte('\n')
			for i := range value.Len() {
				w.indent(depth + 1)
				w.WriteString("- ")
				if f.flow {
					w.flow(value.Index(i))
					w.WriteByte('\n')
				} else {
					w.block(value.Index(i), depth+2)
				}
			}
		case value.Kind() == reflect.Struct && !f.flow:
			w.WriteByte('\n')
			w.indent(depth + 1)
			w.block(value, depth+1)
		default:
			w.WriteByte(' ')
			w.flow(value)
			w.WriteByte('\n')
		}
	}
	if first { // a block of nothing; it cannot be read again, and says so when it is
		w.WriteString("{}\n")
	}
}

// isLeftOut reports whether the field is not written at all.
func isLeftOut(f *field, v reflect.Value) bool {
	if f.required {
		return false
	}
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil() || v.Elem().IsZero()
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}

// flow writes a value on the line.
func (w *writer) flow(v reflect.Value) {
	if v.Type() == durationType {
		w.WriteString(Duration(v.Int()).String())
		return
	}
	switch v.Kind() {
	case reflect.String:
		w.WriteString(scalar(v.String()))
	case reflect.Int:
		w.WriteString(strconv.FormatInt(v.Int(), 10))
	case reflect.Bool:
		w.WriteString(strconv.FormatBool(v.Bool()))
	case reflect.Slice:
		w.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				w.WriteString(", ")
			}
			w.flow(v.Index(i))
		}
		w.WriteByte(']')
	case reflect.Map: // of statuses, in the order of their declaration
		w.WriteByte('{')
		sep := ""
		for _, name := range mapOrder(v) {
			w.WriteString(sep + scalar(name) + ": ")
			w.flow(v.MapIndex(reflect.ValueOf(name)))
			sep = ", "
		}
		w.WriteByte('}')
	case reflect.Struct:
		w.WriteByte('{')
		sep := ""
		for _, f := range fieldsOf(v.Type()) {
			if !isLeftOut(&f, v.Field(f.index)) {
				w.WriteString(sep + f.name + ": ")
				w.flow(v.Field(f.index))
				sep = ", "
			}
		}
		w.WriteByte('}')
	default:
		panic(fmt.Sprintf("scenarios: no way to write a %s", v.Type()))
	}
}

// mapOrder returns the keys of a map from statuses: known ones in the order of their declaration, then others by name.
func mapOrder(v reflect.Value) []string {
	var order []string
	for _, name := range vocabularyOf("status").names {
		if v.MapIndex(reflect.ValueOf(name)).IsValid() {
			order = append(order, name)
		}
	}
	var others []string
	for _, key := range v.MapKeys() {
		if !slices.Contains(order, key.String()) {
			others = append(others, key.String())
		}
	}
	slices.Sort(others)
	return append(order, others...)
}

var (
	plainName = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)
	plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 ,.;()'/%×-]*$`)
	// What some reader of YAML takes for something else than text.
	notText = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|y|n|null)$`)
)

// scalar writes a text on the line, in quotes where it could be taken for something else.
func scalar(text string) string {
	if plainName.MatchString(text) && !notText.MatchString(text) {
		return text
	}
	var b strings.Builder
	e := json.NewEncoder(&b) // a JSON string is a YAML one
	e.SetEscapeHTML(false)
	e.Encode(text) //nolint:errcheck // a string can be encoded, and a strings.Builder cannot fail
	return strings.TrimSuffix(b.String(), "\n")
}

// longText writes a text after its field's colon: on the line where it is short, folded where it is long, line by line
// where it has lines, and in quotes where nothing else keeps it as it is.
func (w *writer) longText(text string, depth int) {
	lines := strings.Split(text, "\n")
	asIs := text != "" && utf8.ValidString(text)
	for _, line := range lines {
		asIs = asIs && line == strings.TrimSpace(line) && !strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) })
	}
	asIs = asIs && lines[0] != "" && lines[len(lines)-1] != ""
	switch {
	case asIs && len(lines) > 1:
		w.WriteString(" |-\n")
		for _, line := range lines {
			if line != "" {
				w.indent(depth + 1)
			}
			w.WriteString(line + "\n")
		}
	case asIs && len(text) <= textWidth && plainText.MatchString(text) && !notText.MatchString(text):
		w.WriteString(" " + text + "\n")
	case asIs && !strings.Contains(text, "  "):
		w.WriteString(" >-\n")
		for _, line := range wrap(text, textWidth) {
			w.indent(depth + 1)
			w.WriteString(line + "\n")
		}
	default:
		w.WriteString(" " + scalar(text) + "\n")
	}
}

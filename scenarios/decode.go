package scenarios

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// value decodes a node into out, which is settable, by the field's type and bounds.
func (r *reading) value(n ast.Node, path string, f *field, out reflect.Value) {
	if _, ok := n.(*ast.NullNode); !ok { // an empty value's place is its field's name
		r.spots[path] = r.spotOf(n)
	} else if key, ok := r.keys[path]; ok {
		r.spots[path] = key
	} else {
		r.spots[path] = r.dashOf(r.spotOf(n))
	}
	before := n
	if n = r.resolve(n, path); n == nil {
		return
	}
	if n != before {
		r.spots[path] = r.spotOf(n)
	}
	if _, ok := n.(*ast.NullNode); ok {
		last := path[strings.LastIndexAny(path, ".[")+1:]
		message := last + " has no value"
		if strings.HasSuffix(path, "]") {
			message = "this element of the list is empty"
		}
		hint := "give it one, or leave it out"
		if f.required {
			hint = ""
		}
		r.spoil(path, message, hint)
		return
	}
	switch {
	case out.Type() == durationType:
		r.duration(n, path, f, out)
	case out.Kind() == reflect.String:
		r.text(n, path, f, out)
	case out.Kind() == reflect.Int:
		r.number(n, path, f, out)
	case out.Kind() == reflect.Bool:
		r.boolean(n, path, out)
	case out.Kind() == reflect.Slice:
		r.list(n, path, f, out)
	case out.Kind() == reflect.Map:
		r.counts(n, path, f, out)
	case out.Kind() == reflect.Pointer:
		block := reflect.New(out.Type().Elem())
		r.block(n, path, block.Elem())
		out.Set(block)
	case out.Kind() == reflect.Struct:
		r.block(n, path, out)
	default:
		panic("scenarios: no way to read a " + out.Type().String())
	}
}

func (r *reading) duration(n ast.Node, path string, f *field, out reflect.Value) {
	wrong := func(got, hint string) {
		r.spoil(path, "want a duration, such as 90s or 9m30s, not "+got, hint)
	}
	var raw string
	switch x := n.(type) {
	case *ast.StringNode:
		raw = x.Value
	case *ast.IntegerNode, *ast.FloatNode:
		raw = x.GetToken().Value
		hint := "a duration has a unit"
		if isPlainNumber(raw) {
			hint = fmt.Sprintf("a duration has a unit: did you mean %ss or %sm?", raw, raw)
		}
		wrong(describe(n), hint)
		return
	default:
		wrong(describe(n), "")
		return
	}
	d, err := ParseDuration(raw)
	if err != nil && err.Error() == "not a duration" {
		hint := "units are h, m, s, ms and us"
		if guess, ok := guessDuration(raw); ok {
			if f.sign == "signed" && strings.HasPrefix(strings.TrimSpace(raw), "-") {
				guess = -guess
			}
			hint = "did you mean " + guess.String() + "?"
		}
		wrong(quoted(raw), hint)
		return
	}
	name := path[strings.LastIndexByte(path, '.')+1:]
	switch {
	case err != nil:
		r.spoil(path, fmt.Sprintf("%s is %s", raw, err), "")
	case d < 0 && f.sign != "signed":
		r.spoil(path, fmt.Sprintf("%s is below zero", raw), fmt.Sprintf("did you mean %s? times are offsets from the start of the run", -d))
	case d == 0 && f.sign != "":
		hint := "give it a time, or leave it out"
		if f.sign == "signed" {
			hint = "give it a time, such as -15m or 2h"
		}
		r.spoil(path, fmt.Sprintf("%s cannot be zero", name), hint)
	default:
		out.SetInt(int64(d))
	}
}

func isPlainNumber(text string) bool {
	return text != "" && strings.Trim(text, "0123456789.") == ""
}

func (r *reading) text(n ast.Node, path string, f *field, out reflect.Value) {
	var raw string
	switch x := n.(type) {
	case *ast.StringNode:
		raw = x.Value
	case *ast.LiteralNode:
		raw = x.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		if f.names == "" {
			r.spoil(path, "want text, not "+describe(n), fmt.Sprintf("put it in quotes: %q", x.GetToken().Value))
			return
		}
		raw = x.GetToken().Value // it is in no vocabulary, which is the better message
	default:
		r.spoil(path, "want text, not "+describe(n), "")
		return
	}
	if f.names != "" {
		if v := vocabularyOf(f.names); f.names != "call" && !slices.Contains(v.names, raw) {
			r.spoil(path, fmt.Sprintf("unknown %s %s", v.noun, quoted(raw)), suggest(raw, v.names, listed("known "+v.many, v.names)))
		}
		out.SetString(raw) // for checks that need the text, known or not
		return
	}
	if f.notEmpty { // a text, not a name: block scalars end in a line feed that nobody means
		raw = strings.TrimSpace(raw)
	}
	name := path[strings.LastIndexByte(path, '.')+1:]
	switch {
	case f.notEmpty && raw == "":
		r.spoil(path, name+" is empty", "")
	case strings.ContainsFunc(raw, func(c rune) bool { return c != '\n' && unicode.IsControl(c) }):
		r.spoil(path, name+" holds a control character", "remove it")
	case f.longest > 0 && utf8.RuneCountInString(raw) > f.longest:
		r.spoil(path, fmt.Sprintf("%s has %d characters; it has at most %d", name, utf8.RuneCountInString(raw), f.longest),
			"what explains a scenario stands in about; names are parts of files' names")
		out.SetString(raw)
	case f.pattern != nil && !f.pattern.MatchString(raw):
		hint := "names are lower-case letters, digits and dashes, and begin with a letter or a digit"
		if k := kebab(raw); f.pattern.MatchString(k) {
			hint = "did you mean " + k + "? " + hint
		}
		r.spoil(path, fmt.Sprintf("%s cannot be a name", quoted(raw)), hint)
		out.SetString(raw)
	default:
		out.SetString(raw)
	}
}

// kebab returns the name that a text may have meant.
func kebab(text string) string {
	mapped := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			return c
		case c >= 'A' && c <= 'Z':
			return c - 'A' + 'a'
		default:
			return '-'
		}
	}, text)
	return strings.Join(strings.FieldsFunc(mapped, func(c rune) bool { return c == '-' }), "-")
}

func (r *reading) number(n ast.Node, path string, f *field, out reflect.Value) {
	var number int64
	switch x := n.(type) {
	case *ast.IntegerNode:
		switch v := x.Value.(type) {
		case int64:
			number = v
		case uint64:
			number = int64(min(v, math.MaxInt64))
		}
	case *ast.StringNode, *ast.FloatNode:
		raw := x.GetToken().Value
		hint := ""
		if meant, ok := meantNumber(raw); ok {
			hint = fmt.Sprintf("did you mean %d?", meant)
		}
		r.spoil(path, "want a whole number, not "+describe(n), hint)
		return
	default:
		r.spoil(path, "want a whole number, not "+describe(n), "")
		return
	}
	if raw := n.GetToken().Value; isOldOctal(raw) {
		decimal, _ := meantNumber(raw)
		r.spoil(path, fmt.Sprintf("%s can be read as %d, which is octal, or as %d", raw, number, decimal),
			fmt.Sprintf("write %d, or %d", decimal, number))
		return
	}
	least, most := int64(f.least), int64(f.most)
	switch name := strings.TrimRight(path[strings.LastIndexByte(path, '.')+1:], "[]0123456789"); {
	case number < least && most > 0:
		r.spoil(path, fmt.Sprintf("%s is %d; it lies between %d and %d", name, number, least, most), "")
	case number < least:
		r.spoil(path, fmt.Sprintf("%s is %d; it is at least %d", name, number, least), countHint(name))
	case most > 0 && number > most || number > math.MaxInt32:
		if most == 0 {
			most = math.MaxInt32
		}
		r.spoil(path, fmt.Sprintf("%s is %d; it is at most %d", name, number, most), "")
	default:
		out.SetInt(number)
	}
}

// isOldOctal reports whether some readers of YAML take a number for octal for no more than its zero.
func isOldOctal(raw string) bool {
	return len(raw) > 1 && raw[0] == '0' && strings.Trim(raw, "01234567_") == ""
}

// numberWords are the numbers that people write out.
var numberWords = []string{"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}

// meantNumber returns the whole number that a text may have meant: one with a percent sign, with an exponent, with zeros
// before or behind it, or in words.
func meantNumber(text string) (int64, bool) {
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "%"))
	if i := slices.Index(numberWords, strings.ToLower(text)); i >= 0 {
		return int64(i) + 1, true
	}
	if !isPlainNumber(strings.NewReplacer("e", "", "E", "", "+", "", "_", "").Replace(text)) {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	if err != nil || f != math.Trunc(f) || f > math.MaxInt32 {
		return 0, false
	}
	return int64(f), true
}

func countHint(name string) string {
	if name == "nth" {
		return "occurrences are counted from 1"
	}
	return ""
}

func (r *reading) boolean(n ast.Node, path string, out reflect.Value) {
	b, ok := n.(*ast.BoolNode)
	if !ok {
		hint := ""
		switch strings.ToLower(n.GetToken().Value) {
		case "yes", "on", "y", "1", "true":
			hint = "did you mean true?"
		case "no", "off", "n", "0", "false":
			hint = "did you mean false?"
		}
		r.spoil(path, "want true or false, not "+describe(n), hint)
		return
	}
	out.SetBool(b.Value)
}

func (r *reading) list(n ast.Node, path string, f *field, out reflect.Value) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		hint := "a list is written in brackets: [one, another]"
		if example := listExamples[out.Type().Elem()]; example != "" {
			hint = "each element begins with a dash, such as " + example
		} else if _, scalar := n.(ast.ScalarNode); scalar {
			hint = "write it in brackets: [" + n.GetToken().Value + "]"
		}
		r.spoil(path, fmt.Sprintf("%s is a list, not %s", path[strings.LastIndexByte(path, '.')+1:], describe(n)), hint)
		return
	}
	if len(s.Values) < f.minItems {
		hint := "leave it out, or name at least one"
		if f.required {
			hint = "it has at least one element"
		}
		r.spoil(path, path[strings.LastIndexByte(path, '.')+1:]+" is empty", hint)
		return
	}
	if len(s.Values) == 0 {
		return
	}
	list := reflect.MakeSlice(out.Type(), len(s.Values), len(s.Values))
	for i, v := range s.Values {
		p := element(path, i)
		r.value(v, p, f, list.Index(i))
		if !f.unique || !r.sound(p) {
			continue
		}
		for j := range i {
			if r.sound(element(path, j)) && list.Index(j).Equal(list.Index(i)) {
				r.spoil(p, fmt.Sprintf("%v stands in the list already", list.Index(i)), "remove one of them")
				break
			}
		}
	}
	out.Set(list)
}

// counts decodes a map from names to numbers.
func (r *reading) counts(n ast.Node, path string, f *field, out reflect.Value) {
	entries, ok := mappings(n)
	if !ok {
		v := vocabularyOf(f.names)
		r.spoil(path, fmt.Sprintf("want a number for each %s, such as %s: 1, not %s", v.noun, v.names[0], describe(n)), "")
		return
	}
	if len(entries) == 0 {
		r.spoil(path, path[strings.LastIndexByte(path, '.')+1:]+" is empty", "leave it out, or name at least one")
		return
	}
	m := reflect.MakeMap(out.Type())
	v := vocabularyOf(f.names)
	for _, e := range entries {
		name, key, ok := r.key(e)
		if !ok {
			continue
		}
		p := join(path, name)
		if first, dup := r.keys[p]; dup {
			r.report(key.line, key.column, key.width, name+" is given twice", fmt.Sprintf("the first stands on line %d", first.line))
			continue
		}
		r.keys[p] = key
		if !slices.Contains(v.names, name) {
			r.report(key.line, key.column, key.width, fmt.Sprintf("unknown %s %s", v.noun, quoted(name)), suggest(name, v.names, listed("known "+v.many, v.names)))
			r.spoilt = append(r.spoilt, p)
		}
		count := reflect.New(out.Type().Elem()).Elem()
		r.value(e.Value, p, f, count)
		m.SetMapIndex(reflect.ValueOf(name), count)
	}
	out.Set(m)
}

// mappings returns the entries of a block of fields.
func mappings(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch x := n.(type) {
	case *ast.MappingNode:
		return x.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{x}, true
	default:
		return nil, false
	}
}

// key returns a field's name and where it stands; where it is no plain name it has reported that.
func (r *reading) key(e *ast.MappingValueNode) (name string, at spot, ok bool) {
	at = r.spotOf(e.Key)
	switch k := e.Key.(type) {
	case *ast.StringNode:
		return k.Value, at, true
	case *ast.MergeKeyNode:
		r.report(at.line, at.column, at.width, "scenarios take no merge keys (<<)", "write the fields out; an alias can stand for a whole block, such as boot: *slow")
	default:
		r.report(at.line, at.column, at.width, "a field's name is plain text", "")
	}
	return "", at, false
}

// otherWords are what people call a block's fields, without a plural's s, where no spelling comes near.
var otherWords = map[reflect.Type]map[string]string{
	reflect.TypeFor[Scenario](): {"workspace": "fleet", "group": "fleet", "replica": "controllers", "description": "about", "operator": "acts"},
	reflect.TypeFor[Group]():    {"workspace": "count", "replica": "count", "number": "count", "model": "provider", "llm": "provider"},
	reflect.TypeFor[Act]():      {"workspace": "only", "act": "do", "action": "do", "time": "at"},
	reflect.TypeFor[Fault]():    {"workspace": "only", "type": "kind", "fault": "kind", "at": "from", "probability": "percent"},
}

// block decodes a block of fields into a struct.
func (r *reading) block(n ast.Node, path string, out reflect.Value) {
	fields := fieldsOf(out.Type())
	noun := structNouns[out.Type()]
	takes := noun + " takes " + and(fieldNames(fields))
	if strings.HasSuffix(noun, "settings") {
		takes = noun + " are " + and(fieldNames(fields))
	}
	entries, ok := mappings(n)
	if !ok {
		r.spoil(path, fmt.Sprintf("want the fields of %s, not %s", noun, describe(n)), takes)
		return
	}
	if len(entries) == 0 {
		r.spoil(path, "this block of fields is empty", takes)
		return
	}
	for _, e := range entries {
		name, key, ok := r.key(e)
		if !ok {
			for _, f := range fields { // any of them may be what it stood for, so none is missing
				r.hidden = append(r.hidden, join(path, f.name))
			}
			continue
		}
		p := join(path, name)
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			hint := suggest(name, fieldNames(fields), takes)
			if meant := otherWords[out.Type()][strings.TrimSuffix(name, "s")]; meant != "" {
				hint = "did you mean " + meant + "?"
				r.hidden = append(r.hidden, join(path, meant))
			} else if near, ok := nearest(name, fieldNames(fields)); ok {
				r.hidden = append(r.hidden, join(path, near)) // it is not missing, only misspelt
			}
			r.report(key.line, key.column, key.width, "unknown field "+quoted(name), hint)
			continue
		}
		if first, dup := r.keys[p]; dup {
			r.report(key.line, key.column, key.width, name+" is given twice", fmt.Sprintf("the first stands on line %d", first.line))
			continue
		}
		r.keys[p] = key
		r.value(e.Value, p, &fields[i], out.Field(fields[i].index))
	}
	var needs []string
	for _, f := range fields {
		if f.required {
			needs = append(needs, f.name)
		}
	}
	for _, f := range fields {
		if p := join(path, f.name); f.required && r.missing(p) {
			r.spoil(p, fmt.Sprintf("%s lacks the field %s", noun, f.name), noun+" needs "+and(needs))
		}
	}
}

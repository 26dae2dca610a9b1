package dialect

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"
)

// scope is what an expression may refer to: variables, and of some of them the fields that there are.
type scope struct {
	vars   map[string]*cel.Type
	fields map[string][]string
}

// with returns the scope with more in it.
func (s scope) with(vars map[string]*cel.Type) scope {
	all := maps.Clone(s.vars)
	maps.Copy(all, vars)
	return scope{all, s.fields}
}

func (s scope) names() []string { return slices.Collect(maps.Keys(s.vars)) }

// expr is an expression.
type expr struct {
	place   Place
	text    string
	bare    string // the variable where it is nothing else
	program cel.Program
}

var base = func() *cel.Env {
	env, err := cel.NewEnv(cel.OptionalTypes(), ext.Strings(), ext.Encoders())
	if err != nil {
		panic(err) // it is the library's own
	}
	return env
}()

var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// compile compiles the expression that stands in the text at the offset.
func (s *source) compile(at, whole string, offset int, text string, in scope) (*expr, Problems) {
	x := &expr{place: s.within(at, whole, offset), text: strings.TrimSpace(text)}
	fail := func(offset int, what, way string) Problems {
		return Problems{{s.within(at, whole, offset), what, way}}
	}
	if x.text == "" {
		return nil, fail(offset, "an expression is empty", "write one of the variables: "+among(in.names()))
	}
	var options []cel.EnvOption
	for name, t := range in.vars {
		options = append(options, cel.Variable(name, t))
	}
	env, err := base.Extend(options...)
	if err != nil {
		return nil, fail(offset, err.Error(), "")
	}
	parsed, issues := env.Compile(text)
	if issues.Err() != nil {
		e := issues.Errors()[0]
		column := e.Location.Column()
		for range e.Location.Line() - 1 { // from the begin of its line to that of the text
			column += strings.IndexByte(text[column:], '\n') + 1
		}
		what, _, _ := strings.Cut(e.Message, " expecting")
		way := "it is an expression in CEL"
		if strings.HasPrefix(what, "undeclared reference") {
			what, _, _ = strings.Cut(what, " (in container")
			way = among(in.names())
		}
		return nil, fail(offset+min(column, len(text)), fmt.Sprintf("%q: %s", x.text, what), way)
	}
	if p := fields(parsed, in); p != "" {
		name, field, _ := strings.Cut(p, ".")
		way := "there are none"
		if len(in.fields[name]) > 0 {
			way = among(in.fields[name])
		}
		return nil, fail(offset+max(strings.Index(text, field), 0), fmt.Sprintf("%q: %s has no field %q", x.text, name, field), way)
	}
	if identifier.MatchString(x.text) {
		x.bare = x.text
	}
	if x.program, err = env.Program(parsed); err != nil {
		return nil, fail(offset, err.Error(), "")
	}
	return x, nil
}

// fields finds a field of a variable that it does not have: "variable.field".
func fields(parsed *cel.Ast, in scope) (wrong string) {
	check := func(operand ast.Expr, field string) {
		if operand.Kind() != ast.IdentKind {
			return
		}
		name := operand.AsIdent()
		if known, ok := in.fields[name]; ok && !slices.Contains(known, field) {
			wrong = name + "." + field
		}
	}
	ast.PostOrderVisit(parsed.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.SelectKind:
			check(e.AsSelect().Operand(), e.AsSelect().FieldName())
		case ast.CallKind:
			call := e.AsCall()
			if call.FunctionName() == operators.OptSelect && call.Args()[1].Kind() == ast.LiteralKind {
				check(call.Args()[0], fmt.Sprint(call.Args()[1].AsLiteral().Value()))
			}
		}
	}))
	return wrong
}

// vars are the values of variables; what has none is nil.
type vars map[string]any

// value evaluates the expression. It is nil where there is nothing.
func (x *expr) value(v vars) (any, error) {
	if x.bare != "" {
		return v[x.bare], nil
	}
	out, _, err := x.program.Eval(map[string]any(v))
	if err != nil {
		return nil, x.fault(err.Error())
	}
	return native(out), nil
}

// fault is what is wrong with the value of the expression.
func (x *expr) fault(what string) error {
	return fmt.Errorf("%s: %s (%s)", x.text, what, x.place)
}

// native turns a value of CEL's into one of JSON's.
func native(v ref.Val) any {
	switch x := v.(type) {
	case *types.Optional:
		if !x.HasValue() {
			return nil
		}
		return native(x.GetValue())
	case types.Null:
		return nil
	case traits.Mapper:
		all := map[string]any{}
		for i := x.Iterator(); i.HasNext() == types.True; {
			k := i.Next()
			all[fmt.Sprint(native(k))] = native(x.Get(k))
		}
		return all
	case traits.Lister:
		all := []any{}
		for i := x.Iterator(); i.HasNext() == types.True; {
			all = append(all, native(i.Next()))
		}
		return all
	}
	return v.Value()
}

// text is a template: what is between placeholders, and those.
type text struct {
	parts []part
	whole *expr // where it is one placeholder and nothing else
}

type part struct {
	literal string
	expr    *expr
}

// template compiles a text with placeholders.
func (s *source) template(at, whole string, in scope) (*text, Problems) {
	t := &text{}
	var all Problems
	for i := 0; i < len(whole); {
		open := strings.Index(whole[i:], "${")
		if open < 0 {
			t.parts = append(t.parts, part{literal: whole[i:]})
			break
		}
		if open > 0 {
			t.parts = append(t.parts, part{literal: whole[i : i+open]})
		}
		from := i + open + 2
		length := closing(whole[from:])
		if length < 0 {
			return nil, Problems{{s.within(at, whole, from-2), "a placeholder has no end", "close it: ${…}"}}
		}
		x, p := s.compile(at, whole, from, whole[from:from+length], in)
		all = append(all, p...)
		t.parts = append(t.parts, part{expr: x})
		i = from + length + 1
	}
	if len(t.parts) == 1 {
		t.whole = t.parts[0].expr
	}
	return t, all
}

// closing is where the brace stands that ends a placeholder.
func closing(text string) int {
	depth, quote := 0, byte(0)
	for i := range len(text) {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '{':
			depth++
		case c == '}' && depth == 0:
			return i
		case c == '}':
			depth--
		}
	}
	return -1
}

// say fills the text in. It reports false where a placeholder has nothing to say.
func (t *text) say(v vars, escape func(string) string) (string, bool, error) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.expr == nil {
			b.WriteString(p.literal)
			continue
		}
		value, err := p.expr.value(v)
		if err != nil || value == nil {
			return "", false, err
		}
		said := fmt.Sprint(value)
		if escape != nil {
			said = escape(said)
		}
		b.WriteString(said)
	}
	return b.String(), true, nil
}

package scenarios

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// spot is where something stands in the source.
type spot struct{ line, column, width int }

// reading decodes a document by the fields of the Go types, and remembers where everything stood, by paths such as
// fleet[1].boot.total, so that later checks can point at it.
type reading struct {
	*source
	spots   map[string]spot // of values
	keys    map[string]spot // of the fields' names
	spoilt  []string        // paths of what was reported already, and is not to be judged further
	hidden  []string        // paths of what may stand in the source under a name that was reported already
	anchors []anchor
}

type anchor struct {
	name   string
	offset int
	node   ast.Node
}

func newReading(s *source) *reading {
	r := &reading{source: s, spots: map[string]spot{}, keys: map[string]spot{}}
	if len(s.doubtful) > 0 { // what was not found may have stood where nothing could be read
		for _, f := range fieldsOf(reflect.TypeFor[Scenario]()) {
			r.hidden = append(r.hidden, f.name)
		}
		r.spoilt = slices.Clone(s.doubtful)
	}
	return r
}

// Visit collects anchors.
func (r *reading) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil {
		r.anchors = append(r.anchors, anchor{a.Name.GetToken().Value, a.GetToken().Position.Offset, a.Value})
	}
	return r
}

// at returns the spot of the path's value, or of the nearest thing around it that stands in the source.
func (r *reading) at(path string) spot {
	for {
		if s, ok := r.spots[path]; ok {
			return s
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return r.spots[""]
		}
		path = path[:i]
	}
}

// complain reports a problem with the path's value.
func (r *reading) complain(path, message, hint string) {
	s := r.at(path)
	r.report(s.line, s.column, s.width, message, hint)
}

// spoil reports a problem with the path's value and keeps later checks from judging it.
func (r *reading) spoil(path, message, hint string) {
	r.complain(path, message, hint)
	r.spoilt = append(r.spoilt, path)
}

// given reports whether the path stands in the source.
func (r *reading) given(path string) bool {
	_, ok := r.spots[path]
	return ok
}

// sound reports whether nothing at the path, around it or within it was reported.
func (r *reading) sound(path string) bool {
	within := func(outer, inner string) bool {
		rest, ok := strings.CutPrefix(inner, outer)
		return ok && (outer == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
	}
	touches := func(bad string) bool { return within(bad, path) || within(path, bad) }
	return !slices.ContainsFunc(r.spoilt, touches) &&
		!slices.ContainsFunc(r.hidden, func(bad string) bool { return !r.given(bad) && touches(bad) })
}

// missing reports whether the path is in the source under no name, not even a misspelt one.
func (r *reading) missing(path string) bool {
	return !r.given(path) && !slices.Contains(r.hidden, path)
}

// judged reports whether the path stands in the source and is sound.
func (r *reading) judged(path string) bool { return r.given(path) && r.sound(path) }

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// spotOf returns where a node stands.
func (r *reading) spotOf(n ast.Node) spot {
	switch x := n.(type) {
	case *ast.MappingNode:
		if !x.IsFlowStyle && len(x.Values) > 0 {
			return r.spotOf(x.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return r.spotOf(x.Key)
	case *ast.LiteralNode:
		return tokenSpot(x.Start)
	case *ast.TagNode:
		return tokenSpot(x.Start)
	case *ast.AnchorNode:
		return r.spotOf(x.Value)
	case *ast.AliasNode:
		s := tokenSpot(x.Start)
		if x.Value != nil {
			s.width += utf8.RuneCountInString(x.Value.GetToken().Value)
		}
		return s
	}
	return tokenSpot(n.GetToken())
}

// dashOf returns the spot of the dash of a list's element that has nothing behind its dash.
func (r *reading) dashOf(s spot) spot {
	if s.line >= 1 && s.line <= len(r.lines) {
		line := []rune(r.lines[s.line-1])
		for at := min(s.column, len(line)); at >= 1; at-- {
			if line[at-1] == '-' {
				s.column = at
				break
			}
		}
	}
	return s
}

func tokenSpot(t *token.Token) spot {
	width := 1
	switch t.Type {
	case token.MappingStartType, token.SequenceStartType, token.SequenceEntryType, token.ImplicitNullType:
	case token.SingleQuoteType, token.DoubleQuoteType:
		first, _, _ := strings.Cut(strings.TrimSpace(t.Origin), "\n")
		width = utf8.RuneCountInString(first)
	default:
		first, _, _ := strings.Cut(t.Value, "\n")
		width = utf8.RuneCountInString(first)
	}
	return spot{t.Position.Line, t.Position.Column, max(1, width)}
}

// describe says what a node is, as a person would.
func describe(n ast.Node) string {
	switch x := n.(type) {
	case *ast.NullNode:
		return "nothing"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "the number " + x.GetToken().Value
	case *ast.BoolNode:
		return x.GetToken().Value
	case *ast.StringNode:
		return quoted(x.Value)
	case *ast.LiteralNode:
		return "text"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a block of fields"
	default:
		return "something else"
	}
}

// quoted quotes a text for a message; a long one is cut.
func quoted(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		text = string(runes[:40]) + "…"
	}
	return strconv.Quote(text)
}

// resolve follows anchors and aliases. It returns nil where there is nothing to go on with, having reported why.
func (r *reading) resolve(n ast.Node, path string) ast.Node {
	for range maxNesting {
		switch x := n.(type) {
		case *ast.AnchorNode:
			n = x.Value
		case *ast.AliasNode:
			name, offset := x.Value.GetToken().Value, x.GetToken().Position.Offset
			n = nil
			var known []string
			for _, a := range r.anchors { // the last of this name before the alias
				if a.offset < offset {
					known = append(known, a.name)
					if a.name == name {
						n = a.node
					}
				}
			}
			if n == nil {
				r.spots[path] = r.spotOf(x)
				hint := "an anchor is written &" + name + ", before the alias that refers to it"
				if near, ok := nearest(name, known); ok {
					hint = "did you mean *" + near + "? " + hint
				}
				r.spoil(path, "no anchor before this alias is called "+quoted(name), hint)
				return nil
			}
		case *ast.TagNode:
			r.spots[path] = r.spotOf(x)
			r.spoil(path, "scenarios take no YAML tags such as "+x.Start.Value, "leave the tag out; a number becomes text by quotes")
			return nil
		case nil:
			return nil
		default:
			return n
		}
	}
	r.spoil(path, "this alias refers to itself", "")
	return nil
}

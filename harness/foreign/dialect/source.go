package dialect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// source is a file with the place of everything in it. What is in it goes by its JSON pointer.
type source struct {
	name   string
	values map[string]*token.Token
	keys   map[string]*token.Token
	blocks map[string]bool // texts in YAML's block style, which begin on the line below
	data   any
}

func read(name string, text []byte) (*source, Problems) {
	s := &source{name: name, values: map[string]*token.Token{}, keys: map[string]*token.Token{}, blocks: map[string]bool{}}
	fail := func(t *token.Token, what string) Problems {
		p := Problem{Place: Place{name, 1, 1}, What: what, Way: "see docs/dialects.md, or begin with bootrace dialects show molecule"}
		if t != nil {
			p.Place = Place{name, t.Position.Line, t.Position.Column}
		}
		return Problems{p}
	}
	parsed, err := parser.ParseBytes(text, 0)
	var syntax *yaml.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, fail(syntax.Token, "it is no YAML: "+syntax.Message)
	case err != nil:
		return nil, fail(nil, "it is no YAML: "+err.Error())
	case len(parsed.Docs) != 1 || parsed.Docs[0].Body == nil:
		return nil, fail(nil, fmt.Sprintf("it has %d YAML documents, and a dialect is one", len(parsed.Docs)))
	}
	body := parsed.Docs[0].Body
	s.walk(body, "", map[string]ast.Node{})
	if err := yaml.NodeToValue(body, &s.data); err != nil {
		var at yaml.Error
		if errors.As(err, &at) {
			return nil, fail(at.GetToken(), "it is no YAML: "+at.GetMessage())
		}
		return nil, fail(nil, "it is no YAML: "+err.Error())
	}
	s.data = plain(s.data)
	return s, nil
}

// walk notes where everything below the node is.
func (s *source) walk(n ast.Node, at string, anchors map[string]ast.Node) {
	switch x := n.(type) {
	case *ast.AnchorNode:
		anchors[x.Name.GetToken().Value] = x.Value
		s.walk(x.Value, at, anchors)
		return
	case *ast.AliasNode:
		if to := anchors[x.Value.GetToken().Value]; to != nil {
			s.walk(to, at, anchors)
		}
		s.values[at] = x.GetToken()
		return
	case *ast.MappingNode:
		for _, v := range x.Values {
			s.pair(v, at, anchors)
		}
	case *ast.MappingValueNode:
		s.pair(x, at, anchors)
	case *ast.SequenceNode:
		for i, v := range x.Values {
			s.walk(v, fmt.Sprintf("%s/%d", at, i), anchors)
		}
	case *ast.LiteralNode:
		s.blocks[at] = true
	}
	s.values[at] = n.GetToken()
}

func (s *source) pair(v *ast.MappingValueNode, at string, anchors map[string]ast.Node) {
	key := v.Key.GetToken()
	below := at + "/" + escape(key.Value)
	s.keys[below] = key
	s.walk(v.Value, below, anchors)
	if v.Value.Type() == ast.MappingType || v.Value.Type() == ast.MappingValueType || v.Value.Type() == ast.SequenceType {
		s.values[below] = key // whoever looks for it looks for its name
	}
}

// file is what the source says, which must conform to the schema.
func (s *source) file() (*file, error) {
	text, err := json.Marshal(s.data)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	f := &file{}
	return f, d.Decode(f)
}

// escape writes a key as JSON pointers have it.
func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

// place is where the value stands.
func (s *source) place(at string) Place {
	for {
		if t := s.values[at]; t != nil {
			return Place{s.name, t.Position.Line, t.Position.Column}
		}
		i := strings.LastIndexByte(at, '/')
		if i < 0 {
			return Place{s.name, 1, 1}
		}
		at = at[:i]
	}
}

// key is where the name of a value stands.
func (s *source) key(at string) Place {
	if t := s.keys[at]; t != nil {
		return Place{s.name, t.Position.Line, t.Position.Column}
	}
	return s.place(at)
}

// within is where the text has its character of that number.
func (s *source) within(at, text string, offset int) Place {
	p := s.place(at)
	t := s.values[at]
	switch {
	case t == nil:
	case s.blocks[at]:
		p.Line += 1 + strings.Count(text[:offset], "\n")
		p.Column = 1
	default:
		if t.Type == token.DoubleQuoteType || t.Type == token.SingleQuoteType {
			p.Column++
		}
		p.Column += offset
	}
	return p
}

// plain makes what YAML has of a file what JSON would have.
func plain(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k, one := range x {
			x[k] = plain(one)
		}
	case map[any]any:
		out := map[string]any{}
		for k, one := range x {
			out[fmt.Sprint(k)] = plain(one)
		}
		return out
	case []any:
		for i := range x {
			x[i] = plain(x[i])
		}
	case uint64:
		return int64(x)
	}
	return v
}

package scenarios

import (
	"reflect"

	"github.com/goccy/go-yaml/ast"
)

// Load reads a scenario from YAML, checks it and fills in its defaults. The name is the file's, for messages. The error is
// [*Problems].
func Load(name string, text []byte) (*Scenario, error) {
	s, list := load(name, text)
	if len(list) > 0 {
		return nil, &Problems{List: list}
	}
	return s, nil
}

func load(name string, text []byte) (*Scenario, []Problem) {
	src, body := readSource(name, text)
	if body == nil {
		return nil, src.problems()
	}
	r := newReading(src)
	ast.Walk(r, body)
	s := &Scenario{}
	whole := field{required: true}
	r.value(body, "", &whole, reflect.ValueOf(s).Elem())
	s.complete()
	c := checker{reading: r, s: s}
	c.check()
	return s, src.problems()
}

// Check checks a scenario that was built in Go as if it had been read from a file, and returns a copy with its defaults
// filled in. The error is [*Problems], and quotes the scenario as [Scenario.YAML] writes it.
func (s *Scenario) Check() (*Scenario, error) {
	name := "scenario"
	if s.Name != "" {
		name = s.Name
	}
	return Load(name+".yaml", s.YAML())
}

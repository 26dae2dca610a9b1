package scenarios

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Bounds of a scenario file. They are far above what a person writes; without them the parser takes time and memory by
// the square of some malicious inputs.
const (
	maxSource  = 64 << 10 // bytes
	maxNesting = 16
)

// source is a scenario file as text, and what is wrong with it.
type source struct {
	file   string
	lines  []string
	found  []Problem
	broken map[int]bool // lines with characters that YAML forbids

	doubtful []string // fields of the whole that hold a line that is no YAML, and of which something was left out
}

// report notes a problem at a place in the source. The parser's places are sometimes beyond the end of a line, behind an
// escape, so the place is moved to where there is something to see.
func (s *source) report(line, column, width int, message, hint string) {
	line = min(max(line, 1), len(s.lines))
	text := s.lines[line-1]
	column = min(max(column, 1), utf8.RuneCountInString(text)+1)
	s.found = append(s.found, Problem{
		File: s.file, Line: line, Column: column, Width: max(1, width), Message: message, Hint: hint, Source: text,
	})
}

// reportFile notes a problem with the file as a whole.
func (s *source) reportFile(message, hint string) {
	s.found = append(s.found, Problem{File: s.file, Message: message, Hint: hint})
}

// readSource parses the text as far as it is YAML, and returns its one document's body, or nil where there is none.
func readSource(file string, text []byte) (*source, ast.Node) {
	s := &source{file: file}
	if len(text) > maxSource {
		s.reportFile(fmt.Sprintf("the file has more than %d bytes, the most that a scenario has", maxSource),
			"a fleet is written as groups with a count, not as one entry for each workspace")
		return s, nil
	}
	if name := wideEncoding(text); name != "" {
		s.reportFile("the file is "+name+", not UTF-8", "save it as UTF-8: editors ask for the encoding in \"save as\"")
		return s, nil
	}
	clean := s.cleaned(text)
	s.lines = strings.Split(clean, "\n")
	s.reportCharacters(text)
	if strings.TrimSpace(clean) == "" {
		s.reportFile("the file is empty", "the smallest scenario has a name, an about and a fleet with one provider")
		return s, nil
	}
	return s, s.parse(clean)
}

// problems returns what was found, in the order of the lines.
func (s *source) problems() []Problem {
	// What follows from a broken character is not a problem of its own.
	return sorted(slices.DeleteFunc(s.found, func(p Problem) bool {
		return s.broken[p.Line] && !strings.HasPrefix(p.Message, characterMessage)
	}))
}

const characterMessage = "the file holds "

// wideEncoding names the encoding of a text that is not in UTF-8 but in UTF-16 or UTF-32, by its byte order mark or by the
// zero bytes of the ASCII characters that a scenario begins with.
func wideEncoding(text []byte) string {
	for _, e := range []struct{ name, mark, zeros string }{
		{"UTF-32, little-endian", "\xff\xfe\x00\x00", "x000"},
		{"UTF-32, big-endian", "\x00\x00\xfe\xff", "000x"},
		{"UTF-16, little-endian", "\xff\xfe", "x0x0"},
		{"UTF-16, big-endian", "\xfe\xff", "0x0x"},
	} {
		alike := len(text) >= len(e.zeros)
		for i := range e.zeros {
			alike = alike && (text[i] == 0) == (e.zeros[i] == '0')
		}
		if alike || bytes.HasPrefix(text, []byte(e.mark)) {
			return e.name
		}
	}
	return ""
}

// cleaned returns the text with one kind of line end, and without what YAML forbids.
func (s *source) cleaned(text []byte) string {
	clean := strings.TrimPrefix(string(text), "\ufeff") // some editors begin a file with a byte order mark
	clean = strings.ReplaceAll(clean, "\r\n", "\n")
	clean = strings.ToValidUTF8(clean, "\ufffd")
	return strings.Map(func(r rune) rune {
		if forbidden(r) {
			return '\ufffd'
		}
		return r
	}, clean)
}

func forbidden(r rune) bool {
	return r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r <= 0x9f && r != 0x85
}

// reportCharacters reports the first forbidden byte of each line.
func (s *source) reportCharacters(text []byte) {
	s.broken = map[int]bool{}
	plain := strings.ReplaceAll(strings.TrimPrefix(string(text), "\ufeff"), "\r\n", "\n")
	for i, line := range strings.Split(plain, "\n") {
		column := 1
		for at, r := range line {
			if r == utf8.RuneError && !strings.HasPrefix(line[at:], "\ufffd") {
				s.report(i+1, column, 1, fmt.Sprintf(characterMessage+"the byte 0x%02x, which is not UTF-8", line[at]),
					"save the file as UTF-8")
				s.broken[i+1] = true
				break
			}
			if forbidden(r) {
				s.report(i+1, column, 1, fmt.Sprintf(characterMessage+"the control character %U", r), "remove it")
				s.broken[i+1] = true
				break
			}
			column++
		}
	}
}

// parse parses the text. It reports what is no YAML, and documents that are not exactly one.
func (s *source) parse(text string) (body ast.Node) {
	defer func() { // the parser is not ours, and the text is anybody's
		if r := recover(); r != nil {
			s.reportFile(fmt.Sprintf("the file is no YAML: %v", r), "")
			body = nil
		}
	}()
	file := s.parseAround(text)
	if file == nil {
		return nil
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if _, ok := doc.Body.(*ast.DirectiveNode); ok {
			continue
		}
		bodies = append(bodies, doc.Body)
		if len(bodies) == 2 && doc.Start != nil {
			at := doc.Start.Position
			s.report(at.Line, at.Column, 3, "a second document begins here", "a file holds one scenario: move this one to a file of its own")
		}
	}
	if len(bodies) == 0 {
		if len(s.doubtful) > 0 {
			return nil
		}
		s.reportFile("the file has comments only", "the smallest scenario has a name, an about and a fleet with one provider")
		return nil
	}
	if n, ok := bodies[0].(*ast.NullNode); ok && len(s.doubtful) == 0 {
		at := n.GetToken().Position
		s.report(at.Line, at.Column, utf8.RuneCountInString(n.GetToken().Value), "the file holds no scenario, only an empty value",
			"the smallest scenario has a name, an about and a fleet with one provider")
		return nil
	}
	return bodies[0]
}

func (s *source) nestsTooDeep(tokens token.Tokens) bool {
	flow, block, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, block = t.Position.Line, 0
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow = max(0, flow-1)
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			block++
		default:
		}
		// Blocks that are nested line by line go in by a column each.
		if flow > maxNesting || block > maxNesting || t.Type == token.SequenceEntryType && t.Position.Column > 8*maxNesting {
			s.report(t.Position.Line, t.Position.Column, 1, "this is nested too deeply", "nothing in a scenario is nested more than four deep")
			return true
		}
	}
	return false
}

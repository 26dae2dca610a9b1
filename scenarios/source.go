package scenarios

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
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
	tokens := lexer.Tokenize(text)
	if s.nestsTooDeep(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		s.reportSyntax(err, tokens)
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
		s.reportFile("the file has comments only", "the smallest scenario has a name, an about and a fleet with one provider")
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

// reportSyntax reports what the parser could not read. It can tell of one place only.
func (s *source) reportSyntax(err error, tokens token.Tokens) {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		s.reportFile("the file is no YAML: "+err.Error(), "")
		return
	}
	t := at.GetToken()
	line, column, width := t.Position.Line, t.Position.Column, 1
	if first, _, _ := strings.Cut(strings.TrimSpace(t.Value), "\n"); first != "" {
		width = utf8.RuneCountInString(first)
	}
	parser := at.GetMessage()
	message, hint := plainSyntax(parser)
	switch {
	case strings.Contains(parser, "mapping value is not allowed") || parser == "unexpected key name":
		// The parser took two lines for one scalar and complains of the first; the second is the odd one.
		if l, c, w, ok := s.lastLineOf(t); ok {
			line, column, width = l, c, w
			message, hint = s.oddIndent(line, column)
		} else if at := strings.Index(s.lines[line-1], t.Value+": "); at >= 0 {
			column = utf8.RuneCountInString(s.lines[line-1][:at+len(t.Value)]) + 1
			width = 1
		}
	case strings.Contains(message, "is not ended"):
		if open := lastOpen(tokens, t); open != nil {
			line, column, width = open.Position.Line, open.Position.Column, 1
		}
	}
	if s.reportTabs(line) || s.reportNoColon(line) {
		return
	}
	s.report(line, column, width, message, hint)
}

// lastOpen returns the bracket or brace before the token that has no partner before it.
func lastOpen(tokens token.Tokens, end *token.Token) *token.Token {
	var open []*token.Token
	for _, t := range tokens {
		if t.Position.Offset > end.Position.Offset {
			break
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			open = append(open, t)
		case token.MappingEndType, token.SequenceEndType:
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		default:
		}
	}
	if len(open) == 0 {
		return nil
	}
	return open[len(open)-1]
}

// reportNoColon reports a line, the failed one or the one above it, that is a field's name without its colon.
func (s *source) reportNoColon(failed int) bool {
	for line := failed; line >= 1 && line >= failed-1; line-- {
		text := strings.TrimPrefix(strings.TrimSpace(s.lines[line-1]), "- ")
		for block := range structNouns {
			if slices.Contains(fieldNames(fieldsOf(block)), text) {
				column := utf8.RuneCountInString(s.lines[line-1][:strings.Index(s.lines[line-1], text)]) + 1
				s.report(line, column, len(text), "this field's name has no colon behind it", "write "+text+":")
				return true
			}
		}
	}
	return false
}

// plainSyntax puts the parser's commonest messages into words that say what to do.
func plainSyntax(parser string) (message, hint string) {
	for _, known := range []struct{ parser, message, hint string }{
		{"mapping value is not allowed", "there is a second \": \" in this value", "put the value in quotes"},
		{"unexpected key name", "this line is neither a field nor a value", "a field is written name: value"},
		{"non-map value is specified", "this line has no field name", "a field is written name: value"},
		{"value is not allowed in this context", "this line does not fit the indentation of those above it", "fields of one block begin in one column, further right than the line that the block belongs to"},
		{"',' or ']' must be specified", "the list that begins here is not ended", "end it by ]"},
		{"sequence end token ']'", "the list that begins here is not ended", "end it by ]"},
		{"',' or '}' must be specified", "the block that begins here is not ended", "end it by }"},
		{"mapping end token '}'", "the block that begins here is not ended", "end it by }"},
		{"end character of double-quoted", "the quotation that begins here is not ended", "end it by \""},
		{"end character of single-quoted", "the quotation that begins here is not ended", "end it by '"},
		{"is a reserved character", "a value cannot begin with this character", "put the value in quotes"},
	} {
		if strings.Contains(parser, known.parser) {
			return known.message, known.hint
		}
	}
	return "this is no YAML: " + parser, ""
}

// lastLineOf returns where the last line of a scalar of several lines stands.
func (s *source) lastLineOf(t *token.Token) (line, column, width int, ok bool) {
	parts := strings.Split(strings.TrimRight(t.Origin, " \n"), "\n")
	if len(parts) < 2 {
		return 0, 0, 0, false
	}
	last := strings.TrimSpace(parts[len(parts)-1])
	// Whether the token's own line is its first or its last depends on what stands before it.
	for _, line = range []int{t.Position.Line + len(parts) - 1, t.Position.Line, t.Position.Line + len(parts) - 2} {
		if line < 1 || line > len(s.lines) {
			continue
		}
		trimmed := strings.TrimLeft(s.lines[line-1], " \t")
		if last != "" && strings.HasPrefix(strings.TrimPrefix(trimmed, "- "), last) {
			indent := utf8.RuneCountInString(s.lines[line-1]) - utf8.RuneCountInString(trimmed)
			return line, indent + 1, utf8.RuneCountInString(last), true
		}
	}
	return 0, 0, 0, false
}

// oddIndent words what is wrong with a line that the parser took for the rest of the value above it.
func (s *source) oddIndent(line, column int) (message, hint string) {
	for above := line - 1; above >= 1; above-- {
		text := s.lines[above-1]
		trimmed := strings.TrimLeft(text, " ")
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		indent := len(text) - len(trimmed)
		for strings.HasPrefix(trimmed, "- ") { // the fields of a list's element begin after its dash
			rest := strings.TrimLeft(trimmed[2:], " ")
			indent, trimmed = indent+len(trimmed)-len(rest), rest
		}
		if !strings.Contains(trimmed, ":") {
			return "the line above has no field name", "a field is written name: value"
		}
		if column-1 > indent {
			return "this line is indented deeper than the field above it, which has a value already",
				fmt.Sprintf("fields of one block begin in one column: here that is column %d", indent+1)
		}
		break
	}
	return "this line does not fit those above it", "fields of one block begin in one column"
}

// reportTabs reports every line that is indented by tabs, where the line that the parser failed on is one of them.
func (s *source) reportTabs(failed int) bool {
	var tabbed []int
	for i, line := range s.lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if strings.Contains(indent, "\t") {
			tabbed = append(tabbed, i+1)
		}
	}
	if !slices.Contains(tabbed, failed) && !slices.Contains(tabbed, failed+1) {
		return false
	}
	for _, line := range tabbed {
		s.report(line, strings.Index(s.lines[line-1], "\t")+1, 1, "this line is indented by a tab", "YAML is indented by spaces: two for each level")
	}
	return true
}

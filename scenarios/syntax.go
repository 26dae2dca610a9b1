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

// parseAround parses the text. The parser stops at the first line that is no YAML; what is around it is left out then, and
// the rest is parsed, so that a slip hides nothing elsewhere. It returns nil where nothing can be left out any more.
func (s *source) parseAround(text string) *ast.File {
	lines := strings.Split(text, "\n")
	for {
		tokens := lexer.Tokenize(strings.Join(lines, "\n"))
		if s.nestsTooDeep(tokens) {
			return nil
		}
		file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
		if err == nil {
			return file
		}
		left := false
		for _, line := range s.reportSyntax(err, tokens) {
			left = s.leaveOut(lines, line) || left
		}
		if !left {
			return nil
		}
	}
}

// leaveOut blanks the element of a list that the line belongs to; in a field of the whole that is no list, or is spoilt
// already, all of that field. It reports whether there was anything to blank.
func (s *source) leaveOut(lines []string, line int) bool {
	first, end := line-1, line // of the field of the whole: from its name to before the next
	for first > 0 && !beginsField(s.lines[first]) {
		first--
	}
	for end < len(lines) && !beginsField(s.lines[end]) {
		end++
	}
	name, _, _ := strings.Cut(s.lines[first], ":")
	name = strings.TrimSpace(name)
	if !slices.Contains(s.doubtful, name) {
		s.doubtful = append(s.doubtful, name)
		if from, to := elementAround(s.lines[first+1:end], line-2-first); to > from && to-from < end-first-1 {
			first, end = first+1+from, first+1+to
		}
	}
	blanked := false
	for i := first; i < end; i++ {
		blanked = blanked || strings.TrimSpace(lines[i]) != ""
		lines[i] = ""
	}
	return blanked
}

// onlyOfTheWhole are fields that no other block has: one begins a field of the whole however it is indented.
var onlyOfTheWhole = []string{"about", "fleet", "acts", "faults", "expect", "settings", "needs", "duration", "controllers", "schedule"}

// beginsField reports whether a field of the whole begins in the line.
func beginsField(line string) bool {
	name, _, _ := strings.Cut(strings.TrimSpace(line), ":")
	return line != "" && !strings.ContainsAny(line[:1], " \t#-") || slices.Contains(onlyOfTheWhole, name)
}

// elementAround returns the first line of the list's element that the line belongs to, and that of the next one.
func elementAround(lines []string, at int) (from, to int) {
	dash := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "-") })
	if dash < 0 || at < dash || at >= len(lines) {
		return 0, 0
	}
	depth := indentOf(lines[dash])
	begins := func(i int) bool { return indentOf(lines[i]) == depth && strings.HasPrefix(lines[i][depth:], "-") }
	for from = at; !begins(from); from-- {
	}
	for to = at + 1; to < len(lines) && !begins(to); to++ {
	}
	return from, to
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// reportSyntax reports what the parser could not read, and returns the lines. What
// it finds in a field of the whole that was spoilt already follows from that, and is not reported.
func (s *source) reportSyntax(err error, tokens token.Tokens) []int {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		s.reportFile("the file is no YAML: "+err.Error(), "")
		return nil
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
	if s.isDoubtful(line) {
		return []int{line}
	}
	if tabs := s.reportTabs(line); tabs != nil {
		return tabs
	}
	if bare, ok := s.reportNoColon(line); ok {
		return []int{bare}
	}
	s.report(line, column, width, message, hint)
	if line > 1 && beginsField(s.lines[line-1]) && column == 1+indentOf(s.lines[line-1]) {
		// The name of a field does not fit, which is mostly the fault of what stands before it: all of that is left out.
		return []int{line - 1, line - 1, line}
	}
	return []int{line}
}

// isDoubtful reports whether the line belongs to a field of the whole that was spoilt already.
func (s *source) isDoubtful(line int) bool {
	for i := line - 1; i >= 0; i-- {
		if beginsField(s.lines[i]) {
			name, _, _ := strings.Cut(s.lines[i], ":")
			return slices.Contains(s.doubtful, strings.TrimSpace(name))
		}
	}
	return len(s.doubtful) > 0
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
func (s *source) reportNoColon(failed int) (line int, ok bool) {
	for line := failed; line >= 1 && line >= failed-1; line-- {
		text := strings.TrimPrefix(strings.TrimSpace(s.lines[line-1]), "- ")
		for block := range structNouns {
			if slices.Contains(fieldNames(fieldsOf(block)), text) {
				column := utf8.RuneCountInString(s.lines[line-1][:strings.Index(s.lines[line-1], text)]) + 1
				s.report(line, column, len(text), "this field's name has no colon behind it", "write "+text+":")
				return line, true
			}
		}
	}
	return 0, false
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
		{"could not find flow map content", "the block that begins here is not ended", "end it by }"},
		{"could not find multi-line content", "this line does not fit those above it", "fields of one block begin in one column"},
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
func (s *source) reportTabs(failed int) []int {
	var tabbed []int
	for i, line := range s.lines {
		if strings.Contains(line[:indentOf(line)], "\t") && !s.isDoubtful(i+1) {
			tabbed = append(tabbed, i+1)
		}
	}
	if !slices.Contains(tabbed, failed) && !slices.Contains(tabbed, failed+1) {
		return nil
	}
	for _, line := range tabbed {
		s.report(line, strings.Index(s.lines[line-1], "\t")+1, 1, "this line is indented by a tab", "YAML is indented by spaces: two for each level")
	}
	return tabbed
}

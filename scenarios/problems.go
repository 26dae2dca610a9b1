package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is one thing that is wrong with a scenario file.
type Problem struct {
	File    string
	Line    int // from 1; 0 where the problem is with the file as a whole
	Column  int // from 1, in characters
	Width   int // how many characters are at fault
	Message string
	Hint    string // the way out
	Source  string // the line at fault, without its end
}

// Place is file:line:column, which terminals and editors make a link of.
func (p Problem) Place() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Widths of a rendered problem.
const (
	sourceWidth = 100 // of the part of the source line that is shown
	hintWidth   = 100
)

// String renders the problem with its source line, a caret under what is at fault, and the way out.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", printable(p.Place()), printable(p.Message))
	gutter := strings.Repeat(" ", 4)
	if p.Line > 0 {
		number := fmt.Sprintf("%4d", p.Line)
		gutter = strings.Repeat(" ", len(number))
		line, caret := p.excerpt()
		if line != "" {
			fmt.Fprintf(&b, "%s | %s\n%s | %s\n", number, line, gutter, caret)
		}
	}
	if p.Hint != "" {
		for i, line := range wrap(printable(p.Hint), hintWidth) {
			sign := " "
			if i == 0 {
				sign = "="
			}
			fmt.Fprintf(&b, "%s %s %s\n", gutter, sign, line)
		}
	}
	return b.String()
}

// excerpt returns the source line, cut around the fault where it is long, and the carets that stand under the fault.
func (p Problem) excerpt() (line, caret string) {
	runes := []rune(visible(p.Source))
	at := min(p.Column-1, len(runes))
	width := max(1, min(p.Width, max(len(runes)-at, 1)))
	first, prefix := 0, ""
	if len(runes) > sourceWidth && at > sourceWidth*2/3 {
		first, prefix = at-sourceWidth/2, "…"
	}
	shown, suffix := runes[first:], ""
	if len(shown) > sourceWidth {
		shown, suffix = shown[:sourceWidth], "…"
		width = min(width, max(1, sourceWidth-(at-first)))
	}
	line = strings.TrimRight(prefix+string(shown)+suffix, " ")
	return line, strings.Repeat(" ", utf8.RuneCountInString(prefix)+at-first) + strings.Repeat("^", width)
}

// visible replaces what a terminal would act on instead of showing it, one character by one, so that columns stay.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return '→'
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return utf8.RuneError
		default:
			return r
		}
	}, text)
}

// maxText is how long a message or a hint is shown. The longest list of names is shorter; what a file quotes may not be.
const maxText = 800

func printable(text string) string {
	if runes := []rune(text); len(runes) > maxText {
		text = string(runes[:maxText]) + "…"
	}
	return visible(text)
}

// wrap breaks the text at spaces into lines of at most width characters, as far as its words allow.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

// Problems is the error of everything that reads scenarios: all that is wrong, in the order of the files and their lines.
type Problems struct {
	List []Problem
}

// shownProblems is how many problems an error's text shows in full.
const shownProblems = 25

// Error renders every problem, at most shownProblems of them in full.
func (p *Problems) Error() string {
	var b strings.Builder
	for i, problem := range p.List {
		if i == shownProblems {
			fmt.Fprintf(&b, "… and %d more\n\n", len(p.List)-i)
			break
		}
		b.WriteString(problem.String())
		b.WriteByte('\n')
	}
	if n := len(p.List); n > 1 {
		fmt.Fprintf(&b, "%d problems\n", n)
	}
	return strings.TrimRight(b.String(), "\n")
}

// sorted returns the problems in the order of their places, each once.
func sorted(list []Problem) []Problem {
	slices.SortStableFunc(list, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return slices.Compact(list)
}

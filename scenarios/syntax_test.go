package scenarios

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// problemsOf loads a text that is wrong, and returns the places of its problems.
func problemsOf(t *testing.T, text string) *Problems {
	t.Helper()
	_, err := Load("bad.yaml", []byte(text))
	var problems *Problems
	if !errors.As(err, &problems) {
		t.Fatalf("it was accepted:\n%s", text)
	}
	return problems
}

// A line that is no YAML hides nothing that is wrong elsewhere.
func TestSyntaxHidesNothing(t *testing.T) {
	t.Parallel()
	const text = `name: two-slips
about: One line is no YAML, and others are wrong.
fleet:
  - provider: minmax
    boot: {total: 2m}
acts:
  - {at: 9m, do: puase}
faults:
  - kind: partition
    from: 1m
    until: 30s
expect:
  events: [pause]
`
	const others = "4:15 7:18 11:12"
	if got := places(problemsOf(t, text)); got != others {
		t.Fatalf("without a line that is no YAML: %s, want %s", got, others)
	}
	for _, c := range []struct{ old, new, at string }{
		{"  events: [pause]", "  events: [pause", "13:11"},
		{"  events: [pause]", "  events: {pause", "13:11"},
		{"  events: [pause]", "  events: 'pause", "13:11"},
		{"  events: [pause]", "\tevents: [pause]", "13:1"},
		{"about: One", "about: one: One", "2:11"},
		{"about: One", "about: \"One", "2:8"},
		{"about: One", "about: `One", "2:8"},
		{"expect:", "expect", "12:1"},
		{"expect:\n", "expect:\n  events\n", "13:3"},
	} {
		problems := problemsOf(t, strings.Replace(text, c.old, c.new, 1))
		got := places(problems)
		if !strings.Contains(" "+got+" ", " "+c.at+" ") || strings.TrimSpace(strings.Replace(" "+got+" ", " "+c.at+" ", " ", 1)) != others {
			t.Errorf("%q: problems at %s, want %s and %s:\n%v", c.new, got, others, c.at, problems)
		}
	}
}

func places(p *Problems) string {
	var at []string
	for _, x := range p.List {
		at = append(at, fmt.Sprintf("%d:%d", x.Line, x.Column))
	}
	return strings.Join(at, " ")
}

// A file that is fine but for one line gets no other problem than that line's, or its neighbour's: what is left out to read
// on must not look like a mistake of the rest.
func TestMendingInventsNothing(t *testing.T) {
	t.Parallel()
	spoilings := map[string]func(line string) string{
		"an open bracket":    func(line string) string { return line + " [" },
		"an open brace":      func(line string) string { return strings.Replace(line, ": ", ": {", 1) },
		"an open quotation":  func(line string) string { return strings.Replace(line, ": ", ": \"", 1) },
		"no colon":           func(line string) string { return strings.Replace(line, ":", "", 1) },
		"two colons":         func(line string) string { return strings.Replace(line, ": ", ": a: ", 1) },
		"a tab":              func(line string) string { return "\t" + line },
		"indented too deep":  func(line string) string { return "   " + line },
		"a reserved letter":  func(line string) string { return strings.Replace(line, ": ", ": @", 1) },
		"a bracket too many": func(line string) string { return line + "]" },
	}
	tried := 0
	for _, name := range []string{"minimax-past-budget", "pause-family-during-boot", "spot-end"} {
		source, err := Source(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(source), "\n")
		for i, line := range lines {
			if strings.HasPrefix(strings.TrimSpace(line), "#") || !strings.Contains(line, ":") || i > 0 && strings.HasPrefix(lines[i-1], "about") {
				continue
			}
			for what, spoil := range spoilings {
				spoilt := append(append(append([]string{}, lines[:i]...), spoil(line)), lines[i+1:]...)
				if spoilt[i] == line {
					continue
				}
				src, _ := readSource("bad.yaml", []byte(strings.Join(spoilt, "\n")))
				if len(src.doubtful) == 0 { // it is YAML, only another
					continue
				}
				tried++
				_, err := Load("bad.yaml", []byte(strings.Join(spoilt, "\n")))
				var problems *Problems
				if !errors.As(err, &problems) {
					t.Errorf("%s, %s, line %d: it was accepted", name, what, i+1)
					continue
				}
				for _, p := range problems.List[1:] {
					if p.Line != i+1 && problems.List[0].Line != i+1 {
						t.Errorf("%s, %s, line %d: more than one problem:\n%v", name, what, i+1, problems)
						break
					}
				}
			}
		}
	}
	if tried < 200 {
		t.Errorf("only %d files were no YAML", tried)
	}
}

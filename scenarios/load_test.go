package scenarios

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

// Each file of testdata/bad is wrong in many ways; the golden file beside it shows all that is said about it. They are
// goldens so that the texts are read, and not only that there is an error.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("found %d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Load(filepath.Base(file), text)
			var problems *Problems
			if !errors.As(err, &problems) || s != nil {
				t.Fatalf("loaded: %v, %v", s, err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", []byte(problems.Error()+"\n"))
		})
	}
}

// Each case is one slip in a scenario that is fine otherwise: exactly one problem, in the place where it is, that says
// what is wrong and names the way out.
func TestOneSlipIsOneProblem(t *testing.T) {
	t.Parallel()
	const fine = `name: fine
about: Nothing is wrong.
duration: 30m
controllers: 2
settings: {liveness_ttl: 3m}
fleet:
  - provider: kimi
    count: 5
    boot: {total: 2m}
  - provider: minimax
    name: slow
acts:
  - {at: 5m, do: pause, group: kimi}
  - {at: 9m, do: resume, group: kimi}
faults:
  - kind: lose-reply
    from: 1m
    until: 3m
    calls: [heartbeat]
    nth: [1, 2]
  - kind: crash
    from: 4m
    replica: 2
    delay: 20s
expect:
  events: [pause]
  statuses: {online: 6}
needs: [pause]
`
	if _, err := Load("fine.yaml", []byte(fine)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, old, new string
		line, column   int
		message, hint  string
	}{
		{"unknown field", "duration:", "duraton:", 3, 1, `unknown field "duraton"`, "did you mean duration?"},
		{"field of another block", "    count: 5", "    count: 5\n    delay: 5s", 9, 5, `unknown field "delay"`, "a group takes name, provider"},
		{"wrong type", "controllers: 2", "controllers: [2]", 4, 14, "want a whole number, not a list", ""},
		{"duration as a number", "total: 2m", "total: 120", 9, 19, "want a duration", "did you mean 120s or 120m?"},
		{"duration below zero", "at: 9m", "at: -9m", 14, 10, "-9m is below zero", "did you mean 9m?"},
		{"duration in words", "until: 3m", "until: 3 minutes", 18, 12, "want a duration", "did you mean 3m?"},
		{"missing field", "  - provider: kimi\n    count", "  - count", 7, 5, "a group lacks the field provider", ""},
		{"unknown provider", "provider: minimax", "provider: minmax", 10, 15, `unknown provider "minmax"`, "did you mean minimax? known providers: minimax, kimi"},
		{"unknown act", "do: pause", "do: puase", 13, 18, `unknown act "puase"`, "did you mean pause?"},
		{"unknown group", "resume, group: kimi", "resume, group: slwo", 14, 33, `unknown group "slwo"`, "did you mean slow? the scenario's groups: kimi, slow"},
		{"unknown kind", "kind: lose-reply", "kind: lose-replies", 16, 11, `unknown kind of fault "lose-replies"`, "did you mean lose-reply?"},
		{"unknown call", "calls: [heartbeat]", "calls: [heart-beat]", 19, 13, `unknown HTTP call "heart-beat"`, "did you mean heartbeat?"},
		{"call of another world", "calls: [heartbeat]", "calls: [launch]", 19, 13, `unknown HTTP call "launch"`, "launch is a cloud call, but lose-reply strikes HTTP calls"},
		{"unknown event", "events: [pause]", "events: [paused]", 26, 12, `unknown lifecycle event "paused"`, "did you mean pause?"},
		{"unknown status", "{online: 6}", "{onlin: 6}", 27, 14, `unknown status "onlin"`, "did you mean online?"},
		{"fault that ends before it begins", "until: 3m", "until: 30s", 18, 12, "the fault ends at 30s, but begins at 1m", ""},
		{"fault that outlasts the run", "until: 3m", "until: 30m", 18, 12, "the fault lasts until 30m, but the run ends at 30m", ""},
		{"fault after the end", "from: 4m", "from: 31m", 22, 11, "the fault begins at 31m", ""},
		{"act after the end", "at: 9m", "at: 90m", 14, 10, "the act is at 1h30m, but the run ends at 30m", ""},
		{"field that the kind does not take", "    replica: 2", "    percent: 2", 23, 5, "crash takes no percent", "crash takes from, until, replica, calls, nth, delay and when"},
		{"field that the kind needs", "    replica: 2\n    delay: 20s", "    replica: 2", 21, 11, "a fault of kind crash lacks the field delay", "how long the replica stays down"},
		{"replica too high", "replica: 2", "replica: 3", 23, 14, "replica is 3, but controllers is 2", ""},
		{"duplicate group", "name: slow", "name: kimi", 11, 11, "a group called kimi begins on line 7 already", ""},
		{"nth from zero", "nth: [1, 2]", "nth: [0, 2]", 20, 11, "nth is 0; it is at least 1", "counted from 1"},
		{"nth and percent", "nth: [1, 2]", "nth: [1, 2]\n    percent: 5", 21, 5, "both nth and percent are given", ""},
		{"total below its phases", "{total: 2m}", "{total: 2m, preflight: 3m}", 9, 19, "the boot takes 2m in total, but the given phases take 3m", ""},
		{"too many expected", "{online: 6}", "{online: 6, paused: 1}", 27, 13, "7 workspaces are expected, but the fleet has 6", "kimi × 5, slow × 1"},
		{"resume without pause", "{at: 5m, do: pause, group: kimi}", "{at: 5m, do: pause, group: slow}", 14, 18, "resume at 9m, but no pause of group kimi comes before it", "{at: …, do: pause, group: kimi}"},
		{"resume before pause", "at: 9m", "at: 5m", 14, 18, "resume at 5m, but no pause", ""},
		{"name with spaces", "name: fine", "name: Fine Too", 1, 7, `"Fine Too" cannot be a name`, "did you mean fine-too?"},
		{"duplicate field", "    count: 5", "    count: 5\n    count: 6", 9, 5, "count is given twice", "line 8"},
		{"impatient controller", "liveness_ttl: 3m", "liveness_ttl: 30s", 5, 26, "agents beat every 30s", ""},
		{"syntax", "{total: 2m}", "{total: 2m", 9, 11, "the block that begins here is not ended", "}"},
		{"octal, once", "    count: 5", "    count: 010", 8, 12, "010 can be read as 8, which is octal, or as 10", "write 10, or 8"},
		{"zeros before a number", "    count: 5", "    count: 009", 8, 12, `want a whole number, not`, "did you mean 9?"},
		{"exponent", "    count: 5", "    count: 1e3", 8, 12, "want a whole number, not \"1e3\"", "did you mean 1000?"},
		{"number in words", "controllers: 2", "controllers: two", 4, 14, `want a whole number, not "two"`, "did you mean 2?"},
		{"number in quotes", "controllers: 2", `controllers: "2"`, 4, 14, `want a whole number, not "2"`, "did you mean 2?"},
		{"fraction", "    count: 5", "    count: 1.5", 8, 12, "want a whole number, not the number 1.5", ""},
		{"percent sign", "    nth: [1, 2]", "    percent: 50%", 20, 14, `want a whole number, not "50%"`, "did you mean 50?"},
		{"count by another word", "    count: 5\n", "    count: 5\n    workspace: 3\n", 9, 5, `unknown field "workspace"`, "did you mean count?"},
		{"one workspace by another word", "    replica: 2", "    workspace: 3", 23, 5, `unknown field "workspace"`, "did you mean only?"},
		{"extension", "duration: 30m", "duration: 30m\nx-boot: 1", 4, 1, `unknown field "x-boot"`, "a scenario takes name, about"},
		{"name too long", "name: fine", "name: " + strings.Repeat("a", 256), 1, 7, "name has 256 characters; it has at most 100", "about"},
		{"group's name too long", "name: slow", "name: " + strings.Repeat("a", 101), 11, 11, "name has 101 characters", ""},
		{"first of a small group", "do: resume, group: kimi", "do: resume, group: kimi, first: 6", 14, 46, "first is 6, but group kimi has 5", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if strings.Count(fine, c.old) != 1 {
				t.Fatalf("%q stands %d times in the text", c.old, strings.Count(fine, c.old))
			}
			_, err := Load("slip.yaml", []byte(strings.Replace(fine, c.old, c.new, 1)))
			var problems *Problems
			if !errors.As(err, &problems) {
				t.Fatalf("no problem: %v", err)
			}
			if len(problems.List) != 1 {
				t.Fatalf("want one problem, got:\n%s", err)
			}
			p := problems.List[0]
			if p.Line != c.line || p.Column != c.column {
				t.Errorf("it is placed at %d:%d, want %d:%d", p.Line, p.Column, c.line, c.column)
			}
			if !strings.Contains(p.Message, c.message) || !strings.Contains(p.Hint, c.hint) {
				t.Errorf("want %q with the hint %q, got:\n%s", c.message, c.hint, err)
			}
		})
	}
}

// Files of which nothing can be read say why, once.
func TestWholeFile(t *testing.T) {
	t.Parallel()
	wide := func(order binary.AppendByteOrder, text string) string {
		var b []byte
		for _, u := range utf16.Encode([]rune(text)) {
			b = order.AppendUint16(b, u)
		}
		return string(b)
	}
	const text = "\ufeffname: x\nabout: x\nfleet: [{provider: kimi}]\n"
	for _, c := range []struct{ name, text, message string }{
		{"null", "null\n", "the file holds no scenario, only an empty value"},
		{"tilde", "~", "the file holds no scenario, only an empty value"},
		{"UTF-16LE", wide(binary.LittleEndian, text), "the file is UTF-16, little-endian, not UTF-8"},
		{"UTF-16BE", wide(binary.BigEndian, text), "the file is UTF-16, big-endian, not UTF-8"},
		{"UTF-16LE without a mark", wide(binary.LittleEndian, text[3:]), "the file is UTF-16, little-endian, not UTF-8"},
		{"UTF-16BE without a mark", wide(binary.BigEndian, text[3:]), "the file is UTF-16, big-endian, not UTF-8"},
		{"UTF-32", "\xff\xfe\x00\x00n\x00\x00\x00", "the file is UTF-32, little-endian, not UTF-8"},
		{"empty", " \n", "the file is empty"},
		{"comments", "# nothing\n", "the file has comments only"},
	} {
		problems := problemsOf(t, c.text)
		if len(problems.List) != 1 || problems.List[0].Message != c.message || problems.List[0].Hint == "" {
			t.Errorf("%s: want %q and a way out, got:\n%v", c.name, c.message, problems)
		}
	}
}

func TestLoadFillsDefaults(t *testing.T) {
	t.Parallel()
	got, err := Load("smallest.yaml", []byte("\ufeffname: smallest\r\nabout: >\r\n  Folded\r\n  text.\r\nfleet:\r\n- provider: kimi\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := &Scenario{
		Name: "smallest", About: "Folded text.", Controllers: 1,
		Fleet: []Group{{Name: "kimi", Provider: "kimi", Runtime: "claude-code", Count: 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnchorsAndAliases(t *testing.T) {
	t.Parallel()
	got, err := Load("anchors.yaml", []byte(`name: anchors
about: A block can be written once.
fleet:
  - provider: kimi
    boot: &slow {total: 11m}
  - provider: openai
    boot: *slow
faults:
  - &cut
    kind: partition
    until: 5m
  - *cut
`))
	if err != nil {
		t.Fatal(err)
	}
	if b := got.Fleet[1].Boot; b == nil || b.Total != Duration(11*time.Minute) {
		t.Errorf("the alias gave %v", b)
	}
	if len(got.Faults) != 2 || got.Faults[1].Kind != "partition" {
		t.Errorf("the aliases gave %v", got.Faults)
	}
}

// ancestors are groups of which each is below the next, and the last below the first.
func ancestors(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "- {provider: kimi, name: g%d, parent: g%d}\n", i, (i+1)%n)
	}
	return b.String()
}

func TestHugeAndHostileFiles(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"huge":          strings.Repeat("# padding\n", 10_000),
		"brackets":      "a: " + strings.Repeat("[", 60_000),
		"closed":        "a: " + strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000),
		"braces":        strings.Repeat("{a: ", 15_000),
		"dashes":        strings.Repeat("- ", 30_000) + "a",
		"questions":     strings.Repeat("? ", 30_000) + "a",
		"anchors":       strings.Repeat("&a ", 20_000) + "a",
		"tags":          strings.Repeat("!a ", 20_000) + "a",
		"staircase":     staircase(300),
		"colons":        strings.Repeat("a: ", 20_000),
		"duplicates":    strings.Repeat("a: b\n", 10_000),
		"laughs":        "a: &a [x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nfleet: [*c,*c,*c]\n",
		"circle":        "fleet: &a [*a]\nname: &b *b\n",
		"quotes":        strings.Repeat(`"`, 60_001),
		"nul":           "\x00\x00",
		"escape":        "name: \x1b[2J\nabout: x\nfleet: [{provider: kimi}]\n",
		"lone return":   "name: a\rabout: b\r",
		"not UTF-8":     "\xff\xfe\x00n",
		"orphans":       "name: x\nabout: x\nfleet:\n" + strings.Repeat("- {provider: kimi, parent: x}\n", 2_000),
		"line":          "name: x\nabout: x\nfleet:\n" + ancestors(800) + "acts:\n" + strings.Repeat("- {at: 1s, do: resume, group: g0}\n", 700),
		"many problems": "name: x\nabout: x\nfleet:\n" + strings.Repeat("- {provider: x, y: z}\n", 2_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			_, err := Load("hostile.yaml", []byte(text))
			if err == nil {
				t.Fatal("it was accepted")
			}
			out := err.Error()
			bound := time.Minute // what takes the square of its input takes longer, and a busy machine does not
			if underRace {       // which makes it five times slower
				bound *= 5
			}
			if took := time.Since(begin); took > bound {
				t.Errorf("it took %s", took)
			}
			if len(out) > 64<<10 {
				t.Errorf("the error has %d bytes", len(out))
			}
			if bytes.ContainsAny([]byte(out), "\x00\x1b\r") {
				t.Errorf("the error talks to the terminal: %q", out[:min(len(out), 200)])
			}
		})
	}
}

func staircase(steps int) string {
	var b strings.Builder
	for i := range steps {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestCheck(t *testing.T) {
	t.Parallel()
	s := &Scenario{
		Name: "in-go", About: "Built in Go.",
		Fleet:  []Group{{Provider: "kimi", Count: 3}},
		Faults: []Fault{{Kind: "partition", From: Duration(time.Minute), Until: Duration(2 * time.Minute)}},
	}
	got, err := s.Check()
	if err != nil {
		t.Fatal(err)
	}
	if got.Controllers != 1 || got.Fleet[0].Name != "kimi" || s.Fleet[0].Name != "" {
		t.Errorf("got %+v from %+v", got, s)
	}
	for what, spoil := range map[string]func(*Scenario){
		`unknown provider "kimmi"`:                   func(s *Scenario) { s.Fleet[0].Provider = "kimmi" },
		"the fault ends at 30s":                      func(s *Scenario) { s.Faults[0].Until = Duration(30 * time.Second) },
		"count is -1":                                func(s *Scenario) { s.Fleet[0].Count = -1 },
		"-5s is below zero":                          func(s *Scenario) { s.Faults[0].From = Duration(-5 * time.Second) },
		"about is empty":                             func(s *Scenario) { s.About = "" },
		"fleet is empty":                             func(s *Scenario) { s.Fleet = nil },
		"lacks the field until":                      func(s *Scenario) { s.Faults[0].Until = 0 },
		`unknown status "fine"`:                      func(s *Scenario) { s.Expect = &Expect{Statuses: map[string]int{"fine": 1}} },
		"finer than a microsecond":                   func(s *Scenario) { s.Faults[0].From = Duration(1500 * time.Nanosecond) },
		"did you mean with-spaces?":                  func(s *Scenario) { s.Name = "With Spaces" },
		"about holds a control character":            func(s *Scenario) { s.About = "bell\a" },
		"unknown act \"\"":                           func(s *Scenario) { s.Acts = []Act{{}} },
		"a fault of kind clock lacks the field by\n": func(s *Scenario) { s.Faults[0].Kind = "clock" },
	} {
		bad := *s
		bad.Fleet = append([]Group(nil), s.Fleet...)
		bad.Faults = append([]Fault(nil), s.Faults...)
		spoil(&bad)
		_, err := bad.Check()
		var problems *Problems
		if !errors.As(err, &problems) || !strings.Contains(err.Error(), what) {
			t.Errorf("want %q, got:\n%v", what, err)
		}
	}
}

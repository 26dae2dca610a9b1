package scenarios

import (
	stdcmp "cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBuiltin(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	all := Builtin()
	if len(all) != len(Names()) {
		t.Fatalf("%d scenarios of %d names", len(all), len(Names()))
	}
	for i, s := range all {
		if s.Name != Names()[i] {
			t.Errorf("%s is called %s in its file", Names()[i], s.Name)
		}
		doc, err := asJSON(builtinSource(s.Name))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: the schema refuses it: %v", s.Name, err)
		}
		again, err := Load("again.yaml", s.YAML())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, again); diff != "" {
			t.Errorf("%s comes back changed:\n%s", s.Name, diff)
		}
		if s.Expect == nil || s.Expect.Statuses == nil {
			t.Errorf("%s expects no statuses: it could be about nothing and nobody would notice", s.Name)
			continue
		}
		sum := 0
		for _, n := range s.Expect.Statuses {
			sum += n
		}
		if sum != fleetSize(s) {
			t.Errorf("%s says where %d of its %d workspaces end", s.Name, sum, fleetSize(s))
		}
		if n := strings.Count(s.About, ". ") + 1; n < 2 || n > 4 {
			t.Errorf("%s: its about has %d sentences", s.Name, n)
		}
		checkNeeds(t, s)
	}
}

// checkNeeds checks that a scenario is left out where the controller cannot do what it is about.
func checkNeeds(t *testing.T, s *Scenario) {
	t.Helper()
	needs := map[string]bool{"replicas": s.Controllers > 1}
	for _, g := range s.Fleet {
		needs["provisioning"] = needs["provisioning"] || !g.External
		needs["parents"] = needs["parents"] || g.Parent != ""
	}
	for _, a := range s.Acts {
		if need := NeedOf(a.Do); need != "bootstrap-failed" {
			needs[need] = true
		}
	}
	for _, name := range Capabilities() {
		if needs[name] != slices.Contains(s.Needs, name) {
			t.Errorf("%s: needs %s is %v, want %v", s.Name, name, !needs[name], needs[name])
		}
	}
}

// The suite as a whole leaves nothing out.
func TestBuiltinCoversTheVocabularies(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range Builtin() {
		for _, g := range s.Fleet {
			seen["provider "+g.Provider], seen["runtime "+g.Runtime] = true, true
			if g.Boot != nil {
				seen["phase "+g.Boot.Dies] = true
			}
		}
		for _, a := range s.Acts {
			seen["act "+a.Do] = true
		}
		for _, f := range s.Faults {
			seen["fault "+f.Kind], seen["moment "+f.When] = true, true
		}
		seen["schedule "+stdcmp.Or(s.Schedule, "random")] = true
		for _, need := range s.Needs {
			seen["capability "+need] = true
		}
	}
	for _, tag := range []string{"provider", "runtime", "phase", "act", "fault", "moment", "capability", "schedule"} {
		for _, name := range vocabularyOf(tag).names {
			if !seen[tag+" "+name] {
				t.Errorf("no built-in scenario has the %s %s", tag, name)
			}
		}
	}
}

func TestBuiltinOrderHasEveryFile(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(builtinFiles, "builtin/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".yaml"))
	}
	slices.Sort(names)
	if diff := cmp.Diff(names, slices.Sorted(slices.Values(Names()))); diff != "" {
		t.Errorf("(-files +names)\n%s", diff)
	}
	if Names()[0] != "minimax-past-budget" {
		t.Errorf("the suite begins with %s", Names()[0])
	}
	Names()[0] = "changed"
	if Names()[0] == "changed" {
		t.Error("a copy changed the order")
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	s, err := Find("two-replicas")
	if err != nil || s.Controllers != 2 {
		t.Errorf("got %v, %v", s, err)
	}
	if _, err := Find("two-replica"); err == nil || !strings.Contains(err.Error(), "did you mean two-replicas?") {
		t.Errorf("got %v", err)
	}
	if _, err := Find("nonsense"); err == nil || !strings.Contains(err.Error(), strings.Join(Names()[:2], ", ")) {
		t.Errorf("got %v", err)
	}
	text, err := Source("two-replicas")
	if err != nil || !strings.HasPrefix(string(text), "name: two-replicas\n") {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := Source("../builtin/two-replicas"); err == nil {
		t.Error("a path was taken for a name")
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := func(name, provider string) string {
		return "name: " + name + "\nabout: x\nfleet: [{provider: " + provider + "}]\n"
	}
	write("good/b.yaml", text("b", "kimi"))
	write("good/a.yml", text("a", "kimi"))
	write("good/below/c.yaml", text("c", "kimi"))
	write("good/notes.txt", "no scenario")
	single := write("single", text("single", "kimi"))

	all, err := Files([]string{single, filepath.Join(dir, "good")})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	if diff := cmp.Diff([]string{"single", "a", "b"}, names); diff != "" {
		t.Error(diff)
	}

	bad, empty := write("bad.yaml", text("bad", "kimmi")), filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	twin := write("twin.yaml", text("single", "kimi"))
	huge := write("huge.yaml", strings.Repeat("# padding\n", 20_000))
	all, err = Files([]string{single, bad, empty, filepath.Join(dir, "absent.yaml"), twin, single, huge})
	if err == nil || all != nil {
		t.Fatalf("got %v, %v", all, err)
	}
	for _, want := range []string{
		bad + ":3:20: unknown provider \"kimmi\"",
		empty + ": the directory holds no scenario",
		filepath.Join(dir, "absent.yaml") + ": no such file or directory",
		twin + ": " + single + " also has a scenario called single",
		"the same file is given twice",
		huge + ": the file has more than",
		"6 problems",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q:\n%s", want, err)
		}
	}
}

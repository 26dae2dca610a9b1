package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../../.."

// fewest is how many mutants there must be.
const fewest = 120

// Every mutant applies to the module as it is: one that does not would never be found, and count for nothing.
func TestMutantsApply(t *testing.T) {
	t.Parallel()
	all, err := readMutants("mutants")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < fewest {
		t.Errorf("there are %d mutants", len(all))
	}
	for i := range all {
		changed, err := all[i].apply(root)
		if err != nil {
			t.Error(err)
		}
		for file := range changed {
			if !strings.HasPrefix(file, "controller/") {
				t.Errorf("mutant %s changes %s, which is not the controller's", all[i].Name, file)
			}
		}
	}
}

// A text that is not there once, as after a change of the code, is an error that names the mutant.
func TestApplyWantsItsTextOnce(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.go"), []byte("one\ntwo\ntwo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		old, want string
		good      bool
	}{
		{old: "one\n", want: "ONE\ntwo\ntwo\n", good: true},
		{old: "two\n"},
		{old: "three\n"},
	} {
		m := Mutant{Name: "m", Edits: []Edit{{"a.go", c.old, "ONE\n"}}}
		changed, err := m.apply(folder)
		if (err == nil) != c.good || c.good && string(changed["a.go"]) != c.want {
			t.Errorf("%q: %q, %v", c.old, changed["a.go"], err)
		}
		if !c.good && !strings.Contains(err.Error(), "mutant m") {
			t.Errorf("%q: %v", c.old, err)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	const good = "== a-b\nabout: x: y\nstore: postgres\nfile: f.go\n<<<\nold\n===\nnew\n>>>\nfile: g.go\n<<<\nold\n===\n>>>\n"
	all, err := parse("s", good)
	if err != nil || len(all) != 1 || len(all[0].Edits) != 2 || all[0].About != "x: y" || all[0].Store != "postgres" || all[0].Edits[1].File != "g.go" {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, bad := range []string{
		"about: x\n",
		"== A\n",
		"== a\nabout: x\n",
		"== a\nfile: f\n<<<\no\n===\nn\n>>>\n",
		"== a\nabout: x\n<<<\no\n===\nn\n>>>\n",
		"== a\nabout: x\nfile: f\n<<<\no\n",
		"== a\nabout: x\nfile: f\n<<<\no\n===\no\n>>>\n",
		"== a\nabout: x\nfile: f\n<<<\n===\nn\n>>>\n",
		"== a\nabout: x\nfile: f\n<<<\no\n>>>\n",
		"== a\nabout: x\nstore: memory\n",
	} {
		if _, err := parse("s", bad); err == nil {
			t.Errorf("no error for\n%s", bad)
		}
	}
}

// A mutant's hash changes with what it does, so that no result of another is taken for it.
func TestHash(t *testing.T) {
	t.Parallel()
	a := Mutant{Name: "a", Edits: []Edit{{"f", "o", "n"}}}
	b := Mutant{Name: "a", Edits: []Edit{{"f", "o", "m"}}}
	c := Mutant{Name: "a", Store: "postgres", Edits: []Edit{{"f", "o", "n"}}}
	if a.hash() == b.hash() || a.hash() == c.hash() {
		t.Error("two mutants have one hash")
	}
}

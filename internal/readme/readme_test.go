package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yuin/goldmark/ast"
)

// What is wrong with a page is found, and what is right is not.
func TestCheck(t *testing.T) {
	t.Chdir("../..")
	k, err := survey()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"[a page](docs/targets.md)":                                         "",
		"[a folder](docs)":                                                  "",
		"[outside](https://example.org/x)":                                  "",
		"[a heading](docs/targets.md#the-agents)":                           "",
		"[here](#a-b-c)\n\n# A b, `c`":                                      "",
		"[a page](docs/nothing.md)":                                         "leads nowhere",
		"[a heading](docs/targets.md#nothing)":                              "leads to no heading",
		"`make run`, `TestCheck`, `harness/live`, `a/b`":                    "",
		"`make fast`":                                                       "no target fast",
		"`TestNothing`":                                                     "no test is called TestNothing",
		"`harness/nothing.go`":                                              "is not there",
		"```console\n$ bootrace run\nheld\n```":                             "",
		"```console\nbootrace run\n```":                                     "has no $",
		"```sh\nbootrace run\n```":                                          "must be a console block",
		"```\nbootrace run\n```":                                            "must be a console block",
		"text\n\n    bootrace run\n":                                        "fence it",
		"```yaml\nname: x\n```":                                             "",
		"```yaml\nfaults:\n  - {kind: partition, from: 1m, until: 2m}\n```": "",
		"```yaml\nfaults:\n  - {kind: parting, from: 1m, until: 2m}\n```":   "unknown kind",
		"```yaml\nname: x\nabout: x\nfleet: [{provider: minmax}]\n```":      "unknown provider",
		"<!-- not run: no AWS -->\n```console\n$ aws\n```":                  "",
	} {
		var said []string
		for _, err := range (&page{"README.md", []byte(text)}).check(k) {
			said = append(said, err.Error())
		}
		got := strings.Join(said, "; ")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A command that fails, or prints something else than its page shows, is found; so is one that the program does not know.
func TestTry(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "bootrace")
	script := "#!/bin/sh\ncase \"$*\" in *--bad*) echo no such flag; exit 20;; esac\n" +
		"echo 'bootrace v1 · Postgres 15.1 (x)'; echo; echo '+10:21.8 failed'; echo 'runs/20260102-030405-7   0.30s'\n"
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"```console\n$ bootrace run\n```": "",
		"```console\n$ bootrace run\nbootrace v2 · Postgres 17 (y)\n\n+10:21.8 failed\nruns/20250102-030405-7  2s\n```": "",
		"```console\n$ bootrace run\n…\n+10:… failed\n…\n```":                                                           "",
		"```console\n$ bootrace run\n…\n+10:21.9 failed\n…\n```":                                                        "not printed there",
		"```console\n$ bootrace run\n…\n+10:21.8 failed\n```":                                                           "more is printed",
		"```console\n$ bootrace run --bad\n```":                                                                         "exit 20, want 0",
		"<!-- exits 20 -->\n```console\n$ bootrace run --bad\n```":                                                      "",
		"<!-- exits 1 -->\n```console\n$ bootrace run --bad\n```":                                                       "exit 20, want 1",
		"```console\n$ X=run\n$ bootrace $X\n$ test $X = run\n```":                                                      "",
		"<!-- not run: x -->\n```console\n$ bootrace run --bad\n```":                                                    "no such flag",
		"<!-- not run: x -->\n```console\n$ bootrace run …\n$ curl --bad\n```":                                          "",
		"`bootrace run`":       "",
		"`bootrace run --bad`": "no such flag",
		"`bootrace:latest`":    "",
	} {
		got := ""
		if err := try(t.Context(), []*page{{"README.md", []byte(text)}}, program); err != nil {
			got = err.Error()
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	got, err := fill("x.md", []byte("a\n<!-- generated: ledger -->\nold\n<!-- end: ledger -->\nb\n"))
	if want := "a\n<!-- generated: ledger -->\n" + ledger + "<!-- end: ledger -->\nb\n"; err != nil || string(got) != want {
		t.Errorf("%v, got %q", err, got)
	}
	for _, text := range []string{"<!-- generated: nothing -->\n<!-- end: nothing -->\n", "<!-- generated: ledger -->\n"} {
		if _, err := fill("x.md", []byte(text)); err == nil {
			t.Errorf("%q was filled", text)
		}
	}
	if err := eachPartOnce(nil); err == nil {
		t.Error("parts without a place were accepted")
	}
}

// Every field of the schema has its line in the reference.
func TestFieldReference(t *testing.T) {
	t.Parallel()
	text := fieldReference()
	for _, want := range []string{
		"| `name` (required) | text |", "| `controllers` | integer, 1 to 5 |", "| `boot` | block |", "| `acts` | list of blocks |",
		"| `kind` (required) | `partition`,", "| `by` | duration, may be negative |", "### Elements of `expect.groups`", "Default: `claude-code`.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the reference lacks %q", want)
		}
	}
	walk(parse([]byte(text)), func(n ast.Node) {
		if n.Kind() == ast.KindCodeBlock {
			t.Error("a table is taken for code")
		}
	})
}

package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const plainFile = `// Package p is for a test.
package p

import "fmt"

type kind int

const limit = 3

func free(_ int, names ...string) string { return fmt.Sprint(names) }

func (k kind) method(n int) {
	fmt.Println(n)
}
`

// Whatever a batch can have in it is there beside what it was, behind a jump, and what it cannot have is refused and changes nothing.
func TestBatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, old, fresh string
		want             []string // parts of the mixed file; none where the mutant is refused
	}{
		{"function", "Sprint(names)", "Sprintln(names)", []string{
			"func free(unused", " int, names ...string) string { if mutants.On(7) { return free_mutant7(unused", ", names...) };  return fmt.Sprint(names) }",
			"func free_mutant7(_ int, names ...string) string { return fmt.Sprintln(names) }",
		}},
		{"method", "fmt.Println(n)", "fmt.Print(n)", []string{
			"{ if mutants.On(7) { k.method_mutant7(n); return }; \n\tfmt.Println(n)", "func (k kind) method_mutant7(n int) {\n\tfmt.Print(n)\n}",
		}},
		{"constant", "limit = 3", "limit = 4", []string{"var limit = mutants.Value(3, 7, 4)"}},
		{"import", "import \"fmt\"\n\ntype kind int\n\nconst limit = 3\n\nfunc free(_ int, names ...string) string { return fmt.Sprint(names) }",
			"import \"fmt\"\nimport \"os\"\n\ntype kind int\n\nconst limit = 3\n\nfunc free(_ int, names ...string) string { return os.Args[0] }",
			[]string{"import \"os\"\n", "{ return os.Args[0] }"}},
		{"type", "type kind int", "type kind int64", nil},
		{"removal", "func (k kind) method(n int) {\n\tfmt.Println(n)\n}", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			if err := os.WriteFile(filepath.Join(root, "p.go"), []byte(plainFile), 0o600); err != nil {
				t.Fatal(err)
			}
			b := newBatch(root)
			m := Mutant{Name: "m", Edits: []Edit{{"p.go", c.old, c.fresh}}}
			if added := b.add(&m, 7); added != (c.want != nil) {
				t.Fatalf("added: %t", added)
			}
			f := b.files["p.go"]
			if c.want == nil {
				if len(f.jumps)+len(f.values)+len(f.extra) > 0 {
					t.Errorf("it is refused, and changes %+v", f)
				}
				return
			}
			text := f.mix()
			if _, err := parser.ParseFile(token.NewFileSet(), "", text, 0); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
		})
	}
}

// Whoever keeps a batch from compiling is named by the lines that the compiler complains of, in what a mutant added as in a value.
func TestBlame(t *testing.T) {
	t.Parallel()
	text := "package p\nvar limit = mutants.Value(mutants.Value(3, 7, 4), 8, 5)\nfunc plain() {\n}\n\nfunc free_mutant9() {\n\tbroken\n}\n"
	for _, c := range []struct {
		line string
		want []int
	}{{"2", []int{7, 8}}, {"7", []int{9}}, {"4", nil}} {
		alone := map[int]bool{}
		blame("# pkg\ncontroller/p.go:"+c.line+":2: wrong\n", map[string][]byte{"controller/p.go": []byte(text)}, alone)
		if len(alone) != len(c.want) {
			t.Errorf("line %s: %v", c.line, alone)
		}
		for _, n := range c.want {
			if !alone[n] {
				t.Errorf("line %s does not blame %d", c.line, n)
			}
		}
	}
}

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A batch is many mutants in one program, of which package switched turns one on: building is most of what a mutant costs. A
// function that a mutant changes is there twice, and begins with a jump to the other; a variable has the one value or the other.
// What cannot be distinguished like that, such as a type, has the mutant be built alone.
type batch struct {
	root  string
	files map[string]*mixed
}

// mixed is a file of the module with the mutants of a batch in it.
type mixed struct {
	text    string
	decls   map[string]decl
	jumps   map[string][]string // by the function's key
	values  map[string][]string // by the variable's key: numbers and values, alternately
	extra   []string            // functions that are added
	imports map[string]bool
}

// decl is a function, or a variable that has a value of its own.
type decl struct {
	fn    *ast.FuncDecl
	group *ast.GenDecl // of a variable
	spec  *ast.ValueSpec
	text  string
}

const switchedPath = "github.com/bootrace/bootrace/internal/mutation/hand/switched"

func newBatch(root string) *batch { return &batch{root: root, files: map[string]*mixed{}} }

// add puts the mutant into the batch, under the number. It returns false, and leaves the batch as it was, where that is impossible.
func (b *batch) add(m *Mutant, number int) bool {
	changed, err := m.apply(b.root)
	if err != nil {
		return false
	}
	type step struct {
		file *mixed
		do   func()
	}
	var steps []step
	for name, text := range changed {
		f, err := b.file(name)
		if err != nil {
			return false
		}
		theirs, imports, err := declarations(string(text))
		if err != nil {
			return false
		}
		for key := range f.decls {
			if _, ok := theirs[key]; !ok {
				return false // something is missing
			}
		}
		if rest(f.text, f.decls) != rest(string(text), theirs) {
			return false // more than functions and variables
		}
		for key, d := range theirs {
			mine, ok := f.decls[key]
			if !ok || mine.text == d.text {
				continue
			}
			if d.fn == nil {
				steps = append(steps, step{f, func() { f.values[key] = append(f.values[key], strconv.Itoa(number), valueOf(d, string(text))) }})
				continue
			}
			jump, copied, ok := double(mine, d, string(text), number)
			if !ok {
				return false
			}
			steps = append(steps, step{f, func() {
				f.jumps[key] = append(f.jumps[key], jump)
				f.extra = append(f.extra, copied)
			}})
		}
		steps = append(steps, step{f, func() {
			for _, path := range imports {
				f.imports[path] = true
			}
		}})
	}
	for _, s := range steps {
		s.do()
	}
	return true
}

func (b *batch) file(name string) (*mixed, error) {
	if f := b.files[name]; f != nil {
		return f, nil
	}
	text, err := os.ReadFile(filepath.Join(b.root, name))
	if err != nil {
		return nil, err
	}
	f := &mixed{text: string(text), jumps: map[string][]string{}, values: map[string][]string{}, imports: map[string]bool{}}
	if f.decls, _, err = declarations(f.text); err != nil {
		return nil, err
	}
	b.files[name] = f
	return f, nil
}

// declarations returns the functions and variables of a file by their keys, and the imports.
func declarations(text string) (map[string]decl, []string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, err
	}
	all := map[string]decl{}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			key := d.Name.Name
			if d.Recv != nil {
				key = between(text, d.Recv) + " " + key
			}
			all[key] = decl{fn: d, text: between(text, d)}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if v, ok := s.(*ast.ValueSpec); ok && len(v.Names) == 1 && len(v.Values) == 1 && v.Names[0].Name != "_" {
					all[v.Names[0].Name] = decl{group: d, spec: v, text: between(text, v)}
				}
			}
		}
	}
	var imports []string
	for _, i := range file.Imports {
		line := i.Path.Value
		if i.Name != nil {
			line = i.Name.Name + " " + line
		}
		imports = append(imports, line)
	}
	return all, imports, nil
}

func between(text string, n ast.Node) string { return text[n.Pos()-1 : n.End()-1] }

var importing = regexp.MustCompile(`(?m)^import \((?s:.*?)\n\)$|^import [^(].*$`)

var spaces = regexp.MustCompile(`(?s)//[^\n]*\n|\s+`)

// rest is what a file is without its functions, variables and imports.
func rest(text string, decls map[string]decl) string {
	var cuts []ast.Node
	for _, d := range decls {
		if d.fn != nil {
			cuts = append(cuts, d.fn)
		} else {
			cuts = append(cuts, d.spec)
		}
	}
	slices.SortFunc(cuts, func(a, b ast.Node) int { return int(b.Pos() - a.Pos()) })
	for _, n := range cuts {
		text = text[:n.Pos()-1] + text[n.End()-1:]
	}
	return spaces.ReplaceAllString(importing.ReplaceAllString(text, ""), "")
}

// valueOf is the value of a variable, converted to its type where that is written down.
func valueOf(d decl, text string) string {
	value := between(text, d.spec.Values[0])
	if d.spec.Type != nil {
		return "(" + between(text, d.spec.Type) + ")(" + value + ")"
	}
	return value
}

// double returns the jump at the beginning of a function to what the mutant made of it, and that.
func double(mine, theirs decl, text string, number int) (jump, copied string, ok bool) {
	f := mine.fn
	if f.Body == nil || f.Name.Name == "init" || theirs.fn.Body == nil || f.Type.TypeParams != nil {
		return "", "", false
	}
	name := fmt.Sprintf("%s_mutant%d", f.Name.Name, number)
	call := name
	if f.Recv != nil {
		if len(f.Recv.List[0].Names) == 0 || f.Recv.List[0].Names[0].Name == "_" {
			return "", "", false
		}
		call = f.Recv.List[0].Names[0].Name + "." + name
	}
	var args []string
	for _, p := range f.Type.Params.List {
		if len(p.Names) == 0 {
			return "", "", false
		}
		for _, n := range p.Names {
			arg := named(n, f)
			if _, variadic := p.Type.(*ast.Ellipsis); variadic {
				arg += "..."
			}
			args = append(args, arg)
		}
	}
	call += "(" + strings.Join(args, ", ") + ")"
	jump = fmt.Sprintf(" if mutants.On(%d) { %s; return }; ", number, call)
	if f.Type.Results != nil {
		jump = fmt.Sprintf(" if mutants.On(%d) { return %s }; ", number, call)
	}
	at := theirs.fn.Name.Pos() - 1
	copied = text[theirs.fn.Pos()-1:at] + name + text[theirs.fn.Name.End()-1:theirs.fn.End()-1]
	return jump, copied, true
}

// named is the name that a function's parameter has in a batch, where the jump needs one.
func named(n *ast.Ident, f *ast.FuncDecl) string {
	if n.Name == "_" {
		return fmt.Sprintf("unused%d", n.Pos()-f.Pos())
	}
	return n.Name
}

// mix returns the file with all that was added to it.
func (f *mixed) mix() string {
	type edit struct {
		from, to token.Pos
		text     string
	}
	var edits []edit
	for key, jumps := range f.jumps {
		at := f.decls[key].fn.Body.Lbrace
		edits = append(edits, edit{at, at, strings.Join(jumps, "")})
		for _, p := range f.decls[key].fn.Type.Params.List {
			for _, n := range p.Names {
				edits = append(edits, edit{n.Pos() - 1, n.End() - 1, named(n, f.decls[key].fn)})
			}
		}
	}
	for key, values := range f.values {
		d := f.decls[key]
		value := valueOf(d, f.text)
		for i := 0; i < len(values); i += 2 {
			value = fmt.Sprintf("mutants.Value(%s, %s, %s)", value, values[i], values[i+1])
		}
		v := d.spec.Values[0]
		edits = append(edits, edit{v.Pos() - 1, v.End() - 1, value})
		if d.group.Tok == token.CONST {
			edits = append(edits, edit{d.group.TokPos - 1, d.group.TokPos - 1 + token.Pos(len("const")), "var"})
		}
	}
	slices.SortFunc(edits, func(a, b edit) int { return int(b.from - a.from) })
	edits = slices.Compact(edits) // a group of constants of which several change
	text := f.text
	for _, e := range edits {
		text = text[:e.from] + e.text + text[e.to:]
	}
	mine, _, _ := strings.Cut(text, "\nfunc ")
	imports := fmt.Sprintf("\nimport mutants %q\n", switchedPath)
	for path := range f.imports {
		if !strings.Contains(mine, path) {
			imports += "import " + path + "\n"
		}
	}
	at := strings.Index(text, "\npackage ") + 1
	if strings.HasPrefix(text, "package ") {
		at = 0
	}
	end := at + strings.Index(text[at:], "\n")
	return text[:end] + imports + text[end:] + "\n" + strings.Join(f.extra, "\n\n") + "\n"
}

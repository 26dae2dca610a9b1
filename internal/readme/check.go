package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"github.com/bootrace/bootrace/scenarios"
)

// known is what pages may refer to by name.
type known struct {
	tests   map[string]bool // tests and benchmarks
	targets map[string]bool // of the Makefile
	folders map[string]bool // in the root
}

var (
	testFunc   = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Example)\w*)\(`)
	makeTarget = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
)

// survey reads the names of tests, make targets and folders.
func survey() (*known, error) {
	k := &known{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		return nil, err
	}
	for _, m := range makeTarget.FindAllSubmatch(makefile, -1) {
		k.targets[string(m[1])] = true
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.IsDir() {
			k.folders[e.Name()] = true
		}
	}
	err = filepath.WalkDir(".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		source, err := os.ReadFile(name) //nolint:gosec // a file of this repository
		for _, m := range testFunc.FindAllSubmatch(source, -1) {
			k.tests[string(m[1])] = true
		}
		return err
	})
	return k, err
}

var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAutoHeadingID())).Parser()

func parse(source []byte) ast.Node { return markdown.Parse(text.NewReader(source)) }

// check returns what is wrong with the page's references and shell blocks.
func (p *page) check(k *known) (errs []error) {
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", p.name, fmt.Sprintf(format, args...)))
	}
	walk(parse(p.text), func(n ast.Node) {
		var err error
		switch n := n.(type) {
		case *ast.Link:
			err = p.checkLink(string(n.Destination))
		case *ast.Image:
			err = p.checkLink(string(n.Destination))
		case *ast.CodeSpan:
			err = k.checkName(spanText(n, p.text))
		case *ast.CodeBlock:
			err = errors.New("an indented block of code: fence it, and say what it is")
		case *ast.FencedCodeBlock:
			if _, err = p.block(n); err == nil && string(n.Language(p.text)) == "yaml" {
				err = checkScenario(n.Lines().Value(p.text))
			}
		}
		if err != nil {
			wrong("%v", err)
		}
	})
	return errs
}

func walk(n ast.Node, visit func(ast.Node)) {
	visit(n)
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		walk(c, visit)
	}
}

func spanText(n ast.Node, source []byte) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Segment.Value(source))
		}
	}
	return b.String()
}

// checkLink requires that a link within the repository leads to a file, and its anchor to a heading. Others are not
// followed: a check must not depend on a network.
func (p *page) checkLink(to string) error {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" {
		return err
	}
	source := p.text
	if u.Path != "" {
		target := path.Join(path.Dir(p.name), u.Path)
		if _, err := os.Stat(target); err != nil { //nolint:gosec // a link of our own page
			return fmt.Errorf("the link %s leads nowhere: %w", to, err)
		}
		if u.Fragment == "" {
			return nil
		}
		if source, err = os.ReadFile(target); err != nil { //nolint:gosec // a file of this repository
			return err
		}
	}
	if u.Fragment == "" {
		return nil
	}
	found := false
	walk(parse(source), func(n ast.Node) {
		if id, ok := n.AttributeString("id"); ok && bytes.Equal(id.([]byte), []byte(u.Fragment)) {
			found = true
		}
	})
	if !found {
		return fmt.Errorf("the link %s leads to no heading", to)
	}
	return nil
}

// checkScenario requires that a scenario of a page, or the faults of one, is valid.
func checkScenario(yaml []byte) error {
	if bytes.HasPrefix(yaml, []byte("faults:")) {
		yaml = append([]byte("name: faults\nabout: Faults by themselves.\nfleet: [{provider: minimax, count: 2}]\n"), yaml...)
	}
	if !bytes.Contains(yaml, []byte("\nfleet:")) {
		return nil
	}
	_, err := scenarios.Load("page.yaml", yaml)
	return err
}

var (
	pathLike = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)*/?$`)
	testLike = regexp.MustCompile(`^(Test|Benchmark)[A-Z]\w*`)
	makeLike = regexp.MustCompile(`^make ([a-z][a-z-]*)`)
)

// checkName requires that what is named between backquotes exists: files and folders, tests, make targets.
func (k *known) checkName(span string) error {
	if m := makeLike.FindStringSubmatch(span); m != nil && !k.targets[m[1]] {
		return fmt.Errorf("the Makefile has no target %s", m[1])
	}
	if name := testLike.FindString(span); name != "" && !k.tests[name] {
		return fmt.Errorf("no test is called %s", name)
	}
	if root, rest, cut := strings.Cut(span, "/"); cut && rest != "" && k.folders[root] && pathLike.MatchString(span) {
		if _, err := os.Stat(span); err != nil {
			return fmt.Errorf("%s is not there: %w", span, err)
		}
	}
	return nil
}

// Package testrules reads this module's tests, and holds them to what makes them pass on a slow machine: a test waits for progress
// (package await), and not for time.
package testrules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// soonest is the shortest wall-clock limit of something that a test waits for. Anything shorter is a guess about the machine.
const soonest = time.Minute

// reasons begin the comment by which a line is an exception, followed by why: "// sleeps: …", "// short: …".
var reasons = map[string]string{"sleep": "// sleeps: ", "limit": "// short: "}

func TestTestsWaitForProgress(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2:
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files++
		for _, complaint := range complaints(t, path, nil) {
			t.Error(complaint)
		}
		return nil
	})
	if err != nil || files < 50 {
		t.Fatalf("%d files of tests were read, %v", files, err)
	}
}

// TestRules tries the rules on lines that break them, and on lines that do not.
func TestRules(t *testing.T) {
	t.Parallel()
	for line, bad := range map[string]bool{
		"time.Sleep(time.Second)":                                    true,
		"time.Sleep(time.Second) // sleeps: both sides count it":     false,
		"time.Sleep(time.Second) // sleeps: ":                        true,
		"time.Sleep(time.Second) // until it is there":               true,
		"context.WithTimeout(nil, 20*time.Second)":                   true,
		"context.WithTimeout(nil, time.Second)":                      true,
		"context.WithTimeout(nil, 1500*time.Millisecond)":            true,
		"context.WithTimeout(nil, 2*time.Minute)":                    false,
		"context.WithTimeout(nil, await.Hang)":                       false,
		"context.WithTimeout(nil, time.Second) // short: it expires": false,
		"time.After(time.Second)":                                    true,
		"time.After(time.Hour)":                                      false,
		"_ = time.Now().Add(10 * time.Second)":                       true,
		"_ = took > 3*time.Second":                                   true,
		"_ = time.Since(began) > 3*time.Second":                      true,
		"_ = took < 3*time.Second":                                   false,
		"_ = took > await.Hang":                                      false,
		"_ = start.Add(10 * time.Second)":                            false,
		"_ = http.Client{Timeout: time.Second}":                      true,
	} {
		got := complaints(t, "x_test.go", []byte("package x\nfunc f() {\n"+line+"\n}\n"))
		if (len(got) > 0) != bad {
			t.Errorf("%s: complaints are %q", line, got)
		}
	}
}

// complaints returns what breaks the rules in a file.
func complaints(t *testing.T, path string, source any) (all []string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	excused := map[string]map[int]bool{} // lines, by rule
	for rule, prefix := range reasons {
		excused[rule] = map[int]bool{}
		for _, group := range file.Comments {
			for _, c := range group.List {
				if strings.HasPrefix(c.Text, prefix) && strings.TrimSpace(c.Text[len(prefix):]) != "" {
					excused[rule][set.Position(c.Pos()).Line] = true
				}
			}
		}
	}
	complain := func(at ast.Node, rule, what string) {
		if p := set.Position(at.Pos()); !excused[rule][p.Line] {
			all = append(all, p.String()+": "+what+"; wait for progress with package await, or say why not in a comment that begins with "+
				strconv.Quote(reasons[rule]))
		}
	}
	limited := func(at ast.Node, limit ast.Expr) {
		if d, known := duration(limit); known && d < soonest {
			complain(at, "limit", "a wall-clock limit of "+d.String()+" is a guess about the machine")
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			switch name := called(n); {
			case name == "time.Sleep":
				complain(n, "sleep", "time.Sleep decides an outcome")
			case name == "context.WithTimeout" && len(n.Args) == 2:
				limited(n, n.Args[1])
			case (name == "time.After" || name == "time.NewTimer" || name == "time.AfterFunc") && len(n.Args) > 0:
				limited(n, n.Args[0])
			case name == "time.Now().Add" && len(n.Args) == 1:
				limited(n, n.Args[0])
			}
		case *ast.BinaryExpr:
			if (n.Op == token.GTR || n.Op == token.GEQ) && measured(n.X) {
				limited(n, n.Y)
			}
		case *ast.CompositeLit:
			if typ, ok := n.Type.(*ast.SelectorExpr); !ok || selector(typ) != "http.Client" {
				return true
			}
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "Timeout" {
						limited(kv, kv.Value)
					}
				}
			}
		}
		return true
	})
	return all
}

// measured reports whether the expression is how long something took, by its form or by its usual names.
func measured(e ast.Expr) bool {
	if c, ok := e.(*ast.CallExpr); ok {
		return called(c) == "time.Since"
	}
	name, ok := e.(*ast.Ident)
	return ok && (name.Name == "took" || name.Name == "elapsed")
}

// called is what a call calls, of a package or of time.Now().
func called(c *ast.CallExpr) string {
	s, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if inner, ok := s.X.(*ast.CallExpr); ok && called(inner) == "time.Now" {
		return "time.Now()." + s.Sel.Name
	}
	return selector(s)
}

func selector(s *ast.SelectorExpr) string {
	if x, ok := s.X.(*ast.Ident); ok {
		return x.Name + "." + s.Sel.Name
	}
	return ""
}

var units = map[string]time.Duration{
	"time.Nanosecond": 1, "time.Microsecond": time.Microsecond, "time.Millisecond": time.Millisecond, "time.Second": time.Second,
	"time.Minute": time.Minute, "time.Hour": time.Hour,
}

// duration is the value of a duration that is written out.
func duration(e ast.Expr) (time.Duration, bool) {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		d, ok := units[selector(e)]
		return d, ok
	case *ast.ParenExpr:
		return duration(e.X)
	case *ast.BasicLit:
		n, err := strconv.ParseInt(e.Value, 0, 64)
		return time.Duration(n), err == nil && e.Kind == token.INT
	case *ast.BinaryExpr:
		a, known := duration(e.X)
		b, too := duration(e.Y)
		return time.Duration(int64(a) * int64(b)), known && too && e.Op == token.MUL
	}
	return 0, false
}

package rules_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shared is what the controller's packages know of the contract, by the package or the method that knows it.
var (
	sharedFunctions = []string{"lifecycle.Standard", "lifecycle.BeatEvent", "controller.DefaultSettings", "cloud.Classify"}
	sharedConstants = []string{"lifecycle.DegradedAt", "lifecycle.RecoveredAt", "controller.DefaultBudget", "controller.LaunchesAtOnce"}
	sharedMethods   = []string{"Converged", "Held", "KeepsMachine", "Outcome", "ProofOfLife", "BeginsIncarnation", "WithDefaults"}
)

// No judge asks the code that it judges what the contract is: a mistake there would pass for the rule.
func TestJudgesAskTheContractAlone(t *testing.T) {
	t.Parallel()
	judges := []string{"../explore/monitor.go"}
	for _, dir := range []string{"../invariant", "../linear", "."} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", dir, err)
		}
		judges = append(judges, files...)
	}
	for _, name := range judges {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, why := range asks(t, name, text) {
			t.Error(why)
		}
	}
}

// What the check looks for, it finds.
func TestSharedKnowledgeIsFound(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"var t = lifecycle.Standard()", "var b = s.KeepsMachine()", "var f = lifecycle.Status.Held", "var d = controller.DefaultBudget",
	} {
		if len(asks(t, "x.go", []byte("package x\n"+line))) != 1 {
			t.Errorf("%s passes for knowledge of the judge's own", line)
		}
	}
	if why := asks(t, "x.go", []byte("package x\nvar b = v.Table.Held(s)")); why != nil {
		t.Errorf("a question to the rules is taken for one to the controller: %v", why)
	}
}

// asks returns where the source asks the controller's packages what the contract is.
func asks(t *testing.T, name string, text []byte) []string {
	t.Helper()
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, name, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(f, func(n ast.Node) bool {
		var what string
		switch n := n.(type) {
		case *ast.SelectorExpr:
			pkg, _ := n.X.(*ast.Ident)
			if method, ok := n.X.(*ast.SelectorExpr); ok && method.Sel.Name == "Status" && slices.Contains(sharedMethods, n.Sel.Name) {
				what = "Status." + n.Sel.Name
			}
			if pkg != nil && (slices.Contains(sharedFunctions, pkg.Name+"."+n.Sel.Name) || slices.Contains(sharedConstants, pkg.Name+"."+n.Sel.Name)) {
				what = pkg.Name + "." + n.Sel.Name
			}
		case *ast.CallExpr: // the rules' methods of these names take the status or event
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && len(n.Args) == 0 && slices.Contains(sharedMethods, s.Sel.Name) {
				what = s.Sel.Name + "()"
			}
		}
		if what != "" {
			found = append(found, files.Position(n.Pos()).String()+" asks the controller what the contract is: "+what)
		}
		return true
	})
	return found
}

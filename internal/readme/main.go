// Command readme keeps the generated parts of README.md in sync with the code that they show: the lifecycle's diagram and
// the tables of invariants and defects. Without a flag it fails where they differ; with -write it writes them.
package main

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/scenarios"
)

const file = "README.md"

// parts are the generated parts, by the name in their markers.
var parts = map[string]func() string{
	"states":     func() string { return "```mermaid\n" + lifecycle.Standard().Mermaid() + "```\n" },
	"invariants": invariantTable,
	"defects":    defectTable,
	"scenarios":  scenarioTable,
	"ledger":     func() string { return ledger },
}

// ledger is what bootrace defects --measure printed last. It is measured, so it is kept, and not made anew each time.
//
//go:embed ledger.md
var ledger string

func invariantTable() string {
	var b strings.Builder
	b.WriteString("| invariant | what must hold |\n|---|---|\n")
	for _, i := range invariant.All() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", i.Name, i.Promise)
	}
	return b.String()
}

func defectTable() string {
	var b strings.Builder
	b.WriteString("| defect | mechanism | breaks | evidence |\n|---|---|---|---|\n")
	for _, d := range defects.All() {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s |\n", d.Name, d.Mechanism, d.Breaks, d.Evidence)
	}
	return b.String()
}

func scenarioTable() string {
	var b strings.Builder
	b.WriteString("| scenario | what it is about |\n|---|---|\n")
	for _, s := range scenarios.Builtin() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", s.Name, strings.Join(strings.Fields(s.About), " "))
	}
	return b.String()
}

func main() {
	write := flag.Bool("write", false, "write the generated parts")
	flag.Parse()
	old, err := os.ReadFile(file)
	if err == nil {
		var fresh []byte
		if fresh, err = fill(old); err == nil {
			switch {
			case bytes.Equal(old, fresh):
			case *write:
				err = os.WriteFile(file, fresh, 0o644) //nolint:gosec // everybody may read it
			default:
				err = fmt.Errorf("%s is out of sync with the code: run make generate", file)
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "readme:", err)
		os.Exit(1)
	}
}

// fill replaces what stands between the markers of each part.
func fill(text []byte) ([]byte, error) {
	for name, render := range parts {
		begin, end := fmt.Sprintf("<!-- generated: %s -->\n", name), fmt.Sprintf("<!-- end: %s -->\n", name)
		i, j := bytes.Index(text, []byte(begin)), bytes.Index(text, []byte(end))
		if i < 0 || j < i {
			return nil, fmt.Errorf("%s has no part between %q and %q", file, begin, end)
		}
		text = append(append(append([]byte{}, text[:i+len(begin)]...), render()...), text[j:]...)
	}
	return text, nil
}

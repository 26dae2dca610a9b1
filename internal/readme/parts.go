package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/scenarios"
)

// parts are the generated parts, by the name in their markers.
var parts = map[string]func() string{
	"states":     func() string { return "```mermaid\n" + lifecycle.Standard().Mermaid() + "```\n" },
	"invariants": invariantTable,
	"defects":    defectTable,
	"scenarios":  scenarioTable,
	"fields":     fieldReference,
	"faults":     faultTable,
	"calls":      callTable,
	"ledger":     func() string { return ledger },
	"ectwo":      ec2Table,
}

// ledger is what bootrace defects --measure printed last. It is a measurement, so it is kept rather than generated.
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

func faultTable() string {
	var b strings.Builder
	b.WriteString("| kind | what goes wrong | must have | may have | `calls` |\n|---|---|---|---|---|\n")
	for _, k := range scenarios.FaultKinds() {
		needs := []string{}
		if k.Lasts {
			needs = append(needs, "until")
		}
		takes := k.Takes
		if k.Calls != "" {
			takes = append([]string{"calls"}, takes...)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.Name, k.About, codes(append(needs, k.Needs...)), codes(takes), k.Calls)
	}
	return b.String()
}

func callTable() string {
	var b strings.Builder
	b.WriteString("| domain | what `calls` may name |\n|---|---|\n")
	for _, d := range []struct {
		name  string
		calls []string
	}{
		{"http", scenarios.HTTPCalls()}, {"store", scenarios.StoreCalls()}, {"cloud", scenarios.CloudCalls()},
		{"task", scenarios.TaskNames()},
	} {
		fmt.Fprintf(&b, "| %s | %s |\n", d.name, codes(d.calls))
	}
	return b.String()
}

func ec2Table() string {
	var b strings.Builder
	for _, x := range ec2wire.References() {
		fmt.Fprintf(&b, "### %s\n\n| | |\n|---|---|\n", x.Action)
		for _, row := range []struct {
			about string
			names []string
		}{
			{"parameters", x.Honoured}, {"parameters without effect", x.Ignored}, {"filters", x.Filters},
			{"filters that match nothing", x.NoMatch},
		} {
			if len(row.names) > 0 {
				fmt.Fprintf(&b, "| %s | %s |\n", row.about, codes(row.names))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func codes(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "`" + strings.Join(names, "`, `") + "`"
}

var marker = regexp.MustCompile(`(?m)^<!-- generated: ([a-z]+) -->\n`)

// fill replaces what stands between the markers of each part of a page.
func fill(name string, text []byte) ([]byte, error) {
	for _, found := range marker.FindAllSubmatch(text, -1) {
		begin, part := string(found[0]), string(found[1])
		render, known := parts[part]
		if !known {
			return nil, fmt.Errorf("%s: no part is called %q", name, part)
		}
		end := fmt.Sprintf("<!-- end: %s -->\n", part)
		i, j := bytes.Index(text, []byte(begin)), bytes.Index(text, []byte(end))
		if j < i {
			return nil, fmt.Errorf("%s: the part %s has no end: %q", name, part, end)
		}
		text = append(append(append([]byte{}, text[:i+len(begin)]...), render()...), text[j:]...)
	}
	return text, nil
}

// eachPartOnce requires that every part has its place, and no second one.
func eachPartOnce(pages []*page) error {
	places := map[string][]string{}
	for _, p := range pages {
		for _, found := range marker.FindAllSubmatch(p.text, -1) {
			places[string(found[1])] = append(places[string(found[1])], p.name)
		}
	}
	var errs []error
	for part := range parts {
		if n := len(places[part]); n != 1 {
			errs = append(errs, fmt.Errorf("the part %q stands in %d places, want one: %v", part, n, places[part]))
		}
	}
	return errors.Join(errs...)
}

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootrace/bootrace/internal/mutation/hand/outcome"
)

// line says in one line what came of the mutant.
func (r *result) line(cached bool) string {
	o := &r.Outcome
	text := fmt.Sprintf("%-34s ", r.Mutant.Name)
	found, all := o.Seeds()
	switch {
	case o.Broken != "":
		text += "BROKEN " + lastOf(o.Broken)
	case !o.Found() && r.Mutant.Equivalent != "":
		text += "equivalent"
	case !o.Found():
		text += "SURVIVED"
	default:
		text += fmt.Sprintf("%d of %d seeds, %s  %s", found, all, r.by(), r.invariant())
		if r.Mutant.Equivalent != "" {
			text += "  NOT EQUIVALENT"
		}
	}
	if cached {
		text += "  (kept)"
	}
	return text
}

// by names what found it.
func (r *result) by() string {
	var by []string
	for _, kind := range []string{"run", "check", "explore"} {
		if r.Outcome.By(kind) != nil {
			by = append(by, kind)
		}
	}
	return strings.Join(by, "+")
}

// first is the try to speak of: that of the check where it found it.
func (r *result) first() *outcome.Try {
	return cmp.Or(r.Outcome.By("check"), r.Outcome.By("run"), r.Outcome.By("explore"))
}

func (r *result) invariant() string {
	var names []string
	for _, t := range r.Outcome.Tries {
		if t.Found && !slices.Contains(names, t.Invariant) {
			names = append(names, t.Invariant)
		}
	}
	return strings.Join(names, ", ")
}

// checks is the median of those that found it.
func (r *result) checks() (checks int, wall time.Duration) {
	var found []outcome.Try
	for _, t := range r.Outcome.Tries {
		if t.By == "check" && t.Found {
			found = append(found, t)
		}
	}
	if len(found) == 0 {
		return 0, 0
	}
	slices.SortFunc(found, func(a, b outcome.Try) int { return cmp.Compare(a.Checks, b.Checks) })
	middle := found[len(found)/2]
	return middle.Checks, middle.Wall
}

// counts are how many mutants there are of each kind.
type counts struct{ all, equivalent, every, some, survived, broken int }

func count(results []result) (c counts) {
	for i := range results {
		r := &results[i]
		found, seeds := r.Outcome.Seeds()
		c.all++
		switch {
		case r.Outcome.Broken != "":
			c.broken++
		case r.Outcome.Found() && found == seeds:
			c.every++
		case r.Outcome.Found():
			c.some++
		case r.Mutant.Equivalent != "":
			c.equivalent++
		default:
			c.survived++
		}
	}
	return c
}

func summary(results []result) string {
	c := count(results)
	return fmt.Sprintf("%d mutants: %d found with every seed, %d by some seed, a scenario or a small world alone, %d survived, %d equivalent, %d not tried",
		c.all, c.every, c.some, c.survived, c.equivalent, c.broken)
}

// table is TABLE.md.
func table(results []result, tree string, o options) string {
	var b strings.Builder
	older := 0
	for _, r := range results {
		if r.Tree != "" && r.Tree != tree {
			older++
		}
	}
	c := count(results)
	fmt.Fprintf(&b, "# Mutants by hand\n\nWritten by `make mutants`; see doc.go here. Each search had %s of processor time, and there were %d seeds. ", o.budget, o.seeds)
	fmt.Fprintf(&b, "Version of what was tried: `%s`.", tree)
	if older > 0 {
		fmt.Fprintf(&b, " %d results are of earlier versions.", older)
	}
	fmt.Fprintf(&b, "\n\n| | mutants |\n|---|---|\n| found by generated plans with every seed | %d |\n| found by some seed, a scenario or a small world alone | %d |\n| survived | %d |\n| equivalent | %d |\n| not tried | %d |\n| all | %d |\n",
		c.every, c.some, c.survived, c.equivalent, c.broken, c.all)
	if c.survived > 0 {
		b.WriteString("\n## Survivors\n\n| mutant | what a programmer got wrong |\n|---|---|\n")
		for _, r := range results {
			if !r.Outcome.Found() && r.Mutant.Equivalent == "" && r.Outcome.Broken == "" {
				fmt.Fprintf(&b, "| `%s` | %s |\n", r.Mutant.Name, cell(r.Mutant.About))
			}
		}
	}
	if c.equivalent > 0 {
		b.WriteString("\n## Equivalent\n\n| mutant | what a programmer got wrong | why nobody can see it |\n|---|---|---|\n")
		for _, r := range results {
			if r.Mutant.Equivalent != "" {
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Mutant.Name, cell(r.Mutant.About), cell(r.Mutant.Equivalent))
			}
		}
	}
	subject := ""
	for _, r := range results {
		if r.Mutant.Subject != subject {
			subject = r.Mutant.Subject
			fmt.Fprintf(&b, "\n## %s%s\n\n| mutant | what a programmer got wrong | seeds | checks | time | found by | invariant | mechanism |\n|---|---|---|---|---|---|---|---|\n",
				strings.ToUpper(subject[:1]), subject[1:])
		}
		found, seeds := r.Outcome.Seeds()
		by, checks, took, mechanism := "**nothing**", "", "", ""
		if r.Mutant.Equivalent != "" {
			by = "nothing (equivalent)"
		}
		if r.Outcome.Broken != "" {
			by = "not tried"
		}
		if first := r.first(); first != nil {
			by, mechanism = r.by(), first.Mechanism
			if n, wall := r.checks(); n > 0 {
				checks, took = fmt.Sprint(n), wall.Round(10*time.Millisecond).String()
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %d of %d | %s | %s | %s | %s | %s |\n", r.Mutant.Name, cell(r.Mutant.About), found, seeds, checks, took, by,
			cell(r.invariant()), cell(mechanism))
	}
	return b.String()
}

// cell makes the text fit into a table's cell.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ").Replace(text)
}

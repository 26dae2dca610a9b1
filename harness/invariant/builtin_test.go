package invariant_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/memory"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/scenarios"
)

func TestTry(t *testing.T) {
	d, _ := defects.Find(os.Getenv("DEFECT"))
	seed, _ := strconv.Atoi(os.Getenv("SEED"))
	list := scenarios.Builtin()
	if f := os.Getenv("FILES"); f != "" {
		var err error
		if list, err = scenarios.Files([]string{f}); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range list {
		if only := os.Getenv("ONLY"); only != "" && only != s.Name {
			continue
		}
		p, err := plan.Resolve(s, uint64(seed))
		if err != nil {
			t.Fatal(err)
		}
		h, err := sim.Run(p, sim.Options{Defect: d, Open: func(table *lifecycle.Table, observe func(store.RowChange)) (store.Store, error) {
			return memory.New(table, observe), nil
		}})
		if err != nil {
			fmt.Println(s.Name, "ERROR", err)
			continue
		}
		j := invariant.Judge(p, h)
		fmt.Println(s.Name, j.Verdict, len(h.Events), plan.Duration(p.Duration), j.Doubts)
		for _, f := range j.Findings {
			for i, x := range f.Violations {
				if i < 2 {
					fmt.Printf("   %s ws %d: %s\n", x.Invariant, x.Workspace, x.What)
				}
			}
		}
		if x := j.First(); x != nil && os.Getenv("EXPLAIN") != "" {
			e := invariant.Explain(p, h, x)
			fmt.Println("  VIOLATED", x.Invariant, e.Subject)
			for _, l := range e.Timeline {
				fmt.Println("    ", invariant.Clock(l.At), l.Text)
			}
			fmt.Println("   mechanism", e.Mechanism)
			fmt.Println("   expected", e.Expected)
		}
	}
}

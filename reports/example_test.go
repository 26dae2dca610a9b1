package reports_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/reports"
	"github.com/bootrace/bootrace/scenarios"
)

func ExampleMarkdown() {
	s, err := scenarios.Find("minimax-past-budget")
	if err != nil {
		panic(err)
	}
	p, err := plan.Resolve(s, 7)
	if err != nil {
		panic(err)
	}
	run, err := harness.Suite{Plans: []*plan.Plan{p}, Source: stores.Memory(), Seed: 7, Jobs: 1}.Run(context.Background())
	if err != nil {
		panic(err)
	}
	page, err := reports.Markdown(run)
	if err != nil {
		panic(err)
	}
	heading, _, _ := strings.Cut(string(page), "\n")
	fmt.Println(heading)
	// Output: ## bootrace: 0 violated · 1 held · 0 inconclusive
}

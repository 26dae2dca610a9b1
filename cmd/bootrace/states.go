package main

import (
	"fmt"

	"github.com/bootrace/bootrace/controller/lifecycle"
)

type statesCmd struct {
	Mermaid bool `help:"Print a Mermaid state diagram instead of the table."`
}

// Run implements the command.
func (c *statesCmd) Run(s streams) error {
	table := lifecycle.Standard()
	text := table.Text()
	if c.Mermaid {
		text = table.Mermaid()
	}
	_, err := fmt.Fprint(s.out, text)
	return err
}

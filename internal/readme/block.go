package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// block is a fenced block of a page.
type block struct {
	info     string // what its fence says that it is
	steps    []step // of a console block: commands, and what they print
	notRun   string // why a console block is not run
	exitCode int    // of a console block's last command
}

// step is a command of a console block and the output that the block shows.
type step struct {
	command string
	output  []string
}

var (
	notRun = regexp.MustCompile(`^<!-- not run: (.+) -->\s*$`)
	exits  = regexp.MustCompile(`^<!-- exits (\d+) -->\s*$`)
)

// block reads a fenced block. A shell block must be a console block: its commands begin with "$ ", further lines of one
// with "> ", and the other lines are output.
func (p *page) block(n *ast.FencedCodeBlock) (*block, error) {
	b := &block{info: string(n.Language(p.text))}
	var lines []string
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		lines = append(lines, strings.TrimSuffix(string(line.Value(p.text)), "\n"))
	}
	if b.info != "console" {
		for _, line := range lines {
			if b.info == "sh" || b.info == "bash" || b.info == "" && (strings.HasPrefix(line, "$ ") || strings.HasPrefix(line, "bootrace ")) {
				return nil, fmt.Errorf("the shell block that begins with %q must be a console block, with $ before its commands", lines[0])
			}
		}
		return b, nil
	}
	for _, line := range lines {
		command, isCommand := strings.CutPrefix(line, "$ ")
		more, isMore := strings.CutPrefix(line, "> ")
		switch last := len(b.steps) - 1; {
		case isCommand:
			b.steps = append(b.steps, step{command: command})
		case last < 0:
			return nil, fmt.Errorf("the console block that begins with %q has no $ before its command", line)
		case isMore && len(b.steps[last].output) == 0:
			b.steps[last].command += "\n" + more
		default:
			b.steps[last].output = append(b.steps[last].output, line)
		}
	}
	if len(b.steps) == 0 {
		return nil, errors.New("an empty console block")
	}
	comment, ok := n.PreviousSibling().(*ast.HTMLBlock)
	if !ok {
		return b, nil
	}
	segment := comment.Lines().At(0)
	said := segment.Value(p.text)
	if m := notRun.FindSubmatch(said); m != nil {
		b.notRun = string(m[1])
	}
	if m := exits.FindSubmatch(said); m != nil {
		b.exitCode, _ = strconv.Atoi(string(m[1])) // it is digits
	}
	return b, nil
}

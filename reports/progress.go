package reports

import (
	"fmt"
	"io"
)

// Progress shows how far long work is: on a terminal in one line that is written over, elsewhere now and then.
type Progress struct {
	W    io.Writer
	Live bool // a terminal

	told  int
	width int
}

// tellEvery is how many lines are left out for one that is written where nobody watches.
const tellEvery = 20

// Line shows the text in place of what was shown before.
func (p *Progress) Line(text string) {
	switch {
	case p.Live:
		fmt.Fprintf(p.W, "\r%-*s", p.width, text)
		p.width = len(text)
	case p.told%tellEvery == tellEvery-1:
		fmt.Fprintln(p.W, text)
	}
	p.told++
}

// End wipes the line.
func (p *Progress) End() {
	if p.Live && p.width > 0 {
		fmt.Fprintf(p.W, "\r%-*s\r", p.width, "")
	}
}

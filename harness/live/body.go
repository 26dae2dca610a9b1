package live

import "github.com/bootrace/bootrace/harness/child"

// body is what a machine's program runs in: a process, or a container.
type body interface {
	// Kill ends it at once, and does not wait for that.
	Kill()
	// Stop has the agent do nothing until Continue.
	Stop() error
	Continue() error
	// Pause has all that runs on the machine do nothing until Unpause.
	Pause() error
	Unpause() error
}

// process is a machine that is a process: its agent is all that runs on it.
type process struct {
	*child.Process
	stops int // by whom it is to go on
}

// Stop implements body.
func (p *process) Stop() error {
	if p.stops++; p.stops > 1 {
		return nil
	}
	return p.Process.Stop()
}

// Continue implements body.
func (p *process) Continue() error {
	if p.stops--; p.stops > 0 {
		return nil
	}
	return p.Process.Continue()
}

// Pause implements body.
func (p *process) Pause() error { return p.Stop() }

// Unpause implements body.
func (p *process) Unpause() error { return p.Continue() }

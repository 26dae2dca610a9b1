package live

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/harness/plan"
)

// Names of the hidden commands by which the program is started again as a part of a run.
const (
	CommandController = "live-controller"
	CommandAgent      = "live-agent"
	CommandSignal     = "live-signal" // with the signal's name behind it, in a container
)

// DefaultSpeed has ten minutes of the contract take ten seconds. Containers take their time to start, which a launch's
// time-out must leave room for.
const (
	DefaultSpeed          = 60
	DefaultContainerSpeed = 20
)

// Options are what a run needs beside its plan.
type Options struct {
	// Postgres is where databases come from. Required.
	Postgres *Postgres
	// Defect is the reference controller's; nil for none.
	Defect *defects.Defect
	// Program is what is started for the parts of a run, with one of the hidden commands as its only argument: this
	// program where it is empty. Its main function must run [Main] for them.
	Program string
	// Containers is where machines are containers; nil where they are processes of this machine, which a fake EC2 starts.
	Containers *Containers
}

// Plan returns the plan as one to be carried out on wall-clock time, speed times faster than the contract's.
func Plan(p *plan.Plan, speed float64) *plan.Plan {
	c := p.Clone()
	c.Live = &plan.Live{Speed: speed, Tolerance: plan.Duration(Tolerance(speed))}
	return c
}

// allowance is how much later than it should anything may happen on a busy machine, in real time. Measured: with the
// built-in suite on two cores, eight scenarios at a time, starts of processes are late by up to half of that.
const allowance = 750 * time.Millisecond

// Tolerance is by how much a run at the speed must widen the bounds of promises, in the contract's time: what the wall clock
// adds of its own is nothing that a controller promised.
func Tolerance(speed float64) time.Duration {
	return time.Duration(float64(allowance) * speed).Round(time.Second)
}

// check reports what keeps the plan from being carried out.
func (o Options) check(p *plan.Plan) error {
	if p.Live == nil || p.Live.Speed <= 0 {
		return errors.New("live: the plan does not say how fast it is to be carried out")
	}
	if o.Postgres == nil {
		return errors.New("live: Options.Postgres is required")
	}
	if reason, ok := o.Supports(p); !ok {
		return fmt.Errorf("live: %s cannot be carried out: %s", p.Name, reason)
	}
	return nil
}

// program is what to start for a part of a run, and the arguments that say which.
func (o Options) program(command string) (path string, args []string, err error) {
	path = o.Program
	if path == "" {
		if path, err = os.Executable(); err != nil {
			return "", nil, fmt.Errorf("live: finding this program: %w", err)
		}
	}
	name := filepath.Base(path)
	if len(os.Args) > 0 && o.Program == "" {
		name = os.Args[0] // what this program goes by may decide what it is
	}
	return path, []string{name, command}, nil
}

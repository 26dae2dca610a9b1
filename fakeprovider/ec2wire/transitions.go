package ec2wire

import (
	"fmt"
)

// changeXML is what became of one machine.
type changeXML struct {
	InstanceID string   `xml:"instanceId"`
	Current    stateXML `xml:"currentState"`
	Previous   stateXML `xml:"previousState"`
}

// changes is the reply to a call that changes states.
type changes struct {
	meta
	Instances items[changeXML] `xml:"instancesSet"`
}

// each changes the machines that the request names: all of them, or none where one of them may not be. The change is
// made by apply, and left out where the machine is where it should be.
func (r *request) each(refuse func(*machine) *apiError, apply func(*machine)) (*changes, *apiError) {
	machines, failure := r.named()
	if failure != nil {
		return nil, failure
	}
	if len(machines) == 0 {
		return nil, bad("InvalidParameterCombination", "No instances specified")
	}
	for _, m := range machines {
		if failure := refuse(m); failure != nil {
			return nil, failure
		}
	}
	if r.dryRun {
		return nil, errDryRun()
	}
	out := &changes{}
	for _, m := range machines {
		previous := stateOf(m.State)
		apply(m)
		out.Instances.Item = append(out.Instances.Item, changeXML{m.ID, stateOf(m.State), previous})
	}
	return out, nil
}

func (r *request) startInstances() (reply, *apiError) {
	return wrap(r.each(func(m *machine) *apiError {
		if m.State != Stopped && !m.State.executes() {
			return errState(m.ID, "started")
		}
		return nil
	}, func(m *machine) {
		if m.State == Stopped {
			r.fleet.boot(m, r.now)
			r.hooks.add(r.hooks.launched, m)
		}
	}))
}

func (r *request) stopInstances() (reply, *apiError) {
	return wrap(r.each(func(m *machine) *apiError {
		switch {
		case m.State == Pending || m.State.gone():
			return errState(m.ID, "stopped")
		case m.Spot && !m.persistent:
			return bad("UnsupportedOperation", "You can't stop the Spot Instance '%s' because it is associated with a "+
				"one-time Spot Instance request.", m.ID)
		}
		return nil
	}, func(m *machine) {
		if m.State == Running {
			r.fleet.change(m, Stopping, UserInitiated, r.now)
			r.hooks.add(r.hooks.stopped, m)
		}
	}))
}

// rebootInstances ends what runs on the machines and boots them again; their state stays what it is.
func (r *request) rebootInstances() (reply, *apiError) {
	_, failure := r.each(func(m *machine) *apiError {
		if !m.State.executes() {
			return errState(m.ID, "rebooted")
		}
		return nil
	}, func(m *machine) {
		r.hooks.add(r.hooks.stopped, m)
		m.Boots++
		r.hooks.add(r.hooks.launched, m)
	})
	if failure != nil {
		return nil, failure
	}
	return &done{Return: true}, nil
}

func (r *request) terminateInstances() (reply, *apiError) {
	return wrap(r.each(func(m *machine) *apiError {
		if m.protected && !m.State.gone() {
			return bad("OperationNotPermitted", "The instance '%s' may not be terminated. Modify its 'disableApiTermination' "+
				"instance attribute and try again.", m.ID)
		}
		return nil
	}, func(m *machine) { r.end(m, UserInitiated) }))
}

// end begins a machine's end.
func (r *request) end(m *machine, why Reason) {
	if m.State.gone() {
		return
	}
	executed := m.State.executes()
	r.fleet.change(m, ShuttingDown, why, r.now)
	if executed {
		r.hooks.add(r.hooks.stopped, m)
	}
}

// wrap keeps a nil *changes from being a reply.
func wrap(c *changes, failure *apiError) (reply, *apiError) {
	if failure != nil {
		return nil, failure
	}
	return c, nil
}

// End takes a machine away without anybody's call: see [SpotInterruption], [HostFailure] and [SelfShutdown]. It is an
// error where no machine has the id; one that is terminated already stays as it is.
func (s *Server) End(id string, why Reason) error {
	err := s.with(id, func(r *request, m *machine) { r.end(m, why) })
	s.hooks.Drain(&s.mu)
	return err
}

// with does something to a machine under the lock.
func (s *Server) with(id string, do func(*request, *machine)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &request{Server: s, now: s.opt.Now()}
	s.fleet.pass(r.now)
	m := s.fleet.byID[id]
	if m == nil {
		return fmt.Errorf("ec2wire: no machine %q", id)
	}
	do(r, m)
	return nil
}

// Machine returns the machine with the id as it is now.
func (s *Server) Machine(id string) (m Machine, ok bool) {
	err := s.with(id, func(_ *request, found *machine) { m = found.snapshot() })
	return m, err == nil
}

// Machines returns every machine that is not forgotten, in the order of launches.
func (s *Server) Machines() []Machine {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fleet.pass(s.opt.Now())
	all := make([]Machine, len(s.fleet.order))
	for i, m := range s.fleet.order {
		all[i] = m.snapshot()
	}
	return all
}

// SetFaults replaces what goes wrong, with fresh buckets and counts. Nonsense is an error, and changes nothing.
func (s *Server) SetFaults(f Faults) error {
	if err := f.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = newFaultState(f, s.opt.Seed)
	return nil
}

// Struck returns how often each of the rules has struck since they were set: a fault that never did has shown nothing.
func (s *Server) Struck() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.struck()
}

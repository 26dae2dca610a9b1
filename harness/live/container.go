package live

import (
	"bytes"
	"context"
	"fmt"
	"time"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/bootrace/bootrace/harness/fault"
	programs "github.com/bootrace/bootrace/harness/live/machine"
)

// container is a machine that is a container.
type container struct {
	site *site
	id   string
}

// callPatience bounds a call to Docker that a fault makes, in real time.
const callPatience = 20 * time.Second

// Kill implements body.
func (c container) Kill() {
	c.site.gone.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), callPatience)
		defer cancel()
		c.site.turn.Lock()
		defer c.site.turn.Unlock()
		c.site.engine.Client.KillContainer(dc.KillContainerOptions{ID: c.id, Context: ctx}) //nolint:errcheck // it has ended already, then
	})
}

// Stop implements body: somebody on the machine stops the agent's process.
func (c container) Stop() error { return c.execute(programs.Stop) }

// Continue implements body.
func (c container) Continue() error { return c.execute(programs.Continue) }

// Pause implements body.
func (c container) Pause() error { return c.site.engine.Client.PauseContainer(c.id) }

// Unpause implements body.
func (c container) Unpause() error { return c.site.engine.Client.UnpauseContainer(c.id) }

// execute signals the agent from within the container.
func (c container) execute(signal string) error {
	ctx, cancel := context.WithTimeout(c.site.world.ctx, callPatience)
	defer cancel()
	client := c.site.engine.Client
	made, err := client.CreateExec(dc.CreateExecOptions{
		Container: c.id, Cmd: []string{programPath, CommandSignal, signal}, AttachStdout: true, AttachStderr: true, Context: ctx,
	})
	if err != nil {
		return fmt.Errorf("executing %s in machine %s: %w", signal, c.id, err)
	}
	var said bytes.Buffer
	if err := client.StartExec(made.ID, dc.StartExecOptions{OutputStream: &said, ErrorStream: &said, Context: ctx}); err != nil {
		return fmt.Errorf("executing %s in machine %s: %w", signal, c.id, err)
	}
	if in, err := client.InspectExec(made.ID); err != nil || in.ExitCode != 0 {
		return fmt.Errorf("executing %s in machine %s: exit %d: %w: %s", signal, c.id, in.ExitCode, err, bytes.TrimSpace(said.Bytes()))
	}
	return nil
}

// programPath is where the image has the program.
const programPath = "/bootrace"

// starvedLimit is the memory of a machine that is short of it: enough for the agent's own few megabytes and those of what
// runs beside it, and less than an agent takes that leaks.
const starvedLimit = 64 << 20

// limit gives the container so much memory, in bytes; 0 is as much as the Engine's host has.
func (s *site) limit(id string, memory int) error {
	if memory == 0 {
		host, err := s.engine.Client.Info()
		if err != nil {
			return fmt.Errorf("asking Docker for its memory: %w", err)
		}
		memory = int(host.MemTotal)
	}
	ctx, cancel := context.WithTimeout(s.world.ctx, callPatience)
	defer cancel()
	if err := s.engine.Client.UpdateContainer(id, dc.UpdateContainerOptions{Memory: memory, MemorySwap: memory, Context: ctx}); err != nil {
		return fmt.Errorf("limiting the memory of machine %s: %w", id, err)
	}
	return nil
}

// starve takes the machine's memory away, and has its agent ask for more than is left. That it was killed for it is the
// Engine's to say.
func (s *site) starve(b *machine) {
	s.complain(b, s.limit(b.id, starvedLimit))
	b.mu.Lock()
	paused := b.paused
	b.mu.Unlock()
	if !paused { // otherwise nothing can be executed in it
		s.complain(b, container{s, b.id}.execute(programs.Leak))
	}
}

// feed gives the machine its memory back.
func (s *site) feed(b *machine) { s.complain(b, s.limit(b.id, 0)) }

// restart restarts the container, and reports whether it did. The agent's end and start are heard of from the Engine.
func (s *site) restart(b *machine) bool {
	b.unpause() // the Engine restarts nothing that is paused
	b.mu.Lock()
	b.restarting = true
	b.mu.Unlock()
	s.turn.Lock()
	err := s.engine.Client.RestartContainer(b.id, 0)
	s.turn.Unlock()
	if err == nil {
		return true
	}
	b.mu.Lock()
	b.restarting = false
	b.mu.Unlock()
	if in, look := s.engine.Client.InspectContainer(b.id); look != nil || !in.State.Running {
		s.died(b.id, s.world.clock.now()) // whoever has ended it came first
	}
	s.complain(b, fmt.Errorf("restarting machine %s: %w", b.id, err))
	return false
}

// complain ends the run because of what could not be done to a machine, unless the machine has ended meanwhile.
func (s *site) complain(b *machine, err error) {
	if err != nil && s.world.ctx.Err() == nil && b.live() {
		s.world.broken("%w", err)
	}
}

// killedForMemory is told that the Engine's kernel killed a program on the machine.
func (s *site) killedForMemory(id string) {
	b := s.world.machineByID(id)
	if b == nil {
		return
	}
	s.world.faults.ask(func(set *fault.Set) {
		if x := set.Starved(b.ws); x != nil {
			set.Strike(x, b.ws)
		}
	})
}

package live

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	dc "github.com/ory/dockertest/v3/docker"

	"github.com/bootrace/bootrace/controller/cloud/docker"
	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/history"
)

// machineID is by which controllers know a container.
func machineID(container string) string { return container[:min(len(container), 12)] }

// listen hears what happens to containers, and notes what happens to machines.
func (s *site) listen() {
	for e := range s.events {
		at := s.world.clock.at(e.At)
		switch e.Action {
		case "start":
			s.started(e.Container, e.Labels, at)
		case "oom":
			s.killedForMemory(machineID(e.Container))
		case "die":
			s.died(machineID(e.Container), at)
		}
	}
	if s.world.ctx.Err() == nil {
		s.world.broken("Docker has stopped sending events")
	}
}

// machine returns the machine of a container that has started. Whoever hears of it first notes it: the events, or the machine
// that asks for its configuration.
func (s *site) machine(full string, labels map[string]string, at time.Duration) *machine {
	w := s.world
	id := machineID(full)
	ws, owner := 0, labels[docker.LabelWorkspace]
	if u, err := uuid.Parse(owner); err == nil {
		ws = w.number(u)
	}
	w.mu.Lock()
	b, known := w.machines[id]
	again := known && !b.live()
	if !known {
		b = &machine{world: w, id: id, ws: ws, process: container{s, id}}
		b.inc, _ = strconv.Atoi(labels[docker.LabelIncarnation]) // whoever launched it without is nobody of the plan's
		w.machines[id] = b
		if ws > 0 {
			w.members[ws-1].machine = b
		}
	}
	w.mu.Unlock()
	if known && !again {
		return b
	}
	if again {
		b.mu.Lock()
		b.ended = false
		b.mu.Unlock()
	}
	b.note(history.Launched, at)
	w.tasks.Go(func() { s.begin(b) })
	return b
}

// started is told that a container has.
func (s *site) started(full string, labels map[string]string, at time.Duration) {
	b := s.machine(full, labels, at)
	b.mu.Lock()
	again := b.restarting
	b.restarting = false
	if again {
		b.up, b.stalled, b.paused = false, false, false
	}
	b.mu.Unlock()
	if again {
		b.note(history.Restarted, at)
		s.world.tasks.Go(func() {
			s.pauseIfDue(b)
			s.hear(b)
		})
	}
}

// pauseIfDue pauses a machine that begins to run while a fault has its workspace's paused.
func (s *site) pauseIfDue(b *machine) {
	if b.pauses() {
		b.pause()
	}
}

// begin does what a machine needs that has just started, and hears it out.
func (s *site) begin(b *machine) {
	w := s.world
	s.turn.Lock()
	err := s.outer.Connect(w.ctx, b.id)
	s.turn.Unlock()
	if err != nil && w.ctx.Err() == nil && b.live() {
		w.broken("machine %s: %w", b.id, err)
		return
	}
	if s.unplugged(b) && s.unplug(b) {
		s.world.faults.ask(func(set *fault.Set) { s.strikeUnplugged(set, b) })
	}
	if b.starves() != nil { // its agent asks for more by itself: see metadataHandler
		s.complain(b, s.limit(b.id, starvedLimit))
	}
	s.pauseIfDue(b)
	s.hear(b)
}

// hear hears out what a machine reports. Where it was heard before it was restarted, the log is read on from there.
func (s *site) hear(b *machine) {
	w := s.world
	s.mu.Lock()
	if s.ears[b.id] == nil {
		s.ears[b.id] = &ear{}
	}
	mine := s.ears[b.id]
	s.mu.Unlock()
	mine.mu.Lock()
	defer mine.mu.Unlock()
	in, out := io.Pipe()
	var read sync.WaitGroup
	read.Go(func() {
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, maxReport)
		for n := 0; lines.Scan(); n++ {
			if n >= mine.lines {
				b.heard(lines.Bytes())
				mine.lines = n + 1
			}
		}
		in.CloseWithError(io.ErrClosedPipe)
	})
	err := s.engine.Client.Logs(dc.LogsOptions{
		Context: w.ctx, Container: b.id, OutputStream: out, ErrorStream: io.Discard, Stdout: true, Follow: true,
	})
	out.Close() //nolint:errcheck // it never fails
	read.Wait()
	var none *dc.NoSuchContainer
	if err != nil && w.ctx.Err() == nil && b.live() && !errors.As(err, &none) && !errors.Is(err, context.Canceled) {
		w.broken("machine %s cannot be heard: %w", b.id, err)
	}
}

// ear is how much of a machine's reports was heard.
type ear struct {
	mu    sync.Mutex // one listener at a time
	lines int
}

// strikeUnplugged notes that the faults that have the machine off the network did.
func (s *site) strikeUnplugged(set *fault.Set, b *machine) {
	for _, x := range set.All {
		if s.unplugs(x) && x.Active(s.world.clock.now()) && x.Hits(b.ws) {
			set.Strike(x, b.ws)
		}
	}
}

// maxReport bounds a line that a machine reports.
const maxReport = 1 << 20

// died notes the end of a machine: terminated where the controller has stopped it.
func (s *site) died(id string, at time.Duration) {
	b := s.world.machineByID(id)
	if b == nil {
		return
	}
	b.mu.Lock()
	again := b.restarting
	b.ended = b.ended || !again
	b.mu.Unlock()
	if again {
		return
	}
	how := history.Died
	s.mu.Lock()
	if s.stopping[id] {
		how = history.Terminated
	}
	s.mu.Unlock()
	s.world.notes.add(at, history.Event{Kind: history.Machine, WS: b.ws, Inc: b.inc, Machine: id, Phase: how})
}

// metadataHandler tells machines what they are, as a cloud's metadata service does. A machine of a workspace that is not the
// plan's, or of a twin, is told nothing and stays dark.
func (s *site) metadataHandler() http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		id := strings.TrimPrefix(r.URL.Path, "/machines/")
		in, err := s.engine.Client.InspectContainerWithContext(id, r.Context())
		if err != nil || in.Config == nil || in.Config.Labels[docker.LabelDeployment] != s.name {
			http.NotFound(out, r)
			return
		}
		b := s.machine(in.ID, in.Config.Labels, s.world.clock.at(in.State.StartedAt))
		if b.ws <= 0 {
			http.NotFound(out, r)
			return
		}
		c := b.config()
		c.Starved = b.starves() != nil
		c.Launched, c.LLM = in.State.StartedAt, s.providersURL()
		if err := s.setPreflight(in.Config.Labels[docker.LabelWorkspace], time.Duration(c.Boot.Preflight), c.Boot.Refusals); err != nil {
			if s.world.ctx.Err() == nil {
				s.world.broken("machine %s: %w", b.id, err)
			}
			return
		}
		json.NewEncoder(out).Encode(c) //nolint:errcheck // who asked is gone, then
	})
}

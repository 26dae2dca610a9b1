package hiccup

import (
	"context"
	"sync"
	"time"
)

// Beat is how often a timer is tried, and Bucket how long a window is.
const (
	Beat   = 50 * time.Millisecond
	Bucket = 250 * time.Millisecond
)

// Options are what a meter measures beside timers.
type Options struct {
	// Report is given every window in which the machine was slow, by one goroutine at a time. Required.
	Report func(Window)
	// Process names the process in the windows.
	Process string
	// Probes are tried again and again, each by a goroutine of its own.
	Probes []Probe
	// Kernel has the kernel asked for this process's waits, and Machine for what it tells of the whole machine.
	Kernel, Machine bool
}

// Probe is a call that should take next to no time.
type Probe struct {
	Source string
	// Nominal is what it may take on a machine that keeps up.
	Nominal time.Duration
	// Do makes the call. One that fails is not counted: why it failed is not known.
	Do func(context.Context) error
}

// Meter measures until it is closed.
type Meter struct {
	options Options
	stop    context.CancelFunc
	running sync.WaitGroup
	mu      sync.Mutex // reports
}

// Start starts a meter. Close it when done.
func Start(o Options) *Meter {
	ctx, stop := context.WithCancel(context.Background())
	m := &Meter{options: o, stop: stop}
	m.running.Go(func() { m.beat(ctx) })
	for _, p := range o.Probes {
		m.running.Go(func() { m.probe(ctx, p) })
	}
	if o.Kernel {
		m.running.Go(func() { m.sample(ctx, newThreads()) })
	}
	if o.Machine {
		m.running.Go(func() { m.sample(ctx, newKernel()...) })
	}
	return m
}

// Close ends the meter, and returns when it has reported all.
func (m *Meter) Close() {
	m.stop()
	m.running.Wait()
}

func (m *Meter) report(w Window) {
	if !w.worthy() {
		return
	}
	w.Process = m.options.Process
	m.mu.Lock()
	defer m.mu.Unlock()
	m.options.Report(w)
}

// bucket gathers what one source measures in a stretch of time.
type bucket struct {
	meter *Meter
	Window
}

// add counts a delay that ended at the time, and reports the window once it is long enough.
func (b *bucket) add(late time.Duration, now time.Time) {
	if b.From.IsZero() {
		b.From = now.Add(-max(late, 0))
	}
	if late > 0 {
		b.From = earlier(b.From, now.Add(-late))
		b.Lost += late
		b.Worst = max(b.Worst, late)
	}
	if now.Sub(b.From) >= Bucket {
		b.flush(now)
	}
}

func (b *bucket) flush(now time.Time) {
	if b.From.IsZero() {
		return
	}
	b.Until = now
	b.Lost = min(b.Lost, b.Span())
	b.meter.report(b.Window)
	b.Window = Window{Source: b.Source, From: now}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// beat tries a timer again and again.
func (m *Meter) beat(ctx context.Context) {
	b := &bucket{meter: m, Window: Window{Source: Timers}}
	due := time.Now().Add(Beat)
	timer := time.NewTimer(Beat)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			b.add(max(0, time.Since(due)), time.Now())
			b.flush(time.Now())
			return
		case <-timer.C:
			now := time.Now()
			b.add(now.Sub(due), now)
			due = now.Add(Beat)
			timer.Reset(Beat)
		}
	}
}

// probe makes a call again and again.
func (m *Meter) probe(ctx context.Context, p Probe) {
	b := &bucket{meter: m, Window: Window{Source: p.Source}}
	defer func() { b.flush(time.Now()) }()
	for ctx.Err() == nil {
		sent := time.Now()
		err := p.Do(ctx)
		now := time.Now()
		switch late := now.Sub(sent) - p.Nominal; {
		case ctx.Err() != nil:
			// It was under way when the meter was closed: it has taken at least that long.
			b.add(max(0, late), now)
		case err == nil:
			b.add(max(0, late), now)
		}
		if !pause(ctx, Bucket/2) {
			return
		}
	}
}

// gauge is something of the kernel's that is read from time to time.
type gauge interface {
	// read returns what was lost since the last reading, as a window of no time, and false where nothing can be told.
	read(span time.Duration) (Window, bool)
}

// sample reads gauges again and again.
func (m *Meter) sample(ctx context.Context, gauges ...gauge) {
	last := time.Now()
	for _, g := range gauges {
		g.read(0)
	}
	for len(gauges) > 0 {
		more := pause(ctx, Bucket)
		now := time.Now()
		for _, g := range gauges {
			if w, ok := g.read(now.Sub(last)); ok {
				w.From, w.Until = last, now
				w.Lost = min(w.Lost, w.Span())
				m.report(w)
			}
		}
		last = now
		if !more {
			return
		}
	}
}

// pause waits, or returns false when the meter is closed.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

package controller

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// metrics counts what a controller does. The hot path's counters are resolved once.
type metrics struct {
	transitions *prometheus.CounterVec
	tickErrors  *prometheus.CounterVec
	beats       *prometheus.CounterVec

	beatsAccepted prometheus.Counter
	beatsRefused  prometheus.Counter
	beatsFailed   prometheus.Counter
	moved         map[lifecycle.Event]prometheus.Counter
}

// newMetrics returns the metrics that the registry exports. Without one nobody will ever read them, and all controllers
// share the same.
func newMetrics(registry prometheus.Registerer) *metrics {
	if registry == nil {
		return unread()
	}
	m := makeMetrics()
	registry.MustRegister(m.transitions, m.tickErrors, m.beats)
	return m
}

var unread = sync.OnceValue(makeMetrics)

func makeMetrics() *metrics {
	m := &metrics{
		transitions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bootrace_transitions_total", Help: "Transitions of workspaces, by lifecycle event.",
		}, []string{"event"}),
		tickErrors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bootrace_tick_errors_total", Help: "Runs of a tick that failed.",
		}, []string{"tick"}),
		beats: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bootrace_heartbeats_total", Help: "Heartbeats, by what became of them.",
		}, []string{"outcome"}),
		moved: map[lifecycle.Event]prometheus.Counter{},
	}
	m.beatsAccepted = m.beats.WithLabelValues("accepted")
	m.beatsRefused = m.beats.WithLabelValues("refused")
	m.beatsFailed = m.beats.WithLabelValues("failed")
	for _, e := range lifecycle.Events() {
		m.moved[e] = m.transitions.WithLabelValues(e.String())
	}
	return m
}

// count counts the transition of an outcome, where there was one.
func (m *metrics) count(o store.Outcome) {
	if o.Moved {
		m.moved[o.Transition.Event].Inc()
	}
}

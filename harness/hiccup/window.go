package hiccup

import "time"

// The sources of windows.
const (
	Timers     = "timers"     // a timer fired late
	RunQueue   = "run queue"  // a thread of the process waited for a processor
	Steal      = "steal"      // the hypervisor gave the processors to others
	Throttling = "throttling" // the control group had used up its quota of processor time
	Pressure   = "pressure"   // tasks of the machine waited for a processor or for storage; Lost is not set
)

// Window is a time in which the machine was slow.
type Window struct {
	Source  string        `json:"source"`
	Process string        `json:"process,omitempty"` // whose process measured it
	From    time.Time     `json:"from"`
	Until   time.Time     `json:"until"`
	Lost    time.Duration `json:"lost"`
	Worst   time.Duration `json:"worst"`
	// Share is, of pressure, the part of the window in which some task waited, from 0 to 1.
	Share float64 `json:"share,omitempty"`
}

// Span is how long the window lasts.
func (w Window) Span() time.Duration { return w.Until.Sub(w.From) }

// Notice is from when on a delay is worth a report: anything shorter is the ordinary course of a machine that keeps up.
// The scheduler of Linux preempts a thread after about 3 ms where two want one processor.
const Notice = 10 * time.Millisecond

// worthy reports whether the window is worth a report.
func (w Window) worthy() bool { return w.Worst >= Notice || w.Share >= noticeShare }

// noticeShare is from when on pressure is worth a report.
const noticeShare = 0.5

package hiccup

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Series merges the windows of several processes: at each moment and for each source, the slowest process counts. It is safe for
// use by several goroutines, and as long as the time that it covers, however many processes report.
type Series struct {
	mu    sync.Mutex
	cells map[cellKey]Window // by stretches of time as long as Bucket
}

type cellKey struct {
	source string
	slot   int64
}

// density is the lost part of the window, from 0 to 1.
func (w Window) density() float64 {
	if w.Source == Pressure {
		return w.Share
	}
	if w.Span() <= 0 {
		return 0
	}
	return float64(w.Lost) / float64(w.Span())
}

// Add adds a window.
func (s *Series) Add(w Window) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cells == nil {
		s.cells = map[cellKey]Window{}
	}
	density := w.density()
	for slot := w.From.UnixNano() / int64(Bucket); slot <= (w.Until.UnixNano()-1)/int64(Bucket); slot++ {
		begin := time.Unix(0, slot*int64(Bucket))
		cell := Window{
			Source: w.Source, Process: w.Process, Worst: w.Worst, Share: w.Share, From: later(begin, w.From),
			Until: earlier(begin.Add(Bucket), w.Until),
		}
		if w.Source != Pressure {
			cell.Lost = time.Duration(density * float64(cell.Span()))
		}
		key := cellKey{w.Source, slot}
		if old, ok := s.cells[key]; ok {
			cell = old.with(cell)
		}
		s.cells[key] = cell
	}
}

// with is the window of two processes in one stretch of time: the one that lost more, for as long as either says.
func (w Window) with(o Window) Window {
	if o.Lost > w.Lost || o.Share > w.Share {
		w, o = o, w
	}
	w.From, w.Until = earlier(w.From, o.From), later(w.Until, o.Until)
	w.Worst, w.Share = max(w.Worst, o.Worst), max(w.Share, o.Share)
	return w
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// similar is by how much the lost parts of neighbours may differ that become one window.
const similar = 0.2

// Windows returns what the machine lost, in order. Neighbours that lost about as much are one window.
func (s *Series) Windows() []Window {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Window, 0, len(s.cells))
	for _, w := range s.cells {
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b Window) int { return cmp.Or(cmp.Compare(a.Source, b.Source), a.From.Compare(b.From)) })
	merged := all[:0]
	for _, w := range all {
		if n := len(merged); n > 0 && merged[n-1].joins(w) {
			last := &merged[n-1]
			if w.Worst > last.Worst {
				last.Worst, last.Process = w.Worst, w.Process
			}
			last.Until, last.Lost, last.Share = w.Until, last.Lost+w.Lost, max(last.Share, w.Share)
			continue
		}
		merged = append(merged, w)
	}
	slices.SortFunc(merged, func(a, b Window) int { return cmp.Or(a.Until.Compare(b.Until), cmp.Compare(a.Source, b.Source)) })
	return merged
}

// joins reports whether the later window goes on where this one ends, and is like it.
func (w Window) joins(next Window) bool {
	difference := w.density() - next.density()
	return w.Source == next.Source && next.From.Sub(w.Until) <= Beat && difference < similar && difference > -similar
}

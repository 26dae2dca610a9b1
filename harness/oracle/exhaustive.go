package oracle

// Replay answers what a [Log] says was answered. Where a run asks for something else, it took another course: the
// rest is answered with 0, and Parted tells.
type Replay struct {
	answers []Asked
	asked   int
	parted  bool
}

// NewReplay returns an oracle that gives the answers, in order.
func NewReplay(answers []Asked) *Replay { return &Replay{answers: answers} }

// Choose implements Oracle.
func (r *Replay) Choose(p Point, n uint64) uint64 {
	i := r.asked
	r.asked++
	if i >= len(r.answers) || r.answers[i].Point != p || r.answers[i].N != n {
		r.parted = true
		return 0
	}
	return r.answers[i].Answer
}

// Parted reports whether the run has asked for what was not recorded.
func (r *Replay) Parted() bool { return r.parted }

// Exhaustive answers, run after run, every combination of answers that there is: a depth-first search without states, for
// what is small. Latencies are none, and identifiers always the same: only order is searched.
type Exhaustive struct {
	path []branch
	at   int
}

type branch struct{ answer, n uint64 }

// NewExhaustive returns an oracle at the first combination.
func NewExhaustive() *Exhaustive { return &Exhaustive{} }

// Choose implements Oracle.
func (e *Exhaustive) Choose(p Point, n uint64) uint64 {
	if p == Latency || p == Ident {
		return 0
	}
	if e.at == len(e.path) {
		e.path = append(e.path, branch{0, n})
	}
	b := e.path[e.at]
	e.at++
	return b.answer
}

// Next goes to the next combination, once a run is over. It reports false where that was the last.
func (e *Exhaustive) Next() bool {
	e.path = e.path[:e.at]
	e.at = 0
	for len(e.path) > 0 {
		last := &e.path[len(e.path)-1]
		if last.answer++; last.answer < last.n {
			return true
		}
		e.path = e.path[:len(e.path)-1]
	}
	return false
}

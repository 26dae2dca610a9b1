package oracle

// Recording is an oracle that writes down what another answers.
type Recording struct {
	Oracle
	Answers []uint64
}

// Choose implements Oracle.
func (r *Recording) Choose(p Point, n uint64) uint64 {
	a := r.Oracle.Choose(p, n)
	r.Answers = append(r.Answers, a)
	return a
}

// Replay answers what was recorded. Where a run asks for more, or for less than was answered, it took another course: the
// rest is answered with 0, and Parted tells.
type Replay struct {
	answers []uint64
	asked   int
	parted  bool
}

// NewReplay returns an oracle that gives the answers, in order.
func NewReplay(answers []uint64) *Replay { return &Replay{answers: answers} }

// Choose implements Oracle.
func (r *Replay) Choose(_ Point, n uint64) uint64 {
	i := r.asked
	r.asked++
	if i >= len(r.answers) || r.answers[i] >= n {
		r.parted = true
		return 0
	}
	return r.answers[i]
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

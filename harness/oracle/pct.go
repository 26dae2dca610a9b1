package oracle

// Picker is an oracle that knows the tasks between which it chooses.
type Picker interface {
	Oracle
	// Pick returns the place of the task that runs next. Tasks are named by numbers that are never used again.
	Pick(tasks []uint64) int
}

// PCT runs the task of the highest priority, and priorities are drawn when tasks begin: the scheduler of probabilistic
// concurrency testing (Burckhardt, Kothari, Musuvathi and Nagarakatte, ASPLOS 2010). A bug that needs d steps in a
// certain order is found with d−1 changes of priority; those are in the plan, as faults of the kind preempt, since a
// task that is held up for a while is one whose priority is the least.
//
// Short latencies are none at all, so that tasks meet and priorities decide; longer ones are drawn as ever.
type PCT struct {
	random     *Random
	priorities map[uint64]uint64
}

// short is the longest latency, in microseconds, that PCT makes none: that of a hop on the network.
const short = 20_000

// NewPCT returns the seed's oracle for the named purpose.
func NewPCT(seed uint64, purpose string) *PCT {
	return &PCT{NewRandom(seed, "pct/"+purpose), map[uint64]uint64{}}
}

// Choose implements Oracle.
func (p *PCT) Choose(at Point, n uint64) uint64 {
	if at == Latency && n <= short {
		return 0
	}
	return p.random.Choose(at, n)
}

// Pick implements Picker.
func (p *PCT) Pick(tasks []uint64) int {
	best, highest := 0, uint64(0)
	for i, id := range tasks {
		priority, known := p.priorities[id]
		if !known {
			priority = p.random.rng.Uint64()
			p.priorities[id] = priority
		}
		if priority >= highest {
			best, highest = i, priority
		}
	}
	return best
}

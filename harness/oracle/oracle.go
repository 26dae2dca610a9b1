package oracle

import (
	"hash/fnv"
	"math/rand/v2"
)

// Point is what a choice is about.
type Point uint8

// The points at which runs make choices.
const (
	Task    Point = iota // which of the tasks that could run next does
	Latency              // how long a hop on the network or a store operation takes
	Replica              // which controller replica a call goes to
	Strike               // whether a fault of some probability strikes
	Ident                // bits of an identifier or a token
)

var pointNames = [...]string{"task", "latency", "replica", "strike", "ident"}

// String returns the point's name.
func (p Point) String() string { return pointNames[p] }

// Oracle answers choices.
type Oracle interface {
	// Choose returns a number below n, which is at least 1. Where n is 1 it is not asked.
	Choose(p Point, n uint64) uint64
}

// Random is the oracle that a seed determines.
type Random struct {
	rng *rand.Rand
}

// NewRandom returns the seed's oracle for the named purpose; one seed gives independent answers to different purposes.
// The generator is PCG, whose output for a seed is fixed by its definition, so that a seed means the same run on every
// machine and with every Go release.
func NewRandom(seed uint64, purpose string) *Random {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	return &Random{rand.New(rand.NewPCG(seed, h.Sum64()))} //nolint:gosec // reproducible on purpose
}

// Choose implements Oracle.
func (r *Random) Choose(_ Point, n uint64) uint64 { return r.rng.Uint64N(n) }

// Reader draws bytes from an oracle, for code that takes its entropy from an io.Reader.
type Reader struct{ Oracle Oracle }

// Read fills b; it cannot fail.
func (r Reader) Read(b []byte) (int, error) {
	for i := 0; i < len(b); i += 4 {
		word := r.Oracle.Choose(Ident, 1<<32)
		for j := i; j < min(i+4, len(b)); j++ {
			b[j] = byte(word)
			word >>= 8
		}
	}
	return len(b), nil
}

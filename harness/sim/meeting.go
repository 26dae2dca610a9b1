package sim

import "time"

// Position is where in a turn of a tick something else happened.
type Position uint8

// The positions.
const (
	Before  Position = iota // it has begun, and none of its steps into the store has taken effect
	Between                 // some have, and others are still to come
	After                   // all have, and the turn is not over

	// Positions is how many there are.
	Positions = int(After) + 1
)

var positionNames = [Positions]string{"before", "between", "after"}

// String returns the position's name.
func (p Position) String() string { return positionNames[p] }

// Meeting is a row that moved while somebody else's tick was at work.
type Meeting struct {
	Workspace int
	Move      int // which of the workspace's moves, from 0
	Tick      string
	Position  Position
}

// turn is one turn of a tick under way.
type turn struct {
	tick  string
	began time.Duration
	found bool // something: it read what it had not read before, wrote, or failed
	steps int  // that have taken effect
	met   []met
}

// met is a move in the middle of a turn.
type met struct{ workspace, move, steps int }

// began notes that a turn of the replica's tick begins.
func (r *replica) began(tick string) *turn {
	var t *turn
	if n := len(r.spare); n > 0 {
		t, r.spare = r.spare[n-1], r.spare[:n-1]
		*t = turn{tick: tick, began: r.world.sched.Now(), met: t.met[:0]}
	} else {
		t = &turn{tick: tick, began: r.world.sched.Now()}
	}
	r.turns = append(r.turns, t)
	return t
}

// over notes that the turn is over, and tells whom it met.
func (r *replica) over(t *turn) {
	for i, other := range r.turns {
		if other == t {
			r.turns = append(r.turns[:i], r.turns[i+1:]...)
			break
		}
	}
	r.spare = append(r.spare, t)
	if r.world.turned != nil && t.steps > 1 {
		r.world.turned(t.tick, t.steps)
	}
	if r.world.meet == nil {
		return
	}
	for _, m := range t.met {
		position := Between
		switch m.steps {
		case 0:
			position = Before
		case t.steps:
			position = After
		}
		r.world.meet(Meeting{m.workspace, m.move, t.tick, position})
	}
}

// stepped counts a step that took effect, where it is a tick's.
func (r *replica) stepped(task string) {
	for _, t := range r.turns {
		if t.tick == task {
			t.steps++
		}
	}
}

// meets notes a move of the workspace in every turn under way but the one that makes it.
func (w *world) meets(workspace, move int) {
	for _, r := range w.replicas {
		for _, t := range r.turns {
			if r != w.byReplica || t.tick != w.by.Name {
				t.met = append(t.met, met{workspace, move, t.steps})
			}
		}
	}
}

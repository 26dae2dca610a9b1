package invariant

import (
	"cmp"
	"slices"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/rules"
)

// sight is something that says where a workspace was at one moment of a time span.
type sight struct {
	from, until history.Time // the moment lies between the two
	to          lifecycle.Status
	event       *history.Event
	sort        sightSort
}

type sightSort uint8

const (
	seenRow   sightSort = iota // a row that was read: it counts
	granted                    // the reply to an operator's call, which is taken at its word
	promised                   // the reply to a pause or hibernate: rows and feed must agree before it counts
	announced                  // an entry of the events feed: hearsay
	widely                     // a call about a workspace above: it says nothing of the status
	sorts
)

// What an order costs. The cheapest order is the most innocent one: where a controller may be right, it is.
const (
	costLegal    = 10   // a move along an edge of the contract
	costByOwn    = 20   // moves that sweeps and agents can make, out of sight
	costOfOthers = 200  // moves that take an operator's call of which there is no reply
	costIllegal  = 1000 // a move that nothing can make
	costUntold   = 50   // an entry of the feed that is not believed
	costDenied   = 120  // one that says the same as the reply to a call
	costUnkept   = 180  // a promise that is not believed
)

// step is what it costs to get from one status to another.
type steps struct {
	rules *rules.Rules
	own   map[lifecycle.Status]map[lifecycle.Status]bool
	any   map[lifecycle.Status]map[lifecycle.Status]bool
}

func newSteps(r *rules.Rules) *steps {
	return &steps{rules: r, own: map[lifecycle.Status]map[lifecycle.Status]bool{}, any: map[lifecycle.Status]map[lifecycle.Status]bool{}}
}

// cost of the move. Only what the operator was granted begins a boot without more ado: for a row that was read, such a move is
// dearer, so that the reply which explains it comes first.
func (c *steps) cost(from, to lifecycle.Status, sort sightSort) int {
	switch {
	case from == to:
		return 0
	case from == lifecycle.None && sort != announced:
		return costLegal
	case c.reaches(c.own, from, to, false):
		if c.rules.Edge(from, to) {
			return costLegal
		}
		return costByOwn
	case c.rules.Edge(from, to) && (sort == granted || sort == promised):
		return costLegal
	case sort == promised:
		return costIllegal // what it was is no status to be put aside from
	case c.reaches(c.any, from, to, true):
		if c.rules.Edge(from, to) && sort == seenRow {
			return costByOwn + 1 // a call whose reply is still on its way, or was about a workspace above
		}
		if sort == granted {
			return costByOwn + 2 // something happened unseen before it
		}
		return costOfOthers
	default:
		return costIllegal
	}
}

// reaches reports whether edges lead from the one to the other: those of the operator's calls included, or not.
func (c *steps) reaches(known map[lifecycle.Status]map[lifecycle.Status]bool, from, to lifecycle.Status, operators bool) bool {
	reached, ok := known[from]
	if !ok {
		reached = map[lifecycle.Status]bool{from: true}
		for more := true; more; {
			more = false
			for _, e := range c.rules.Edges() {
				if reached[e.From] && !reached[e.To] && e.From != lifecycle.None && (operators || !c.ofOperators(e.Event)) {
					reached[e.To], more = true, true
				}
			}
		}
		known[from] = reached
	}
	return reached[to]
}

// ofOperators reports whether nothing but an operator's call licenses the event.
func (c *steps) ofOperators(e lifecycle.Event) bool {
	return !slices.ContainsFunc(c.rules.Licences(e), func(l contract.Licence) bool { return l.Call == "" || agents(l.Call) })
}

// place is how far an order has come: how many sights of each chain are in it, and where the workspace is then.
type place struct {
	taken  [sorts]int
	status lifecycle.Status
}

// best is the cheapest way to a place.
type best struct {
	cost     int
	before   place
	sight    *sight
	believed bool
}

// order puts the sights of one workspace into the most innocent order that their times allow, and says which of them are
// believed. Sights of one sort are in order already: one look follows the other, and so do the entries of a feed.
func order(r *steps, sights []sight) (ordered []*sight, believed []bool) {
	var chains [sorts][]*sight
	for i := range sights {
		s := &sights[i]
		chains[s.sort] = append(chains[s.sort], s)
	}
	replied := map[lifecycle.Status]bool{}
	for _, s := range chains[promised] {
		replied[s.to] = true
	}
	layer := map[place]best{{}: {}}
	var layers []map[place]best
	for range sights {
		layers = append(layers, layer)
		next := map[place]best{}
		for _, at := range sorted(layer) {
			so := layer[at].cost
			// Of what is left, nothing may come before what was over when it began.
			earliest := history.Time(1<<63 - 1)
			for sort, chain := range chains {
				if n := at.taken[sort]; n < len(chain) {
					earliest = min(earliest, chain[n].until)
				}
			}
			for sort, chain := range chains {
				n := at.taken[sort]
				if n == len(chain) || chain[n].from > earliest {
					continue
				}
				s := chain[n]
				to := at
				to.taken[sort]++
				reach := func(p place, cost int, yes bool) {
					if known, ok := next[p]; !ok || so+cost < known.cost {
						next[p] = best{so + cost, at, s, yes}
					}
				}
				switch s.sort {
				case widely:
					reach(to, 0, true)
					continue
				case announced:
					cost := costUntold
					if replied[s.to] {
						cost = costDenied
					}
					reach(to, cost, false)
				case promised:
					reach(to, costUnkept, false)
				}
				cost := r.cost(at.status, s.to, s.sort)
				if s.sort == announced && cost > costByOwn {
					// Hearsay makes no move that only an operator's call or a fault of the controller's can have made. Where a
					// row or a reply is about to say the same, it says so itself.
					continue
				}
				to.status = s.to
				reach(to, cost, true)
			}
		}
		layer = next
	}
	ordered, believed = make([]*sight, len(sights)), make([]bool, len(sights))
	at := sorted(layer)[0]
	for _, p := range sorted(layer) {
		if layer[p].cost < layer[at].cost {
			at = p
		}
	}
	for i := len(sights) - 1; i >= 0; i-- {
		b := layer[at]
		ordered[i], believed[i] = b.sight, b.believed
		at, layer = b.before, layers[i]
	}
	return ordered, believed
}

// sorted returns the places in an order that does not depend on anything but themselves.
func sorted(layer map[place]best) []place {
	all := make([]place, 0, len(layer))
	for p := range layer {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b place) int {
		return cmp.Or(slices.Compare(a.taken[:], b.taken[:]), cmp.Compare(a.status, b.status))
	})
	return all
}

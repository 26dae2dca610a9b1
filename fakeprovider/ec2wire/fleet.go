package ec2wire

import (
	"fmt"
	"slices"
	"time"
)

// fleet is every machine that EC2 knows. It is guarded by the server's lock.
type fleet struct {
	byID  map[string]*machine
	order []*machine // by launch
	seq   uint64
	times Times
	max   int
}

func newFleet(times Times, most int) fleet {
	return fleet{byID: map[string]*machine{}, times: times, max: most}
}

// pass lets time pass: machines come to their states, and what is long terminated is forgotten.
func (f *fleet) pass(now time.Time) {
	for _, m := range f.order {
		m.settle(now, f.times)
	}
	f.order = slices.DeleteFunc(f.order, func(m *machine) bool {
		if !m.forgotten(now, f.times) {
			return false
		}
		delete(f.byID, m.ID)
		return true
	})
}

// room makes room for as many of the wanted machines as it can, by forgetting terminated ones, and returns how many fit.
func (f *fleet) room(wanted int) int {
	missing := len(f.order) + wanted - f.max
	if missing > 0 {
		f.order = slices.DeleteFunc(f.order, func(m *machine) bool {
			if missing == 0 || m.State != Terminated {
				return false
			}
			missing--
			delete(f.byID, m.ID)
			return true
		})
	}
	return min(wanted, f.max-len(f.order))
}

// add gives the machine its identity and makes it known.
func (f *fleet) add(m *machine) {
	f.seq++
	m.seq = f.seq
	m.ID = fmt.Sprintf("i-%017x", f.seq)
	m.PrivateIP = fmt.Sprintf("10.%d.%d.%d", f.seq>>16&255, f.seq>>8&255, f.seq&255)
	f.byID[m.ID] = m
	f.order = append(f.order, m)
}

// tokens remember which client token launched what. They are guarded by the server's lock.
type tokens struct {
	byToken map[string]*launch
	order   []string
	max     int
}

// launch is what a client token stands for. One without machines was tried and had no effect: EC2 binds the token to the
// parameters all the same.
type launch struct {
	fingerprint string
	at          time.Time
	reservation string
	groups      []string
	ids         []string
}

func newTokens(most int) tokens { return tokens{byToken: map[string]*launch{}, max: most} }

func (t *tokens) find(token string) *launch { return t.byToken[token] }

func (t *tokens) remember(token string, l *launch) {
	if t.byToken[token] == nil {
		t.order = append(t.order, token)
	}
	t.byToken[token] = l
}

// pass forgets tokens whose day is over, and the oldest where there are too many.
func (t *tokens) pass(now time.Time) {
	drop := max(0, len(t.order)-t.max)
	for drop < len(t.order) && now.Sub(t.byToken[t.order[drop]].at) >= tokenMemory {
		drop++
	}
	for _, token := range t.order[:drop] {
		delete(t.byToken, token)
	}
	t.order = slices.Delete(t.order, 0, drop)
}

package ec2wire

import (
	"time"
)

// tokens remember which client token launched what. They are guarded by the server's lock.
type tokens struct {
	byToken map[string]*launch
	order   []string // by when it is time to look whether they can be forgotten
	max     int
}

// launch is what a client token stands for. One without machines was tried and had no effect: EC2 binds the token to the
// parameters all the same.
type launch struct {
	fingerprint string
	at          time.Time
	reservation string
	ids         []string
	ended       time.Time // when the last machine so far was terminated
}

func newTokens(most int) tokens { return tokens{byToken: map[string]*launch{}, max: most} }

// find returns what the token stands for, nil where it stands for nothing or its day is over.
func (t *tokens) find(token string, now time.Time, f *fleet) *launch {
	if l := t.byToken[token]; l != nil && !l.over(now, f, false) {
		return l
	}
	return nil
}

// remember has the token stand for the launch from now on.
func (t *tokens) remember(token string, l *launch) {
	if t.byToken[token] == nil {
		t.order = append(t.order, token)
	}
	t.byToken[token] = l
}

// pass forgets tokens whose day is over, and the oldest that no machine has where there are too many. A token's day begins when
// its machines have ended.
func (t *tokens) pass(now time.Time, f *fleet) {
	for range min(2, len(t.order)) { // two a call, so that none is ever behind, and no call is for all of them
		token := t.order[0]
		t.order = t.order[1:]
		if l := t.byToken[token]; !l.over(now, f, len(t.order) >= t.max) {
			t.order = append(t.order, token)
			continue
		}
		delete(t.byToken, token)
	}
}

// over reports whether a token can be forgotten: its day is over, or it is one of too many and no machine has it.
func (l *launch) over(now time.Time, f *fleet, tooMany bool) bool {
	for _, id := range l.ids {
		if m := f.byID[id]; m != nil && m.State != Terminated {
			return false
		}
	}
	return tooMany || now.Sub(later(l.at, l.ended)) >= tokenMemory
}

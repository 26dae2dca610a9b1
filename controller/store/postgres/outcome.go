package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// answer is the result row of a statement made by outcomeOf.
type answer struct {
	found       bool // there is such a workspace
	changed     bool // and the statement changed it
	from, to    lifecycle.Status
	incarnation int
	seq         int64 // of the log's entry; 0 where the workspace did not move
	flag        bool
}

func (a *answer) read(r *row) {
	a.found, a.changed = true, r.bool()
	a.from, a.to, a.incarnation, a.seq, a.flag = r.status(), r.status(), r.int(), r.int64(), r.bool()
}

// outcome says what the statement did.
func (a *answer) outcome(id uuid.UUID, event lifecycle.Event, cause string, now time.Time) store.Outcome {
	out := store.Outcome{Status: a.to, Incarnation: a.incarnation}
	if a.seq != 0 {
		out.Moved = true
		out.Transition = store.Transition{
			Seq: a.seq, WorkspaceID: id, Incarnation: a.incarnation,
			Event: event, From: a.from, To: a.to, Cause: cause, At: cut(now),
		}
	}
	return out
}

// maxTries is how often a call is tried whose row others keep changing under it. Each try that fails means that somebody
// else's transaction did not, so that many in a row are a fault somewhere.
const maxTries = 100

var errContended = errors.New("the row was changed by others each time")

// ask runs a statement made by outcomeOf until its answer is final.
func (s *Store) ask(ctx context.Context, st *statement, arguments func() *params, retry func(*answer) bool) (a answer, err error) {
	for range maxTries {
		a = answer{}
		if err = s.query(ctx, st, arguments(), a.read); err != nil {
			return a, err
		}
		if a.changed || !a.found || !retry(&a) {
			return a, nil
		}
	}
	return a, st.wrap(errContended)
}

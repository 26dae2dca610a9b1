package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

func (s *statements) buildAgent(table *lifecycle.Table) {
	idle := beatStatement(guard{})
	for i := range s.beat {
		s.beat[i] = idle
		if g := newGuard(table, lifecycle.Event(i)); !g.none() {
			s.beat[i] = beatStatement(g)
		}
	}
	s.register = registerStatement(newGuard(table, lifecycle.Register))

	admitted := tokenMatches("$2", "$3")
	s.updateCard = named("update card", outcomeOf(`UPDATE workspaces SET card = $4
WHERE id = $1 AND status <> 'removed' AND `+admitted+`
RETURNING status AS was, status, incarnation, NULL::bigint AS seq, false AS flag`, admitted))
}

// lastSeen is store.LastSeen of what is stored and $4.
var lastSeen = fmt.Sprintf(`last_seen_at = CASE WHEN last_seen_at > $4 AND last_seen_at <= $4 + interval '%d microseconds'
THEN last_seen_at ELSE $4 END`, store.MaxStall.Microseconds())

// beatStatement takes id, nonce, digest, now, and what the beat reports.
func beatStatement(g guard) *statement {
	name := "heartbeat"
	if !g.none() {
		name += " " + g.event.String()
	}
	admitted := tokenMatches("$2", "$3")
	return named(name, outcomeOf(fmt.Sprintf(`UPDATE workspaces SET %s,
%s, error_rate = $5, sample_error = $6, active_tasks = $7, uptime_seconds = $8, current_task = $9,
runtime_state = $10, token_confirmed = token_hash IS NOT NULL
WHERE id = $1 AND status <> 'removed' AND %s
RETURNING was, status, incarnation, %s AS seq, false AS flag`,
		g.move("$4", "''"), lastSeen, admitted, g.log("$4", "''")), admitted))
}

// registerStatement takes id, nonce, digest, now, whether a token was presented, the token to mint, URL and card. Its
// flag is whether it minted, which is whether the token is unconfirmed afterwards.
func registerStatement(g guard) *statement {
	const mints = "(NOT $5::boolean AND NOT token_confirmed)"
	admitted := "(" + mints + " OR " + tokenMatches("$2", "$3") + ")"
	return named("register", outcomeOf(fmt.Sprintf(`UPDATE workspaces SET %s,
%s, url = $7, card = $8,
token_hash = CASE WHEN %s THEN $6 ELSE token_hash END, token_confirmed = NOT %[3]s
WHERE id = $1 AND status <> 'removed' AND %s
RETURNING was, status, incarnation, %s AS seq, NOT token_confirmed AS flag`,
		g.move("$4", "''"), lastSeen, mints, admitted, g.log("$4", "''")), admitted))
}

// admit asks on behalf of an agent: where nothing changed, the flag of the answer says whether the token would do.
func (s *Store) admit(ctx context.Context, st *statement, arguments func() *params) (answer, error) {
	a, err := s.ask(ctx, st, arguments, func(a *answer) bool { return a.flag && a.to != lifecycle.Removed })
	switch {
	case err != nil:
		return a, err
	case !a.found:
		return a, store.ErrNotFound
	case a.changed:
		return a, nil
	case a.to == lifecycle.Removed:
		return a, store.ErrRemoved
	default:
		return a, store.ErrUnauthorized
	}
}

// Heartbeat implements store.Store.
func (s *Store) Heartbeat(ctx context.Context, b store.Beat) (store.Outcome, error) {
	a, err := s.admit(ctx, s.sql.beat[b.Event], func() *params {
		return s.blind.present(args().id(b.ID), b.Token).time(b.Now).float(b.ErrorRate).text(b.SampleError).
			int(b.ActiveTasks).int64(b.UptimeSeconds).text(b.CurrentTask).text(b.RuntimeState)
	})
	if err != nil {
		return store.Outcome{}, err
	}
	return a.outcome(b.ID, b.Event, "", b.Now), nil
}

// Register implements store.Store.
func (s *Store) Register(ctx context.Context, r store.Registration) (store.Outcome, error) {
	a, err := s.admit(ctx, s.sql.register, func() *params {
		return s.blind.present(args().id(r.ID), r.Token).time(r.Now).bool(!r.Token.IsZero()).
			token(r.NewToken).text(r.URL).bytes(r.Card)
	})
	if err != nil {
		return store.Outcome{}, err
	}
	out := a.outcome(r.ID, lifecycle.Register, "", r.Now)
	out.Minted = a.flag
	return out, nil
}

// UpdateCard implements store.Store.
func (s *Store) UpdateCard(ctx context.Context, id uuid.UUID, token store.TokenHash, card json.RawMessage) error {
	_, err := s.admit(ctx, s.sql.updateCard, func() *params {
		return s.blind.present(args().id(id), token).bytes(card)
	})
	return err
}

package explore

import (
	"encoding/binary"
	"hash/maphash"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/store"
)

// seed is of this process: hashes only tell equal from different.
var seed = maphash.MakeSeed()

// encoder writes values so that equal ones, and only those, are equal bytes.
type encoder struct {
	b []byte
	// from is what times count from, and floor how far back they are distinguished (an hour ahead, at most); both zero for
	// times as they are.
	from  time.Time
	floor time.Duration
}

func (e *encoder) sum() uint64 { return maphash.Bytes(seed, e.b) }

func (e *encoder) int(v int) { e.b = binary.AppendVarint(e.b, int64(v)) }

func (e *encoder) bool(v bool) {
	if v {
		e.b = append(e.b, 1)
	} else {
		e.b = append(e.b, 0)
	}
}

func (e *encoder) string(s string) {
	e.int(len(s))
	e.b = append(e.b, s...)
}

func (e *encoder) time(t time.Time) {
	switch {
	case t.IsZero():
		e.int(-1 << 62)
	case e.from.IsZero():
		e.int(int(t.UnixMicro()))
	default:
		e.int(int(min(max(t.Sub(e.from), -e.floor), time.Hour)))
	}
}

// workspace writes a row. Counted from the present, it leaves out what tells only how long ago things were.
func (e *encoder) workspace(w *store.Workspace) {
	present := e.from.IsZero()
	e.b = append(e.b, w.ID[:]...)
	e.string(w.Name)
	e.string(w.URL)
	e.string(string(w.Card))
	e.int(int(w.Status))
	e.int(w.Incarnation)
	e.b = append(e.b, w.Token[:]...)
	e.bool(w.TokenConfirmed)
	e.time(w.LastSeenAt)
	e.time(w.BootStartedAt)
	e.time(w.BootDeadline)
	e.time(w.LaunchAfter)
	e.int(int(w.ErrorRate * 1000))
	e.string(w.SampleError)
	e.string(w.RuntimeState)
	e.string(w.Cause)
	e.string(w.MachineID)
	e.int(w.MachineIncarnation)
	e.string(w.LaunchError)
	if present {
		e.int(w.LaunchAttempts)
		e.time(w.UpdatedAt)
		e.time(w.CreatedAt)
	} else {
		e.int(min(w.LaunchAttempts, 6)) // the backoff is at its longest by then
	}
}

func (e *encoder) workspaces(rows []store.Workspace) {
	e.int(len(rows))
	for i := range rows {
		e.workspace(&rows[i])
	}
}

func (e *encoder) transition(t *store.Transition) {
	e.b = append(e.b, t.WorkspaceID[:]...)
	e.int(t.Incarnation)
	e.int(int(t.Event))
	e.int(int(t.From))
	e.int(int(t.To))
	e.string(t.Cause)
	e.time(t.At)
}

func (e *encoder) machine(m *cloud.Machine) {
	e.string(m.ID)
	e.string(m.WorkspaceID)
	e.int(m.Incarnation)
	e.string(string(m.State))
	if e.from.IsZero() {
		e.time(m.LaunchedAt)
	}
}

// mix folds a value into a hash.
func mix(h, v uint64) uint64 {
	h ^= v + 0x9e3779b97f4a7c15 + h<<6 + h>>2
	h *= 0xff51afd7ed558ccd
	return h ^ h>>32
}

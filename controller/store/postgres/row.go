package postgres

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// row reads the columns of one result row in order, in Postgres' binary format: the counterpart of params. The first
// fault is kept, and everything read after it is zero.
type row struct {
	columns [][]byte
	next    int
	err     error
}

// take returns the next column, which must have the length, and whether it is there and not NULL.
func (r *row) take(length int) ([]byte, bool) {
	if r.next >= len(r.columns) {
		r.fail("column %d of %d", r.next+1, len(r.columns))
		return nil, false
	}
	b := r.columns[r.next]
	r.next++
	if b == nil {
		return nil, false
	}
	if length >= 0 && len(b) != length {
		r.fail("column %d has %d bytes, want %d", r.next, len(b), length)
		return nil, false
	}
	return b, true
}

func (r *row) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("unexpected result: "+format, args...)
	}
}

func (r *row) null() bool {
	return r.next < len(r.columns) && r.columns[r.next] == nil
}

func (r *row) id() (id uuid.UUID) {
	b, _ := r.take(len(id))
	copy(id[:], b)
	return id
}

func (r *row) nullID() uuid.NullUUID {
	valid := !r.null()
	return uuid.NullUUID{UUID: r.id(), Valid: valid}
}

func (r *row) int64() int64 {
	b, ok := r.take(8)
	if !ok {
		return 0
	}
	return int64(binary.BigEndian.Uint64(b))
}

func (r *row) int() int { return int(r.int64()) }

func (r *row) float() float64 { return math.Float64frombits(uint64(r.int64())) }

func (r *row) bool() bool {
	b, ok := r.take(1)
	return ok && b[0] != 0
}

func (r *row) text() string {
	b, _ := r.take(-1)
	return string(b)
}

// bytes copies, since the column's memory is the connection's.
func (r *row) bytes() []byte {
	b, ok := r.take(-1)
	if !ok {
		return nil
	}
	return append([]byte{}, b...)
}

func (r *row) token() (h store.TokenHash) {
	b, _ := r.take(len(h))
	copy(h[:], b)
	return h
}

func (r *row) time() time.Time {
	if r.null() {
		r.next++
		return time.Time{}
	}
	return time.UnixMicro(r.int64() + epoch).UTC()
}

func (r *row) status() lifecycle.Status {
	b, ok := r.take(-1)
	if !ok {
		return lifecycle.None
	}
	s, known := statusOf[string(b)]
	if !known {
		r.fail("%q is no status", b)
	}
	return s
}

func (r *row) event() lifecycle.Event {
	b, ok := r.take(-1)
	if !ok {
		return lifecycle.NoEvent
	}
	e, known := eventOf[string(b)]
	if !known {
		r.fail("%q is no event", b)
	}
	return e
}

var (
	statusOf = byName(lifecycle.Statuses())
	eventOf  = byName(lifecycle.Events())
)

func byName[T fmt.Stringer](all []T) map[string]T {
	named := make(map[string]T, len(all))
	for _, v := range all {
		named[v.String()] = v
	}
	return named
}

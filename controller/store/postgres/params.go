package postgres

import (
	"encoding/binary"
	"math"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/store"
)

// params are one statement's arguments in Postgres' binary format, in order. They are encoded here and not by pgx's type
// map, because that takes a third of a heartbeat's time in the client: it finds each argument's codec by reflection,
// where this package knows every argument's type.
type params struct {
	values [][]byte
	buf    []byte // what values point into; a value keeps the array it was cut from when buf moves on
}

var paramsPool = sync.Pool{New: func() any {
	return &params{values: make([][]byte, 0, 40), buf: make([]byte, 0, 1024)}
}}

// args returns an empty list. The query that it is given to takes it back.
func args() *params {
	p := paramsPool.Get().(*params) //nolint:forcetypeassert // only args are put there
	p.values, p.buf = p.values[:0], p.buf[:0]
	return p
}

func (p *params) free() { paramsPool.Put(p) }

// done ends the value that was appended to buf from start on. The capacity is cut so that no later append reaches it.
func (p *params) done(start int) *params {
	end := len(p.buf)
	p.values = append(p.values, p.buf[start:end:end])
	return p
}

func (p *params) null() *params {
	p.values = append(p.values, nil)
	return p
}

func (p *params) id(id uuid.UUID) *params {
	start := len(p.buf)
	p.buf = append(p.buf, id[:]...)
	return p.done(start)
}

func (p *params) nullID(id uuid.NullUUID) *params {
	if !id.Valid {
		return p.null()
	}
	return p.id(id.UUID)
}

// ids adds an array of one dimension.
func (p *params) ids(ids []uuid.UUID) *params {
	const uuidOID = 2950
	start := len(p.buf)
	for _, n := range [...]int{1, 0, uuidOID, len(ids), 1} { // dimensions, has nulls, type, length, first index
		p.buf = binary.BigEndian.AppendUint32(p.buf, uint32(n))
	}
	for _, id := range ids {
		p.buf = binary.BigEndian.AppendUint32(p.buf, uint32(len(id)))
		p.buf = append(p.buf, id[:]...)
	}
	return p.done(start)
}

func (p *params) int(n int) *params { return p.int64(int64(n)) }

func (p *params) int64(n int64) *params {
	start := len(p.buf)
	p.buf = binary.BigEndian.AppendUint64(p.buf, uint64(n))
	return p.done(start)
}

func (p *params) float(f float64) *params {
	start := len(p.buf)
	p.buf = binary.BigEndian.AppendUint64(p.buf, math.Float64bits(f))
	return p.done(start)
}

func (p *params) bool(b bool) *params {
	start := len(p.buf)
	var bit byte
	if b {
		bit = 1
	}
	p.buf = append(p.buf, bit)
	return p.done(start)
}

// text adds text and enum labels.
func (p *params) text(s string) *params {
	start := len(p.buf)
	p.buf = append(p.buf, clean(s)...)
	return p.done(start)
}

// bytes adds NULL for nil, and only for nil.
func (p *params) bytes(b []byte) *params {
	if b == nil {
		return p.null()
	}
	start := len(p.buf)
	p.buf = append(p.buf, b...)
	return p.done(start)
}

// token adds NULL where there is none.
func (p *params) token(h store.TokenHash) *params {
	if h.IsZero() {
		return p.null()
	}
	return p.bytes(h[:])
}

// time adds NULL for the zero time.
func (p *params) time(t time.Time) *params {
	t = cut(t)
	if t.IsZero() {
		return p.null()
	}
	return p.int64(t.UnixMicro() - epoch)
}

// epoch is where Postgres' timestamps begin, 2000-01-01, in microseconds since 1970.
const epoch = 946_684_800_000_000

// cut brings a time to what every store keeps: UTC, microseconds.
func cut(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// clean brings a text to what Postgres can keep: UTF-8 without NUL. An agent can send both kinds of fault (an error
// message with "\u0000" in it is valid JSON), and its heartbeats must not be refused for it.
func clean(s string) string {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}

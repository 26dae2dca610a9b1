package bubble

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

// What a frontend sends before the first typed message.
const (
	protocol3     = 3 << 16
	cancelRequest = 80877102
	sslRequest    = 80877103
	gssRequest    = 80877104
)

// outgoing collects what a driver writes, until it is something that Postgres answers.
type outgoing struct {
	buf     []byte
	started bool
	texts   map[string]string // of prepared statements, by name
}

// batch is messages that belong together: Postgres answers them with as many ReadyForQuery as are owed.
type batch struct {
	bytes []byte
	owed  int
	// plain is set where it is no query: a start, a cancellation, an end.
	plain bool
	code  uint32 // of a message before the first typed one
	text  string // of the statement that tells most
	op    string // its first word
	first byte   // the first message's type
	runs  bool   // it executes something
}

// add takes more bytes in, and returns the batches that are complete.
func (o *outgoing) add(p []byte) []batch {
	o.buf = append(o.buf, p...)
	var done []batch
	for {
		b, ok := o.next()
		if !ok {
			return done
		}
		done = append(done, b)
	}
}

func (o *outgoing) next() (batch, bool) {
	if !o.started {
		if len(o.buf) < 8 {
			return batch{}, false
		}
		n, code := binary.BigEndian.Uint32(o.buf), binary.BigEndian.Uint32(o.buf[4:])
		if uint32(len(o.buf)) < n {
			return batch{}, false
		}
		b := batch{bytes: o.take(int(n)), plain: true, code: code}
		if code == protocol3 {
			o.started, b.owed = true, 1
		}
		return b, true
	}
	end, b := 0, batch{}
	for {
		rest := o.buf[end:]
		if len(rest) < 5 {
			return batch{}, false
		}
		kind, n := rest[0], int(binary.BigEndian.Uint32(rest[1:]))
		if len(rest) < 1+n {
			return batch{}, false
		}
		if end == 0 {
			b.first = kind
		}
		body := rest[5 : 1+n]
		end += 1 + n
		switch kind {
		case 'Q':
			b.says(cString(body))
			b.owed, b.runs = 1, true
		case 'P':
			name := cString(body)
			sql := cString(body[len(name)+1:])
			o.texts[name] = sql
			b.says(sql)
		case 'B':
			portal := cString(body)
			b.says(o.texts[cString(body[len(portal)+1:])])
		case 'E', 'F':
			b.runs = true
		case 'S':
			b.owed = 1
		case 'X', 'p': // an end, or a password
			b.plain = true
		case 'H', 'd', 'c', 'f': // a flush, or what a COPY sends
			b.plain = true
		}
		if b.owed > 0 || b.plain {
			b.bytes = o.take(end)
			return b, true
		}
	}
}

// take takes so many bytes off the front.
func (o *outgoing) take(n int) []byte {
	p := o.buf[:n:n]
	o.buf = append([]byte(nil), o.buf[n:]...)
	return p
}

// says notes a statement of the batch. One that writes tells more than one that reads.
func (b *batch) says(sql string) {
	if b.text == "" || !writes(b.text) && writes(sql) {
		b.text, b.op = strings.Join(strings.Fields(sql), " "), firstWord(sql)
	}
}

// writes reports whether the statement may write rows.
func writes(sql string) bool {
	lower := strings.ToLower(sql)
	for _, verb := range []string{"insert", "update", "delete", "merge", "truncate", "copy", "call", "do $"} {
		if strings.Contains(lower, verb) {
			return true
		}
	}
	return false
}

// quiet reports whether the batch changes nothing that others can see: it connects, or prepares a statement. Which goroutine has to
// do that depends on which connection a pool gives to whom.
func (b *batch) quiet() bool {
	return b.code == protocol3 || b.code == 0 && !b.plain && !b.runs || b.first == 'p'
}

// startup is what a connection is opened with, in an order: drivers have it in a map.
func (b *batch) startup() string {
	words := strings.Split(string(b.bytes[8:]), "\x00")
	var all []string
	for i := 0; i+1 < len(words); i += 2 {
		all = append(all, words[i]+"="+words[i+1])
	}
	slices.Sort(all)
	return strings.Join(all, "\x00")
}

// verb is what the statement does, in a word or two.
func (b *batch) verb() string {
	switch {
	case b.code == protocol3:
		return "connect"
	case b.text == "":
		return "query"
	}
	return cmp.Or(b.op, "query")
}

// firstWord is the first word of the statement, after its comments, in small letters.
func firstWord(sql string) string {
	for sql = strings.TrimLeft(sql, " \t\r\n(;"); strings.HasPrefix(sql, "--") || strings.HasPrefix(sql, "/*"); {
		sql = strings.TrimLeft(sql[skip(sql):], " \t\r\n(;")
	}
	return strings.ToLower(sql[:word(sql)])
}

// virtual replaces the clock keywords in the batch's statements.
func (b *batch) virtual() {
	if b.plain || !mayReadClock(string(b.bytes)) {
		return
	}
	var out []byte
	for rest := b.bytes; len(rest) > 0; {
		n := 1 + int(binary.BigEndian.Uint32(rest[1:]))
		kind, body := rest[0], rest[5:n]
		switch kind {
		case 'Q':
			out = message(out, kind, append([]byte(virtual(cString(body))), 0))
		case 'P':
			name := cString(body)
			sql := cString(body[len(name)+1:])
			tail := body[len(name)+1+len(sql)+1:]
			changed := append([]byte(name), 0)
			changed = append(append(changed, virtual(sql)...), 0)
			out = message(out, kind, append(changed, tail...))
		default:
			out = append(out, rest[:n]...)
		}
		rest = rest[n:]
	}
	b.bytes = out
}

// message appends a message of the type.
func message(out []byte, kind byte, body []byte) []byte {
	out = append(out, kind)
	out = binary.BigEndian.AppendUint32(out, uint32(4+len(body)))
	return append(out, body...)
}

// cString is the text up to the first zero byte.
func cString(p []byte) string {
	for i, c := range p {
		if c == 0 {
			return string(p[:i])
		}
	}
	return string(p)
}

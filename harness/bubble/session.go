package bubble

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"golang.org/x/sys/unix"
)

// session is one connection to Postgres. It is used by the scheduler's goroutine alone, and in plain system calls: while Postgres
// works, virtual time stands still.
type session struct {
	file *os.File
	fd   int
	pid  uint32
	in   []byte
	// status is the transaction's, from the last ReadyForQuery: 'I', 'T' or 'E'.
	status byte
	wrote  bool     // rows, perhaps, since the transaction began
	looks  string   // for deadlocks, and when
	texts  []string // the statements of the transaction, and when they came
	copies bool     // it is in the middle of a COPY
	set    bool     // the statement that sets the clock is prepared
	// startup and greeting are what the connection was opened with, and what Postgres said to that.
	startup  string
	greeting []byte
	// telling is set while the answer to the setting of the clock has not come.
	telling bool
}

// open connects to the server.
func open(c *pgconn.Config) (*session, error) {
	network, address := "tcp", net.JoinHostPort(c.Host, fmt.Sprint(c.Port))
	if strings.HasPrefix(c.Host, "/") {
		network, address = "unix", fmt.Sprintf("%s/.s.PGSQL.%d", c.Host, c.Port)
	}
	plain, err := net.Dial(network, address) //nolint:noctx // it is on this machine
	if err != nil {
		return nil, err
	}
	defer plain.Close() //nolint:errcheck // the file is another handle
	filer, ok := plain.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, fmt.Errorf("a %s connection has no file", network)
	}
	f, err := filer.File()
	if err != nil {
		return nil, err
	}
	fd := int(f.Fd())
	if err := unix.SetNonblock(fd, false); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &session{file: f, fd: fd, status: 'I'}, nil
}

func (s *session) close() { s.file.Close() } //nolint:errcheck // nobody is interested any more

// send writes all of it.
func (s *session) send(p []byte) error {
	for len(p) > 0 {
		n, err := unix.Write(s.fd, p)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if n > 0 {
			p = p[n:]
		}
	}
	return nil
}

// When a statement that waits for a lock looks for a deadlock.
const (
	neverLooks  = "1h"
	looksAtOnce = "1ms"
)

// setClock is the name of the prepared statement and of the portal by which the clock is set.
const setClock = "_bootrace_clock"

// setClockSQL sets the time of the statement, and that of the transaction where it begins.
const setClockSQL = `select set_config('bootrace.clock', $1, false),
	set_config('bootrace.now', case when $2 = 'I' then $1 else current_setting('bootrace.now') end, false),
	set_config('deadlock_timeout', $3, false)`

// prepare has Postgres know how the clock is set.
func (s *session) prepare() error {
	_, err := s.ask(&pgproto3.Parse{Name: setClock, Query: setClockSQL}, &pgproto3.Sync{})
	s.set = err == nil
	return err
}

// reset makes the session what it was when it was opened, and reports whether that could be done. Another connection can be given it
// then: to open one anew costs Postgres a hundred times as much.
func (s *session) reset() bool {
	if s.greeting == nil || s.telling || len(s.in) > 0 || s.copies {
		return false
	}
	ask := []pgproto3.FrontendMessage{&pgproto3.Query{String: "rollback"}, &pgproto3.Query{String: "discard all"},
		&pgproto3.Parse{Name: setClock, Query: setClockSQL}, &pgproto3.Sync{}}
	if s.status == 'I' {
		ask = ask[1:]
	}
	answer, err := s.ask(ask...)
	if err != nil || s.status != 'I' || len(s.in) > 0 {
		return false
	}
	for len(answer) > 0 {
		if answer[0] == 'E' {
			return false
		}
		answer = answer[1+binary.BigEndian.Uint32(answer[1:]):]
	}
	s.wrote, s.looks, s.texts, s.set = false, "", nil, true
	return true
}

// ask sends the messages, and reads the answers to all of them, however long they take.
func (s *session) ask(all ...pgproto3.FrontendMessage) ([]byte, error) {
	var out []byte
	owed := 0
	for _, m := range all {
		var err error
		if out, err = m.Encode(out); err != nil {
			return nil, err
		}
		switch m.(type) {
		case *pgproto3.Query, *pgproto3.Sync:
			owed++
		}
	}
	if err := s.send(out); err != nil {
		return nil, err
	}
	for {
		if n := s.answered(owed); n > 0 {
			answer := s.in[:n:n]
			s.in = append([]byte(nil), s.in[n:]...)
			return answer, nil
		}
		if _, err := s.read(-1); err != nil {
			return nil, err
		}
	}
}

// tells are the messages that set the connection's clock ahead of the batch, or none where nothing of it can read the clock. They are
// an exchange of their own, in an extended query with a named statement: anything else would end what a driver has prepared without
// a name.
//
// With the clock it is set whether the statement looks for a deadlock. Only one that comes while others wait for locks can close a
// circle, and only it looks: so it is the same one in every run that Postgres ends.
func (s *session) tells(now time.Time, b *batch, others bool) ([]byte, error) {
	looks := neverLooks
	if others {
		looks = looksAtOnce
	}
	switch s.status {
	case 'E': // a failed transaction reads no clock, and waits for nothing
		return nil, nil
	case 'T': // now() is when the transaction began
		if !readsClock(b.text) && looks == s.looks {
			return nil, nil
		}
	}
	s.looks = looks
	var out []byte
	text := now.UTC().Format("2006-01-02 15:04:05.999999") + "+00"
	for _, m := range []pgproto3.FrontendMessage{
		&pgproto3.Bind{DestinationPortal: setClock, PreparedStatement: setClock, Parameters: [][]byte{[]byte(text), {s.status}, []byte(looks)}},
		&pgproto3.Execute{Portal: setClock},
		&pgproto3.Close{ObjectType: 'P', Name: setClock},
		&pgproto3.Sync{},
	} {
		var err error
		if out, err = m.Encode(out); err != nil {
			return nil, err
		}
	}
	s.telling = true
	return out, nil
}

// readsClock reports whether the statement may read the time at which it runs, as opposed to that of its transaction. What a function
// of the controller's own reads is not seen: it has the time of the transaction's last statement that is.
func readsClock(sql string) bool {
	lower := strings.ToLower(sql)
	return strings.Contains(lower, "timestamp(") || strings.Contains(lower, "timeofday")
}

// told takes the answer to the setting of the clock off what has come, and reports whether it was there.
func (s *session) told() (bool, error) {
	status := s.status
	n := s.answered(1)
	if n == 0 {
		return false, nil
	}
	answer := s.in[:n]
	s.in, s.status, s.telling = append([]byte(nil), s.in[n:]...), status, false
	if answer[0] == 'E' {
		return false, fmt.Errorf("setting the virtual clock of a connection: %s", errorText(answer))
	}
	return true, nil
}

// read reads what has come, after waiting for it so long at the most, and reports whether something came. A negative wait has no end.
func (s *session) read(wait time.Duration) (bool, error) {
	poll := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}
	ms := -1
	if wait >= 0 {
		ms = int(wait / time.Millisecond)
	}
	n, err := unix.Poll(poll, ms)
	if errors.Is(err, unix.EINTR) {
		return false, nil
	}
	if err != nil || n == 0 {
		return false, err
	}
	buf := make([]byte, 16<<10)
	n, err = unix.Read(s.fd, buf)
	switch {
	case errors.Is(err, unix.EINTR):
		return false, nil
	case err != nil:
		return false, err
	case n <= 0:
		return false, io.EOF
	}
	s.in = append(s.in, buf[:n]...)
	return true, nil
}

// answered is how long the answer is once it has so many ReadyForQuery, or 0 where it is not whole yet. It notes what they say.
func (s *session) answered(owed int) int {
	for end := 0; ; {
		rest := s.in[end:]
		if len(rest) < 5 {
			return 0
		}
		kind, n := rest[0], int(binary.BigEndian.Uint32(rest[1:]))
		if len(rest) < 1+n {
			return 0
		}
		body := rest[5 : 1+n]
		end += 1 + n
		switch kind {
		case 'K':
			s.pid = binary.BigEndian.Uint32(body)
		case 'R': // authentication: a password is asked for in the middle of the start
			if binary.BigEndian.Uint32(body) != 0 {
				return end
			}
		case 'G', 'W', 'H': // COPY goes on from here
			s.copies = true
			return end
		case 'Z':
			s.status, s.copies = body[0], false
			if owed--; owed <= 0 {
				return end
			}
		}
	}
}

// errorText is the message of the error that the answer begins with.
func errorText(answer []byte) string {
	var e pgproto3.ErrorResponse
	if err := e.Decode(answer[5 : 1+binary.BigEndian.Uint32(answer[1:])]); err != nil {
		return err.Error()
	}
	return e.Code + " " + e.Message
}

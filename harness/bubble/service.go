package bubble

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/bootrace/bootrace/harness/sim"
)

// Service is something that the controller talks to beside its database, such as Redis. It runs outside of the bubble: what is sent to
// it is a step of the schedule, and virtual time stands still until it has answered.
type Service struct {
	// Addr is where it really listens.
	Addr string
	// Protocol tells its messages apart.
	Protocol Protocol
	// Pass tells it what time it is, where it has to know; d is how long that is since the last time.
	Pass func(now time.Time, d time.Duration)
	// Close ends it after the run.
	Close func()
}

// Protocol tells a service's messages apart. [Redis] is one.
type Protocol interface {
	// Request reads the request that p begins with. It returns none where that is not whole yet.
	Request(p []byte) (*Request, error)
	// Answer is how long the message is that p, which the service sent, begins with, or 0 where it is not whole yet; and whether it was
	// sent without having been asked for. last is the request that was sent last on the connection.
	Answer(p []byte, last *Request) (n int, unasked bool)
}

// Request is what a client sends at once.
type Request struct {
	Len     int    // in bytes
	Verb    string // such as "set"
	Text    string // for reports
	Answers int    // that it gets
	// Quiet is set where nobody else can tell whether it was sent: it is no step of the schedule.
	Quiet bool
	// Spreads has the first answer, a number, say how many connections get a message for it.
	Spreads func(answer []byte) int
}

// service is one that runs.
type service struct {
	Service
	spawn  chan<- func()        // runs it on a goroutine outside of the bubble
	fresh  <-chan chan struct{} // gives channels that were made there: to wait for one stops virtual time
	passed time.Time            // what time it was told last

	mu     sync.Mutex
	links  []*link // in the order of first use
	came   chan struct{}
	pushes int // unasked messages, ever
}

// services starts those of the target, and returns what ends them. It is called outside of the bubble.
func (b Target) services() (map[string]*service, func(), error) {
	all := map[string]*service{}
	spawn := make(chan func())
	fresh := make(chan chan struct{})
	go func() {
		for {
			select {
			case f, more := <-spawn:
				if !more {
					return
				}
				go f()
			case fresh <- make(chan struct{}, 1):
			}
		}
	}()
	end := func() {
		for _, s := range all {
			for _, l := range s.links {
				l.disconnect()
			}
			if s.Close != nil {
				s.Close()
			}
		}
		close(spawn)
	}
	for addr, start := range b.Services {
		if _, err := netip.ParseAddrPort(addr); err != nil { // Go's resolver keeps what belongs to one bubble
			end()
			return nil, nil, fmt.Errorf("a service has an address of numbers, such as 127.0.0.1:6379, and no name: %w", err)
		}
		s, err := start()
		if err != nil {
			end()
			return nil, nil, fmt.Errorf("starting the service at %s: %w", addr, err)
		}
		all[addr] = &service{Service: s, spawn: spawn, fresh: fresh, came: make(chan struct{}, 1)}
	}
	return all, end, nil
}

// link is a controller's connection to a service.
type link struct {
	pipe
	gate    *gate
	replica *replica
	service *service
	name    int
	real    net.Conn
	out     []byte
	queue   []*parking // requests that were written; the first is the step under way

	// Under the service's mutex: what came and nobody has taken, whole messages each, and why no more will.
	came             chan struct{}
	answers, unasked [][]byte
	ended            error
	last             *Request
}

func (g *gate) newLink(r *replica, s *service) *link {
	l := &link{pipe: newPipe(), gate: g, replica: r, service: s}
	g.mu.Lock()
	r.conns = append(r.conns, l)
	g.mu.Unlock()
	return l
}

// Write implements net.Conn. It returns at once, since clients may hold a lock meanwhile: what it wrote is sent in a step of its own.
func (l *link) Write(p []byte) (int, error) {
	if err := l.err(); err != nil {
		return 0, err
	}
	l.out = append(l.out, p...)
	var all []*Request
	n := 0
	for n < len(l.out) {
		q, err := l.service.Protocol.Request(l.out[n:])
		if err != nil {
			l.fail(err)
			return 0, err
		}
		if q == nil {
			break
		}
		all = append(all, q)
		n += q.Len
	}
	if len(all) == 0 {
		return len(p), nil
	}
	bytes := l.out[:n:n]
	l.out = append([]byte(nil), l.out[n:]...)
	l.exchange(all, bytes)
	return len(p), nil
}

// exchange has the requests be a step, which comes after those before it on the connection.
func (l *link) exchange(all []*Request, bytes []byte) {
	x := &sim.Step{Op: all[0].Verb, Text: all[0].Text}
	quiet := true
	for _, q := range all {
		quiet = quiet && q.Quiet
		if q.Quiet {
			continue
		}
		x.Op, x.Text = q.Verb, q.Text
	}
	if quiet { // as the client connects, which some do while they hold a lock
		answer, err := l.ask(all, bytes)
		if err != nil {
			l.sever(err)
		}
		l.give(answer)
		return
	}
	x.Text += fmt.Sprintf(" at +%s", now().Round(time.Millisecond))
	var call int
	x.Author, call = l.gate.author(l.replica)
	var answer []byte
	var failed error
	x.Do = func() bool {
		answer, failed = l.ask(all, bytes)
		return true
	}
	x.Deliver = func() {
		if failed != nil {
			l.sever(failed)
		}
		l.give(answer)
		l.next()
	}
	x.Fail = func(error) { l.sever(errDropped) }
	l.mu.Lock()
	l.queue = append(l.queue, &parking{
		by: x.Author, call: call, name: func() int { return l.name }, text: x.Text, bytes: bytes,
		start: func() { l.gate.site.Take(x) }, early: func() { x.Do(); x.Deliver() }, fail: x.Fail,
	})
	head := l.queue[0]
	first := len(l.queue) == 1
	l.mu.Unlock()
	if first {
		l.gate.park(head)
	}
}

// next has the request wait to be chosen that was written after the one that is done.
func (l *link) next() {
	l.mu.Lock()
	l.queue = l.queue[1:]
	var head *parking
	if len(l.queue) > 0 {
		head = l.queue[0]
	}
	l.mu.Unlock()
	if head != nil {
		l.gate.park(head)
	}
}

// ask sends the requests and waits for the answers. It is called from the scheduler's goroutine.
func (l *link) ask(all []*Request, bytes []byte) ([]byte, error) {
	if err := l.err(); err != nil {
		return nil, err
	}
	if err := l.connect(); err != nil {
		return nil, err
	}
	s := l.service
	s.mu.Lock()
	if now := time.Now(); s.Pass != nil {
		if s.passed.IsZero() {
			s.passed = now
		}
		s.Pass(now, now.Sub(s.passed))
		s.passed = now
	}
	before := s.pushes
	l.last = all[len(all)-1]
	s.mu.Unlock()
	if _, err := l.real.Write(bytes); err != nil {
		return nil, err
	}
	owed := 0
	for _, q := range all {
		owed += q.Answers
	}
	var answers [][]byte
	err := s.until(l.came, func() (bool, error) {
		if len(l.answers) < owed {
			return false, l.ended
		}
		answers, l.answers = l.answers[:owed:owed], l.answers[owed:]
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	var answer []byte
	spread := 0
	i := 0
	for _, q := range all {
		if q.Spreads != nil && q.Answers > 0 {
			spread += q.Spreads(answers[i])
		}
		i += q.Answers
	}
	for _, a := range answers {
		answer = append(answer, a...)
	}
	if err := s.until(s.came, func() (bool, error) { return s.pushes-before >= spread, nil }); err != nil {
		return nil, err
	}
	return answer, nil
}

// until waits until it is so, while virtual time stands still.
func (s *service) until(came <-chan struct{}, so func() (bool, error)) error {
	for {
		s.mu.Lock()
		ok, err := so()
		s.mu.Unlock()
		if ok || err != nil {
			return err
		}
		<-came
	}
}

// connect makes the real connection, whose messages are read outside of the bubble.
func (l *link) connect() error {
	if l.real != nil {
		return nil
	}
	c, err := net.Dial("tcp", l.service.Addr) //nolint:noctx // it is on this machine
	if err != nil {
		return err
	}
	l.real = c
	s := l.service
	l.came = <-s.fresh
	s.mu.Lock()
	s.links = append(s.links, l)
	l.name = len(s.links)
	s.mu.Unlock()
	s.spawn <- l.receive
	return nil
}

// receive reads what the service sends, to the end.
func (l *link) receive() {
	s := l.service
	buf := make([]byte, 16<<10)
	var in []byte
	for {
		n, err := l.real.Read(buf)
		in = append(in, buf[:n]...)
		s.mu.Lock()
		for len(in) > 0 {
			n, unasked := s.Protocol.Answer(in, l.last)
			if n == 0 {
				break
			}
			if m := append([]byte(nil), in[:n]...); unasked {
				l.unasked = append(l.unasked, m)
				s.pushes++
			} else {
				l.answers = append(l.answers, m)
			}
			in = in[n:]
		}
		if err != nil {
			l.ended = errors.Join(io.ErrUnexpectedEOF, err)
		}
		s.mu.Unlock()
		for _, c := range []chan struct{}{l.came, s.came} {
			select {
			case c <- struct{}{}:
			default:
			}
		}
		if err != nil {
			return
		}
	}
}

// deliver has each message that came unasked be a step, in which its connection gets it.
func (g *gate) deliver() {
	for _, addr := range slices.Sorted(maps.Keys(g.services)) {
		s := g.services[addr]
		s.mu.Lock()
		links := s.links
		s.mu.Unlock()
		for _, l := range links {
			s.mu.Lock()
			all := l.unasked
			l.unasked = nil
			s.mu.Unlock()
			for _, m := range all {
				g.push(l.replica, l, &l.pipe, m)
			}
		}
	}
}

// push has the connection get the message in a step of its own. Those of one connection keep their order.
func (g *gate) push(r *replica, c severable, p *pipe, m []byte) {
	if r.dead || p.err() != nil {
		return
	}
	p.pushed = append(p.pushed, m)
	give := func() {
		if len(p.pushed) > 0 {
			p.give(p.pushed[0])
			p.pushed = p.pushed[1:]
		}
	}
	x := &sim.Step{Author: sim.Author{Replica: r.number, Task: "message"}, Op: "message", Text: "a message"}
	x.Do = func() bool { give(); return true }
	x.Deliver = func() {}
	x.Fail = func(error) { c.sever(errDropped) }
	if g.running {
		g.site.Take(x)
	} else {
		give()
	}
}

// sever implements severable.
func (l *link) sever(why error) {
	l.fail(why)
	l.disconnect()
}

func (l *link) disconnect() {
	if l.real != nil {
		l.real.Close() //nolint:errcheck // nobody is interested any more
	}
}

// Close implements net.Conn.
func (l *link) Close() error {
	if !l.shut() {
		return nil
	}
	by, call := l.gate.author(l.replica)
	end := func() { l.sever(net.ErrClosed) }
	l.gate.park(&parking{by: by, call: call, name: func() int { return l.name }, quiet: true, start: end, early: end, fail: func(error) { end() }})
	return nil
}

package llm

import (
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
)

// completion answers a completion: as late, and as badly, as was drawn or set.
func (s *Server) completion(st style) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer s.told.Drain(&s.mu)
		c, problem := s.identify(r)
		var q request
		if problem == nil {
			q, problem = readRequest(w, r, st)
		}
		if problem != nil {
			s.refuse(w, r, st, problem)
			return
		}
		d, call := s.begin(c, q)
		if !s.opt.Wait(r.Context(), s.opt.real(d.takes)) {
			s.end(call)
			// The client has gone, or the server is about to: either way there is no answer, which net/http has to be told.
			panic(http.ErrAbortHandler)
		}
		problem = s.judge(&d, st)
		call.Status, call.Fault = http.StatusOK, d.fault
		if problem != nil {
			call.Status = problem.status
		}
		s.end(call)
		if problem != nil {
			s.refuse(w, r, st, problem)
			return
		}
		s.answer(w, st, q)
	}
}

func readRequest(w http.ResponseWriter, r *http.Request, st style) (request, *failure) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return request{}, fail(http.StatusRequestEntityTooLarge, "The request is larger than %d bytes", maxBody)
	}
	if err != nil {
		return request{}, fail(http.StatusBadRequest, "The request could not be read")
	}
	q, problem := st.read(r, body)
	q.size = len(body)
	return q, problem
}

// begin counts the completion and decides over it.
func (s *Server) begin(c caller, q request) (decision, Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.decide(c)
	s.log.of(c.provider).UnderWay++
	return d, Call{
		At: s.opt.Now(), Provider: c.provider, Workspace: c.workspace, Number: d.number, Model: q.model, Takes: Duration(d.takes),
		Fault: d.fault,
	}
}

// judge returns how the completion fails, or nil. The provider must be there when the answer comes, too.
func (s *Server) judge(d *decision, st style) *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.status == http.StatusOK && s.down(d.caller) {
		d.status, d.fault = http.StatusServiceUnavailable, Outage
	}
	switch d.status {
	case http.StatusOK:
		return nil
	case http.StatusTooManyRequests:
		return fail(d.status, "Rate limit reached. Please try again later.")
	case http.StatusServiceUnavailable:
		return outage()
	default:
		return fail(st.overloaded(), "The server had an error while processing your request")
	}
}

func outage() *failure {
	return fail(http.StatusServiceUnavailable, "The service is unavailable. Please try again later.")
}

func (s *Server) end(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.add(c)
	s.told.Add(s.opt.Answered, c)
}

func (s *Server) answer(w http.ResponseWriter, st style, q request) {
	n := s.number()
	header, id := st.requestID(n)
	w.Header().Set(header, id)
	created := s.opt.Now().Unix()
	if q.stream {
		stream(w, st.events(q, id, created))
		return
	}
	serving.WriteJSON(w, http.StatusOK, st.completion(q, id, created))
}

// seconds is a Retry-After: rounded up, as a client that comes too early is refused again.
func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }

func milliseconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Millisecond-1)/time.Millisecond), 10)
}

package live

import (
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/fakeprovider/llm"
	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/plan"
)

// preflights is the LLM providers with the plan's faults in front of them. Those may strike some occurrences of some
// workspaces' preflights, in the same way as in every world, so they are decided here and not in package llm.
type preflights struct {
	world  *world
	server *llm.Server
}

func newPreflights(w *world) *preflights {
	return &preflights{w, llm.New(llm.Options{
		Seed: w.plan.Seed, Speed: w.clock.speed, Refusal: plan.PreflightRefusal, RetryAfter: plan.PreflightRetry,
	})}
}

// ServeHTTP answers a completion, or refuses it in a provider's place.
func (p *preflights) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	number := 0
	if id, err := uuid.Parse(r.Header.Get(llm.WorkspaceHeader)); err == nil {
		number = p.world.number(id)
	}
	if code := p.refusal(number); code != 0 {
		if p.wait(r, plan.PreflightRefusal) {
			refuse(w, code)
		}
		return
	}
	var late time.Duration
	p.world.faults.ask(func(s *fault.Set) { late = s.LLMDelay(number) })
	if !p.wait(r, late) {
		return
	}
	answer := httptest.NewRecorder()
	p.server.ServeHTTP(answer, r)
	// The provider must be there when the answer comes, too; otherwise the attempt was in vain.
	if code := p.refusal(number); code != 0 {
		refuse(w, code)
		return
	}
	hand(w, answer)
}

// refusal is the code with which a fault has the provider refuse; 0 where none does.
func (p *preflights) refusal(number int) (code int) {
	p.world.faults.ask(func(s *fault.Set) {
		switch x := s.LLMRefuses(number); {
		case x == nil:
		case x.Kind == "llm-throttle":
			code = http.StatusTooManyRequests
		default:
			code = http.StatusServiceUnavailable
		}
	})
	return code
}

// wait lets the contract's time pass, or reports false where nobody waits for the answer any more.
func (p *preflights) wait(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(p.world.clock.real(d))
	defer t.Stop()
	select {
	case <-r.Context().Done():
		return false
	case <-t.C:
		return true
	}
}

func refuse(w http.ResponseWriter, code int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	w.Write([]byte(`{"error":{"message":"The provider is not there, by a fault of the plan's"}}`)) //nolint:errcheck // who asked is gone, then
}

// hand gives a client the answer that somebody else was given.
func hand(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	w.Write(answer.Body.Bytes()) //nolint:errcheck // who asked is gone, then
}

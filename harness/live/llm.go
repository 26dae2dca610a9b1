package live

import (
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/harness/fault"
	programs "github.com/bootrace/bootrace/harness/live/machine"
	"github.com/bootrace/bootrace/harness/plan"
)

// preflights is the LLM providers, as far as a preflight notices: it answers a completion as late as the plan says, after
// as many refusals, and as the plan's faults have it.
type preflights struct {
	world *world
	mu    sync.Mutex
	set   map[string]*preflight // by the workspace's id
}

type preflight struct {
	takes    time.Duration
	refusals int
}

func newPreflights(w *world) *preflights { return &preflights{world: w, set: map[string]*preflight{}} }

// SetPreflight says how long the workspace's next preflights take, and how many of them are refused before one is
// answered.
func (p *preflights) SetPreflight(workspace string, takes time.Duration, refusals int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set[workspace] = &preflight{takes, refusals}
}

// ServeHTTP answers a completion.
func (p *preflights) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get(programs.HeaderLLMWorkspace)
	number := 0
	if parsed, err := uuid.Parse(id); err == nil {
		number = p.world.number(parsed)
	}
	takes, code := p.begin(id, number)
	if code == 0 {
		if !p.wait(r, takes) {
			return
		}
		// The provider must be there when the answer comes, too; otherwise the attempt was in vain.
		code = p.refusal(number)
	} else if !p.wait(r, plan.PreflightRefusal) {
		return
	}
	if code != 0 {
		w.WriteHeader(code)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write([]byte(`{"object":"chat.completion","choices":[]}`)) //nolint:errcheck // who asked is gone, then
}

// begin decides over one completion: how long it takes, or with which code it is refused.
func (p *preflights) begin(id string, number int) (takes time.Duration, code int) {
	if code := p.refusal(number); code != 0 {
		return 0, code
	}
	p.mu.Lock()
	if set := p.set[id]; set != nil {
		takes = set.takes
		if set.refusals > 0 {
			set.refusals--
			code = http.StatusTooManyRequests
		}
	}
	p.mu.Unlock()
	if code == 0 {
		p.world.faults.ask(func(s *fault.Set) { takes += s.LLMDelay(number) })
	}
	return takes, code
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

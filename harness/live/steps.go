package live

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/bootrace/bootrace/harness/fault"
	programs "github.com/bootrace/bootrace/harness/live/replica"
	"github.com/bootrace/bootrace/harness/plan"
)

// stepFaults reports whether some fault strikes at a controller's steps into its store.
func (w *world) stepFaults() bool {
	return slices.ContainsFunc(w.plan.Faults, func(f plan.Fault) bool {
		switch f.Kind {
		case "crash":
			return len(f.Calls) > 0
		case "stall", "preempt", "store-error-after-commit":
			return true
		case "store-error", "store-slow":
			return !linked(&fault.Fault{Fault: f})
		default:
			return false
		}
	})
}

// stepsHandler answers controllers that ask about a step into their store.
func (w *world) stepsHandler() http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		var step programs.Step
		if json.NewDecoder(r.Body).Decode(&step) != nil || step.Replica < 1 || step.Replica > len(w.replicas) {
			http.Error(out, "no step", http.StatusBadRequest)
			return
		}
		sentence, fatal := w.judge(step)
		if fatal != nil {
			// It waits for an answer, and is killed in the middle of its step.
			w.replicas[step.Replica-1].kill(time.Duration(fatal.Delay))
			<-r.Context().Done()
			return
		}
		json.NewEncoder(out).Encode(sentence) //nolint:errcheck // who asked is gone, then
	})
}

// judge decides about a step: in the same order as the simulated world does.
func (w *world) judge(step programs.Step) (out programs.Sentence, fatal *fault.Fault) {
	if !w.clock.begun() {
		return out, nil
	}
	w.faults.ask(func(s *fault.Set) {
		if step.Done {
			if fatal = s.Crash(step.Replica, step.Op, true); fatal == nil {
				out.Fails = s.StoreFails(step.Replica, step.Op, true)
				out.Wait = w.clock.real(s.Held(step.Replica, step.Task, step.Workspace, true))
			}
			return
		}
		wait := s.Held(step.Replica, step.Task, step.Workspace, false) + s.StoreDelay(step.Replica, step.Op)
		out.Wait = w.clock.real(wait)
		if out.Fails = s.StoreFails(step.Replica, step.Op, false); !out.Fails {
			fatal = s.Crash(step.Replica, step.Op, false)
		}
	})
	return out, fatal
}

package fault

import (
	"fmt"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
)

// CloudFate is what the cloud does to one call.
type CloudFate struct {
	Err   error // one of package cloud's: the call has no effect
	Delay time.Duration
	Lost  bool // the call takes effect, and its answer never comes
}

// Clouds reports whether any fault strikes the cloud.
func (s *Set) Clouds() bool { return len(s.clouds) > 0 }

// CloudCall decides over one call for the workspace.
func (s *Set) CloudCall(workspace int, call string) CloudFate {
	var out CloudFate
	for _, x := range s.clouds {
		if x.Kind == "cloud-stale" {
			continue
		}
		if (x.Kind == "cloud-capacity" || x.Kind == "cloud-refuses") && call != "launch" {
			continue
		}
		if !s.due(x, call, workspace) {
			continue
		}
		s.Strike(x, workspace)
		switch x.Kind {
		case "cloud-throttle":
			out.Err = fmt.Errorf("%s: %w", call, cloud.ErrThrottled)
		case "cloud-capacity":
			out.Err = fmt.Errorf("%s: %w", call, cloud.ErrCapacity)
		case "cloud-refuses":
			out.Err = fmt.Errorf("%s: %w: the image does not exist", call, cloud.ErrRefused)
		case "cloud-slow":
			out.Delay += time.Duration(x.Delay)
		case "cloud-lost-reply":
			out.Lost = true
		}
	}
	return out
}

// Unseen reports whether list and describe do not know the workspace's machine yet that was launched at the time.
func (s *Set) Unseen(workspace int, launched time.Duration) bool {
	for _, x := range s.clouds {
		if x.Kind == "cloud-stale" && x.Hits(workspace) && x.Active(s.world.Now()) && launched >= time.Duration(x.From) {
			s.Strike(x, workspace)
			return true
		}
	}
	return false
}

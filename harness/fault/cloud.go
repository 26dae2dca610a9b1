package fault

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
)

// CloudFate is what the cloud does to one call.
type CloudFate struct {
	Err   error // one of package cloud's: the call has no effect
	Delay time.Duration
	Lost  bool // the call takes effect, and its answer never comes
}

// ErrForGood is what only those errors wrap that no later try can change: the harness's own word on it, whatever a controller
// makes of the error.
var ErrForGood = errors.New("the image does not exist")

// ForGood reports whether the text of an error is of one that no later try can change. Over a wire it comes in other clothes, but with
// the same words, which nothing else has.
func ForGood(text string) bool { return strings.Contains(text, ErrForGood.Error()) }

// Clouds reports whether any fault strikes the cloud.
func (s *Set) Clouds() bool { return len(s.clouds) > 0 }

// CloudCall decides over one call for the workspace.
func (s *Set) CloudCall(workspace int, call string) CloudFate {
	var out CloudFate
	for _, x := range s.clouds {
		switch x.Kind {
		case "cloud-stale", "list-stale", "list-truncated": // the call is answered; see Unseen and Listing
			continue
		case "describe-error":
			if call == "describe" && s.due(x, call, workspace) {
				s.Strike(x, workspace)
				out.Err = fmt.Errorf("%s: %w", call, errDescribe)
			}
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
			out.Err = fmt.Errorf("%s: %w: %w", call, cloud.ErrRefused, ErrForGood)
		case "cloud-slow":
			out.Delay += time.Duration(x.Delay)
		case "cloud-lost-reply":
			out.Lost = true
		}
	}
	return out
}

// errDescribe says nothing of the machine that was asked about.
var errDescribe = errors.New("the cloud is not available")

// Listing is what is wrong with one list of all machines.
type Listing struct {
	// Stale is set where the list is as it was at AsOf.
	Stale bool
	AsOf  time.Duration
	Half  bool // it ends in the middle
}

// Listing decides over one list.
func (s *Set) Listing() (out Listing) {
	for _, x := range s.clouds {
		if x.Kind != "list-stale" && x.Kind != "list-truncated" || !s.due(x, "list", 0) {
			continue
		}
		s.Strike(x, 0)
		if x.Kind == "list-truncated" {
			out.Half = true
		} else if at := time.Duration(x.From); !out.Stale || at < out.AsOf {
			out.Stale, out.AsOf = true, at
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

package foreign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/foreign/dialect"
)

// Every workspace that a run creates has the run's mark in its name, and the ids that its stray agents call for end with the
// mark. So what is a run's can be found by whoever knows the mark, and nobody else's is ever touched.

// newMark makes a mark that no other run has.
func newMark() string { return "br" + strings.ReplaceAll(uuid.NewString(), "-", "")[:10] }

var markPattern = regexp.MustCompile(`^br[0-9a-f]{10}$`)

// named is the name of a workspace of the run's.
func (t Target) named(name string) string {
	return fmt.Sprintf("%s-%s-%s", name, t.Run, strings.ReplaceAll(uuid.NewString(), "-", "")[:6])
}

// strayID is an id that nobody creates.
func (t Target) strayID() string {
	id := uuid.NewString()
	return id[:len(id)-10] + strings.TrimPrefix(t.Run, "br")
}

// marks finds whose run's the workspace is; empty where it is nobody's.
var marks = regexp.MustCompile(`-(br[0-9a-f]{10})-[0-9a-f]{6}$`)

// runOf is the mark of the run whose the workspace is, or empty.
func runOf(w shown) string {
	if found := marks.FindStringSubmatch(w.Name); found != nil {
		return found[1]
	}
	return ""
}

// ofRun reports whether the run has made the workspace, or made the target invent it.
func ofRun(w shown, run string) bool {
	return runOf(w) == run || len(w.ID) == len(uuid.Nil.String()) && strings.HasSuffix(w.ID, strings.TrimPrefix(run, "br"))
}

// Leftover is a workspace of a run's that could not be deleted.
type Leftover struct {
	ID, Name string
	Why      string // what its deletion got last
}

// String shows it to a person.
func (l Leftover) String() string { return fmt.Sprintf("%s (%s): %s", l.Name, l.ID, l.Why) }

// CheckMark says whether the mark can be one of a run's.
func CheckMark(mark string) error {
	if !markPattern.MatchString(mark) {
		return fmt.Errorf("%q is no mark of a run: one looks like br0123456789, and stands in the names of its workspaces", mark)
	}
	return nil
}

// Runs lists the runs that have workspaces at the target, each with their number.
func Runs(ctx context.Context, t Target) (map[string]int, error) {
	t, err := t.Complete()
	if err != nil {
		return nil, err
	}
	c := newClient(t)
	defer c.http.CloseIdleConnections()
	all, err := c.list(ctx)
	if err != nil {
		return nil, fmt.Errorf("target %s: %w", t.Name, err)
	}
	found := map[string]int{}
	for _, w := range all {
		if run := runOf(w); run != "" {
			found[run]++
		}
	}
	return found, nil
}

// Clean deletes what the run of the mark has left at the target. It returns how many that was, and what it could not delete.
func Clean(ctx context.Context, t Target, mark string) (deleted int, left []Leftover, err error) {
	if err := CheckMark(mark); err != nil {
		return 0, nil, err
	}
	if t, err = t.Complete(); err != nil {
		return 0, nil, err
	}
	c := newClient(t)
	defer c.http.CloseIdleConnections()
	if _, err := c.list(ctx); err != nil {
		return 0, nil, fmt.Errorf("target %s: %w", t.Name, err)
	}
	d := deletion{client: c, patience: t.Patience, mine: func(w shown) bool { return ofRun(w, mark) }}
	left = d.all(ctx)
	return d.deleted, left, nil
}

// deletion deletes workspaces until none is left, or nothing moves any more.
type deletion struct {
	client  *client
	mine    func(shown) bool
	ids     map[string]string // that are known beside, with names
	deleted int
	// patience is how long it goes on without anything that could be deleted.
	patience time.Duration
}

// Times of a deletion.
const (
	deletionPause   = 500 * time.Millisecond
	deletionsAtOnce = 8
)

// all deletes in passes: whoever has children may not be able to go before them, and what is refused now may not be later. Every
// pass begins with the list, so that what it ends with is true of the rows.
func (d *deletion) all(ctx context.Context) []Leftover {
	why := map[string]string{}
	known := map[string]string{}
	moved := time.Now()
	for {
		there, err := d.client.list(ctx)
		if err == nil {
			known = map[string]string{}
			for _, w := range there {
				if _, ours := d.ids[w.ID]; (ours || d.mine(w)) && w.Status != lifecycle.Removed {
					known[w.ID] = w.Name
				}
			}
			if len(known) == 0 {
				return nil
			}
		} else if len(known) == 0 {
			for id, name := range d.ids {
				known[id], why[id] = name, err.Error()
			}
		}
		gone := d.pass(ctx, known, why)
		d.deleted += gone
		if gone > 0 {
			moved = time.Now()
		}
		if ctx.Err() != nil || time.Since(moved) > d.patience || !sleep(ctx, deletionPause) {
			break
		}
	}
	var left []Leftover
	for id, name := range known {
		left = append(left, Leftover{id, name, cmp.Or(why[id], "it was not tried any more")})
	}
	slices.SortFunc(left, func(a, b Leftover) int { return cmp.Compare(a.Name+a.ID, b.Name+b.ID) })
	return left
}

// pass tries each of them once, and takes out those that are gone. A limit on how often one may call is waited out.
func (d *deletion) pass(ctx context.Context, known, why map[string]string) (gone int) {
	var mu sync.Mutex
	var tasks sync.WaitGroup
	next := make(chan string, len(known))
	for id := range known {
		next <- id
	}
	close(next)
	for range min(deletionsAtOnce, len(known)) {
		tasks.Go(func() {
			for id := range next {
				if ctx.Err() != nil {
					return
				}
				r, err := d.client.patient(ctx, dialect.Clean, id)
				mu.Lock()
				switch {
				case err != nil:
					why[id] = err.Error()
				case r.OK(), r.Code == http.StatusNotFound, r.Code == http.StatusGone:
					delete(known, id)
					gone++
				default:
					why[id] = fmt.Sprintf("%s answered %d", method(r.Request), r.Raw)
				}
				mu.Unlock()
			}
		})
	}
	tasks.Wait()
	return gone
}

// method is the method of a request that is given with its path.
func method(request string) string {
	name, _, _ := strings.Cut(request, " ")
	return name
}

// clean deletes what the run created, and what the target invented for its stray agents. It is no part of the run. What it cannot
// delete, the session notes.
func (w *world) clean(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(w.session.cleaning, cancel)()
	d := deletion{client: w.session.client, patience: w.session.patience, ids: map[string]string{}}
	names := map[string]bool{}
	w.mu.Lock()
	for _, m := range w.members {
		names[m.plan.Name] = true
		for _, id := range append(m.twins, m.id) {
			if id != "" {
				d.ids[id] = m.plan.Name
			}
		}
	}
	stray := w.stray
	w.mu.Unlock()
	d.mine = func(there shown) bool { return names[there.Name] || stray != "" && there.ID == stray }
	w.session.leave(d.all(ctx))
}

// leave notes what could not be deleted.
func (s *Session) leave(left []Leftover) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = append(s.left, left...)
}

// Left are the workspaces of the session's runs that could not be deleted.
func (s *Session) Left() []Leftover {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.left)
}

// Abandon ends deletions that are under way: what is left then, Left tells.
func (s *Session) Abandon() { s.abandon(errAbandoned) }

var errAbandoned = errors.New("the deletion was abandoned")

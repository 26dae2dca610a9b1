package endpoints

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
)

// The phases of a [Boot].
const (
	Launched = "launched" // the machine begins to boot
	Stopped  = "stopped"  // it begins to end
	Refused  = "refused"  // there is no machine: the call that asked for one failed, and Error says how
)

// Boot tells that a machine began to boot or to end, or could not be launched. They are numbered from 1, in the order in which they happened.
type Boot struct {
	Number int    `json:"number"`
	Phase  string `json:"phase"`
	Machine
}

// Boots is what GET /admin/boots answers.
type Boots struct {
	Boots []Boot `json:"boots"`
	Last  int    `json:"last"` // the number of the last that there was; a smaller one than before is another server's
	// Tells are the phases that this server tells of: what an older one does not tell of may have happened all the same.
	Tells []string `json:"tells"`
}

// What the journal keeps, and how long somebody who asks for news waits for them.
const (
	maxBoots  = 10_000
	bootsWait = 10 * time.Second
)

// journal keeps boots for whoever asks.
type journal struct {
	mu    sync.Mutex
	boots []Boot // the last ones
	last  int
	news  chan struct{} // closed when there is another
}

func newJournal() *journal { return &journal{news: make(chan struct{})} }

func (j *journal) add(phase string, m Machine) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	j.boots = append(j.boots, Boot{j.last, phase, m})
	j.boots = j.boots[max(0, len(j.boots)-maxBoots):]
	close(j.news)
	j.news = make(chan struct{})
}

// after returns the boots after the number, and what is closed when there is another.
func (j *journal) after(number int) (Boots, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := Boots{Boots: []Boot{}, Last: j.last, Tells: []string{Launched, Stopped, Refused}}
	for _, b := range j.boots {
		if b.Number > number {
			out.Boots = append(out.Boots, b)
		}
	}
	return out, j.news
}

// ServeHTTP answers GET /boots?after=N: what there is after that number, as soon as there is something, or nothing after a
// while. Without a number, it answers at once, with the last number alone.
func (j *journal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text := r.URL.Query().Get("after")
	if text == "" {
		now, _ := j.after(int(^uint(0) >> 1))
		serving.WriteJSON(w, http.StatusOK, now)
		return
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 0 {
		http.Error(w, "after is no number of a boot", http.StatusBadRequest)
		return
	}
	patience := time.NewTimer(bootsWait)
	defer patience.Stop()
	for {
		found, news := j.after(number)
		if len(found.Boots) > 0 || found.Last < number {
			serving.WriteJSON(w, http.StatusOK, found)
			return
		}
		select {
		case <-news:
		case <-patience.C:
			serving.WriteJSON(w, http.StatusOK, found)
			return
		case <-r.Context().Done():
			return
		}
	}
}

// both tells two listeners, of which either may be nil.
func both(a, b func(Machine)) func(Machine) {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	default:
		return func(m Machine) { a(m); b(m) }
	}
}

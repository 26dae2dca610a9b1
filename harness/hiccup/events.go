package hiccup

import (
	"strconv"
	"strings"
	"time"

	"github.com/bootrace/bootrace/harness/history"
)

// Name is what windows call a process: by whose it is, and its number. The harness's own has no name.
func Name(actor string, number int) string { return actor + " " + strconv.Itoa(number) }

// Events are the windows of the series as events of a history, none later than its end: at tells the history's time of a moment,
// of which speed passes in each second of real time.
func (s *Series) Events(at func(time.Time) time.Duration, speed float64, end time.Duration) []history.Event {
	var events []history.Event
	scaled := func(d time.Duration) history.Time {
		return history.Time(time.Duration(float64(d) * speed).Truncate(time.Microsecond))
	}
	for _, w := range s.Windows() {
		e := history.Event{
			Kind: history.Slow, At: history.Time(min(at(w.Until), end)), Sent: history.Time(max(0, at(w.From))), By: w.Source,
			Lost: scaled(w.Lost), Worst: scaled(w.Worst), Share: int(w.Share*100 + 0.5),
		}
		if e.At <= e.Sent {
			continue // before the start, or after the end
		}
		actor, number, _ := strings.Cut(w.Process, " ")
		n, _ := strconv.Atoi(number) // the harness has none
		switch e.Actor = actor; actor {
		case history.ActorController:
			e.Replica = n
		case history.ActorAgent:
			e.WS = n
		}
		events = append(events, e)
	}
	return events
}

package history

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
)

// Kind is what sort of thing happened.
type Kind uint8

// The kinds of events, and the fields that each sets beside At.
const (
	// Call is an HTTP call that was answered, or given up: Actor, Call, Sent, and what came of it. Where the controller
	// answered, Code is its answer and Replica who gave it (0 where somebody on the way answered in its place); Err says what the caller saw instead, where it saw anything
	// else (the reply was lost, the connection refused). WS and Inc are the agent's own, whatever the controller thinks. Data is
	// what the call sent to be kept or, where it only reads, what it was shown; a heartbeat that says what its agent's last one
	// said, but for its uptime, has none.
	Call Kind = iota + 1
	// Move is a row that changed its status or incarnation: WS, Inc (the new one), From, To; By and ByInc say who made it
	// change: a call and the incarnation of the agent that called, or a tick. It is observed at the row itself. Where the world
	// knows it, Actor is on whose behalf (an actor of calls, or ActorTick), Replica the controller, and Call the store's operation.
	Move
	// Log is an entry of the controller's own transition log, read at the end: WS, Inc, Event, From, To, Cause, Logged.
	Log
	// Boot is a cold boot that reached a Phase: WS, Inc, Machine.
	Boot
	// Machine is a machine that was launched, terminated or died, or whose agent was started anew, by a boot that pulls nothing
	// that is there (Phase): WS, Inc, Machine.
	Machine
	// Cloud is a call that the controller made to the cloud: Call, WS, Inc, Machine, Sent, Err, Replica. Phase is "permanent"
	// where the cloud refused it for good, as the world knows that; Data is what a launch was asked for with.
	Cloud
	// Fault is a fault (Fault is its number in the plan, from 1) that started, struck or ended (Phase).
	Fault
	// Process is a controller replica that started or died (Phase): Replica.
	Process
	// Reading is what GET showed of a workspace: WS, To, Cause. Where it was the list of all that showed it, Call is "list" and
	// Sent is set, To is none where the list lacks it, and Data is what it shows. Where Call is "feed" it is no row that was read
	// but an entry of the events feed, which is hearsay: the controller says that the workspace became To some time between Sent
	// and At. Where Call is "events", it is an entry of a feed beside which the rows were seen, with Event, From, To, Inc, Cause and
	// Logged.
	Reading
	// Row is what was stored at the end: WS, Inc, To, Cause, Machine; Phase is "token" where a credential was live.
	Row
	// Tick is a run of a tick that failed: By, Replica, Err.
	Tick
	// Agent is an agent that began or stopped to beat (Phase), as it knows itself: WS, Inc.
	Agent
	// Panic is code under test that panicked: By, Replica, Err.
	Panic
	// Step is a step of a task into the store that matters to a story: one that failed (Err, and Fault where that was one of the
	// plan's), or one that read a workspace (WS, Inc, To, Machine) as it was at Sent. By, Actor, Replica and Call as of a Move.
	// What a tick reads again and again is written once.
	Step
	// Turn is a turn of a tick that found something, or several in a row that found nothing: By, Replica, Code is how many, Sent
	// when the first began, Logged when the last ended, Err where it failed.
	Turn
	// Slow is a time in which the machine of a run on wall-clock time was slow, as a part of the run measured it: Sent (its
	// start; At is its end), By (what was measured: see package hiccup), Actor and Replica or WS (whose process measured it; no
	// Actor is the harness's own), Lost (how much of the time was lost to a chain of steps), Worst (the longest single delay),
	// and Share, of pressure, in percent. At is when it ended, or the end of the run.
	Slow
	// End is the end of the run.
	End

	kindCount = int(End) + 1
)

var kindNames = [kindCount]string{
	"", "call", "move", "log", "boot", "machine", "cloud", "fault", "process", "reading", "row", "tick", "agent", "panic",
	"step", "turn", "slow", "end",
}

// String returns the kind's name in the encoding.
func (k Kind) String() string { return kindNames[k] }

// MarshalText encodes the kind's name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText decodes a kind's name.
func (k *Kind) UnmarshalText(text []byte) error {
	for i, name := range kindNames {
		if i > 0 && name == string(text) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("history: %q is no kind of event", text)
}

// Phases of events.
const (
	ImagePulled   = "image_pulled" // Boot
	AgentStarted  = "agent_started"
	PreflightDone = "preflight_done"
	BootDied      = "died"
	Launched      = "launched" // Machine
	Terminated    = "terminated"
	Died          = "died"
	Restarted     = "restarted"
	Started       = "started" // Fault, Process, Agent
	Struck        = "struck"
	Ended         = "ended"
	TokenLive     = "token"     // Row
	Permanent     = "permanent" // Cloud
	Attempt       = "attempt"   // Cloud: one request of a call, which its client may have repeated by itself
)

// What the Err of a call that was answered says of its caller.
const (
	Duplicate = "a duplicate; nobody waits for its reply"
	ReplyLost = "the reply was lost"
	GivenUp   = "the caller had given up"
)

// TimedOut is the Err of a call that its caller gave up before there was an answer.
const TimedOut = "timed out"

// Calls of readings that are not looks at one workspace.
const (
	List = "list" // the list of all workspaces
	Feed = "feed" // an entry of the events feed
)

// What an intruder calls with: the By of its calls.
const (
	WithoutToken      = "no token"
	WithOldToken      = "the token of an incarnation before"
	WithAnothersToken = "another workspace's token"
)

// Actors of calls, and those whose processes measure.
const (
	ActorAgent    = "agent"
	ActorOperator = "operator"
	ActorObserver = "observer"
	// ActorIntruder knows ids, and has no right to anything.
	ActorIntruder = "intruder"
	// ActorTick is who moved a row where nobody called: a tick of the controller's own.
	ActorTick = "tick"
	// ActorController is whose process measured that the machine was slow.
	ActorController = "controller"
)

// Time is a time since the start of the run. It encodes as seconds with six decimals.
type Time time.Duration

// D returns the time as a duration.
func (t Time) D() time.Duration { return time.Duration(t) }

func (t Time) append(b []byte) []byte {
	us := int64(t) / int64(time.Microsecond)
	if us < 0 {
		b = append(b, '-')
		us = -us
	}
	b = strconv.AppendInt(b, us/1e6, 10)
	b = append(b, '.')
	frac := us % 1e6
	for digit := int64(1e5); digit > 0; digit /= 10 {
		b = append(b, byte('0'+frac/digit%10))
	}
	return b
}

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) { return t.append(nil), nil }

// UnmarshalJSON implements json.Unmarshaler. It takes the encoding's own form only, and is exact.
func (t *Time) UnmarshalJSON(text []byte) error {
	digits, negative := bytes.CutPrefix(text, []byte("-"))
	whole, frac, ok := bytes.Cut(digits, []byte("."))
	s, err := strconv.ParseInt(string(whole), 10, 64)
	us, err2 := strconv.ParseInt(string(frac), 10, 64)
	if !ok || len(frac) != 6 || err != nil || err2 != nil {
		return fmt.Errorf("history: %q is no time in seconds with six decimals", text)
	}
	d := time.Duration(s)*time.Second + time.Duration(us)*time.Microsecond
	if negative {
		d = -d
	}
	*t = Time(d)
	return nil
}

// Event is one thing that happened. Which fields a kind sets is said at the kinds; the others are zero and left out of
// the encoding. Workspaces, faults and replicas count from 1; 0 is none, or one that the plan does not know. A negative
// workspace is a twin of the one: a second row, made by a create that was tried again since its first try got no answer.
type Event struct {
	At      Time             `json:"t"`
	Kind    Kind             `json:"kind"`
	WS      int              `json:"ws,omitempty"`
	Inc     int              `json:"inc,omitempty"`
	Replica int              `json:"replica,omitempty"`
	Actor   string           `json:"actor,omitempty"`
	Call    string           `json:"call,omitempty"`
	Sent    Time             `json:"sent,omitempty"`
	Code    int              `json:"code,omitempty"`
	Err     string           `json:"err,omitempty"`
	Says    string           `json:"says,omitempty"` // the status that a reply claims
	Token   bool             `json:"token,omitempty"`
	By      string           `json:"by,omitempty"`
	ByInc   int              `json:"by_inc,omitempty"`
	Event   lifecycle.Event  `json:"event,omitempty"`
	From    lifecycle.Status `json:"from,omitempty"`
	To      lifecycle.Status `json:"to,omitempty"`
	Cause   string           `json:"cause,omitempty"`
	Logged  Time             `json:"logged,omitempty"`
	Machine string           `json:"machine,omitempty"`
	Phase   string           `json:"phase,omitempty"`
	Fault   int              `json:"fault,omitempty"`
	Lost    Time             `json:"lost,omitempty"`
	Worst   Time             `json:"worst,omitempty"`
	Share   int              `json:"share,omitempty"`
	Data    string           `json:"data,omitempty"` // see Fields
}

// Accepted reports whether the event is a proof of life that the controller accepted.
func (e *Event) Accepted() bool {
	return e.Kind == Call && e.Code == 200 && e.Actor == ActorAgent && (e.Call == "heartbeat" || e.Call == "register")
}

// Ends reports whether the event is the end of a machine.
func (e *Event) Ends() bool {
	return e.Kind == Machine && (e.Phase == Terminated || e.Phase == Died)
}

// append appends the event's encoding, one line. It is written out by hand because it dominates the cost of a digest.
func (e *Event) append(b []byte) []byte {
	b = append(b, `{"t":`...)
	b = e.At.append(b)
	b = appendString(b, `,"kind":`, e.Kind.String())
	b = appendInt(b, `,"ws":`, e.WS)
	b = appendInt(b, `,"inc":`, e.Inc)
	b = appendInt(b, `,"replica":`, e.Replica)
	b = appendString(b, `,"actor":`, e.Actor)
	b = appendString(b, `,"call":`, e.Call)
	b = appendTime(b, `,"sent":`, e.Sent)
	b = appendInt(b, `,"code":`, e.Code)
	b = appendString(b, `,"err":`, e.Err)
	b = appendString(b, `,"says":`, e.Says)
	if e.Token {
		b = append(b, `,"token":true`...)
	}
	b = appendString(b, `,"by":`, e.By)
	b = appendInt(b, `,"by_inc":`, e.ByInc)
	b = appendString(b, `,"event":`, e.Event.String())
	b = appendString(b, `,"from":`, e.From.String())
	b = appendString(b, `,"to":`, e.To.String())
	b = appendString(b, `,"cause":`, e.Cause)
	b = appendTime(b, `,"logged":`, e.Logged)
	b = appendString(b, `,"machine":`, e.Machine)
	b = appendString(b, `,"phase":`, e.Phase)
	b = appendInt(b, `,"fault":`, e.Fault)
	b = appendTime(b, `,"lost":`, e.Lost)
	b = appendTime(b, `,"worst":`, e.Worst)
	b = appendInt(b, `,"share":`, e.Share)
	b = appendString(b, `,"data":`, e.Data)
	return append(b, '}', '\n')
}

func appendInt(b []byte, key string, v int) []byte {
	if v == 0 {
		return b
	}
	return strconv.AppendInt(append(b, key...), int64(v), 10)
}

func appendTime(b []byte, key string, v Time) []byte {
	if v == 0 {
		return b
	}
	return v.append(append(b, key...))
}

func appendString(b []byte, key, v string) []byte {
	if v == "" {
		return b
	}
	b = append(append(b, key...), '"')
	for i := range len(v) {
		switch c := v[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
)

// Errors that say that a call certainly had no effect.
var (
	ErrNotFound     = errors.New("workspace not found")
	ErrRemoved      = errors.New("workspace is removed")
	ErrUnauthorized = errors.New("token is not the workspace's current one")
	ErrHasChildren  = errors.New("workspace has children")
	ErrParent       = errors.New("parent workspace does not exist or is removed")
)

// Outcome is what a call that may move one workspace did.
type Outcome struct {
	Moved      bool
	Transition Transition       // set where Moved
	Status     lifecycle.Status // as stored after the call
	// Incarnation is the current one after the call; where a Change asked for another, nothing moved.
	Incarnation int
	Minted      bool // by Register: NewToken is now the workspace's token
}

// Change asks to apply an event to one workspace.
type Change struct {
	ID    uuid.UUID
	Event lifecycle.Event
	// Incarnation, where not 0, must be the workspace's current one for the change to apply: a late outcome of an older
	// boot never moves a newer one.
	Incarnation int
	// Childless refuses the change with ErrHasChildren while a workspace that is not removed names this one as parent.
	Childless bool
	// Cause goes to the log, and stays on the row for as long as the workspace is failed.
	Cause string
	// Boot is required where Event.BeginsIncarnation, and ignored elsewhere.
	Boot *Boot
	Now  time.Time
}

// Boot describes the incarnation that a Change begins. It starts at the change's Now.
type Boot struct {
	Deadline time.Time
	Token    TokenHash // zero: the first register mints one; otherwise it counts as confirmed
}

// Beat is one heartbeat.
type Beat struct {
	ID            uuid.UUID
	Token         TokenHash // as presented; zero for none
	Event         lifecycle.Event
	ErrorRate     float64
	SampleError   string
	ActiveTasks   int
	UptimeSeconds int64
	CurrentTask   string
	RuntimeState  string
	Now           time.Time
}

// Registration is one register call.
type Registration struct {
	ID       uuid.UUID
	Token    TokenHash // as presented; zero for none
	NewToken TokenHash // to be minted where none is presented and none is confirmed
	URL      string
	Card     json.RawMessage
	Now      time.Time
}

// Silence says after how long without proof of life a workspace counts as silent.
type Silence struct {
	Now         time.Time
	TTL         time.Duration // machines of ours
	ExternalTTL time.Duration // external workspaces
	Limit       int
}

// Launches is what a launcher has to do. No workspace is in both lists: one whose former machine is not released is not
// claimed. They are found in one call because nearly every turn of a launcher finds neither.
type Launches struct {
	// Claimed want a machine and have none: provisioning, not external, no MachineID, LaunchAfter at or before now; in
	// order of boot start, then id.
	Claimed []Workspace
	// Unwanted are workspaces whose MachineID should not run: the status keeps no machine, or it was launched for an older
	// incarnation; and those that are hibernating, with a MachineID or without, since only the end of their machine takes
	// them further. In order of id.
	Unwanted []Workspace
}

// Store keeps workspaces. See the package documentation for what every implementation guarantees.
type Store interface {
	// Create inserts the workspace as it is given and moves it from none by the event, which is one of the create
	// events; Status, UpdatedAt and, for an external one that starts online, LastSeenAt are the store's to set. It
	// returns ErrParent where ParentID names no live workspace.
	Create(ctx context.Context, w Workspace, event lifecycle.Event) (Transition, error)

	// Get returns one workspace, removed ones too, or ErrNotFound.
	Get(ctx context.Context, id uuid.UUID) (Workspace, error)
	// Lookup returns those of the workspaces that exist, removed ones too, in order of creation, then id.
	Lookup(ctx context.Context, ids []uuid.UUID) ([]Workspace, error)
	// List returns all workspaces that are not removed, in order of creation, then id.
	List(ctx context.Context) ([]Workspace, error)
	// Children returns those of List whose parent is the workspace, in the same order.
	Children(ctx context.Context, parent uuid.UUID) ([]Workspace, error)

	// Apply moves one workspace by an event. Where the table has no edge, or the incarnation is not the one asked for,
	// nothing moves and the outcome says what is stored. It returns ErrNotFound or ErrHasChildren.
	Apply(ctx context.Context, c Change) (Outcome, error)
	// Heartbeat records the beat as proof of life and moves the workspace by its event. It returns ErrNotFound,
	// ErrRemoved, or ErrUnauthorized where the presented token is not the workspace's; none where there is none is
	// accepted. A matching token becomes confirmed.
	Heartbeat(ctx context.Context, b Beat) (Outcome, error)
	// Register records the agent's URL and card as proof of life and moves the workspace by the register event. Where no
	// token is presented and none is confirmed it mints NewToken. Errors as Heartbeat; a presented token where there is
	// none is ErrUnauthorized, since it is an older incarnation's.
	Register(ctx context.Context, r Registration) (Outcome, error)
	// UpdateCard replaces the agent's card. It is no proof of life. Errors as Heartbeat.
	UpdateCard(ctx context.Context, id uuid.UUID, token TokenHash, card json.RawMessage) error

	// ExpireBoots applies provision_timeout to at most limit workspaces whose boot deadline is at or before now, oldest
	// deadline first, then id. The cause is the given one, and "; last launch error: …" where the row has one.
	ExpireBoots(ctx context.Context, now time.Time, cause string, limit int) ([]Transition, error)
	// ExpireSilent applies silence to workspaces whose last proof of life is at least the TTL old, oldest first, then id.
	ExpireSilent(ctx context.Context, s Silence, cause string) ([]Transition, error)

	// ClaimLaunches returns what there is to be done about machines; see [Launches] for what is found. Each claim counts
	// an attempt and moves LaunchAfter to until, so that no other replica claims it before. At most limit are claimed, and
	// at most limit unwanted are returned.
	ClaimLaunches(ctx context.Context, now, until time.Time, limit int) (Launches, error)
	// AttachMachine records the machine launched for the incarnation. It reports false, and records nothing, where the
	// workspace has moved on: another incarnation, a status that keeps no machine, another machine, no such row.
	// Attaching the same machine again is true.
	AttachMachine(ctx context.Context, id uuid.UUID, incarnation int, machineID string) (bool, error)
	// DeferLaunch records a transient launch error of the incarnation and when to try next; it does nothing where the
	// workspace has moved on.
	DeferLaunch(ctx context.Context, id uuid.UUID, incarnation int, launchError string, next time.Time) error
	// ReleaseMachine forgets the machine where it is still the one recorded.
	ReleaseMachine(ctx context.Context, id uuid.UUID, machineID string) error

	// Transitions returns the log, newest first, of one workspace or, where the id is not valid, of all; at most limit
	// rows, or every one where limit is 0.
	Transitions(ctx context.Context, id uuid.NullUUID, limit int) ([]Transition, error)

	// Ping reports whether the store can be reached.
	Ping(ctx context.Context) error
}

// Unguarded is a door past every guard and past the transition log's promise. It exists so that named defects can do
// what broken controllers do; the reference controller never calls it.
type Unguarded interface {
	// SetStatus writes the status whatever the row's is, with a log entry of the event. It returns ErrNotFound.
	SetStatus(ctx context.Context, id uuid.UUID, to lifecycle.Status, event lifecycle.Event, cause string, now time.Time) error
	// Edit reads the row, lets the function alter it, and writes it back, with no log entry. It returns ErrNotFound.
	Edit(ctx context.Context, id uuid.UUID, alter func(*Workspace)) error
}

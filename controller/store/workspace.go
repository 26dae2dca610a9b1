package store

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
)

// TokenHash is the SHA-256 of a workspace's bearer token. The zero value means that there is no token.
type TokenHash [sha256.Size]byte

// HashToken returns the hash that stands for the token in a store; the empty token's is the zero hash.
func HashToken(token string) TokenHash {
	if token == "" {
		return TokenHash{}
	}
	return sha256.Sum256([]byte(token))
}

// IsZero reports whether there is no token.
func (h TokenHash) IsZero() bool { return h == TokenHash{} }

// Matches compares in constant time.
func (h TokenHash) Matches(other TokenHash) bool {
	return subtle.ConstantTimeCompare(h[:], other[:]) == 1
}

// MaxStall is the longest time that a proof of life may be on its way to the store and still count as what it is. One that
// is older than what is stored by more than that cannot be late: the clock that wrote the stored one was ahead.
const MaxStall = 10 * time.Minute

// LastSeen is what a workspace's LastSeenAt becomes by a proof of life at now. A proof that was held up on its way does not
// make a workspace look more silent than it is; a time written by a clock that was ahead does not make it look alive for
// longer than MaxStall.
func LastSeen(stored, now time.Time) time.Time {
	if stored.After(now) && !stored.After(now.Add(MaxStall)) {
		return stored
	}
	return now
}

// BootCause is the cause of a boot of the workspace that is given up: with the last launch error, where there is one.
func BootCause(cause string, w *Workspace) string {
	if w.LaunchError == "" {
		return cause
	}
	return cause + "; last launch error: " + w.LaunchError
}

// Workspace is one row. Times that have not happened are the zero time.
type Workspace struct {
	ID       uuid.UUID
	Name     string
	Runtime  string
	Model    string
	Template string
	Tier     int
	ParentID uuid.NullUUID
	External bool // its machine is not ours
	URL      string
	Card     json.RawMessage // nil until the agent sent one

	Status      lifecycle.Status
	Incarnation int // 1 for the first boot

	// The boot's start and deadline belong to the incarnation and are written only with it: no other write moves them.
	BootStartedAt time.Time
	BootDeadline  time.Time

	// Token belongs to the current incarnation. It is confirmed once its holder has used it, or was born confirmed
	// because it was handed over by other means than a register's reply. An unconfirmed one may be minted again, since
	// the reply that carried it can be lost.
	Token          TokenHash
	TokenConfirmed bool

	LastSeenAt    time.Time // the last proof of life of the current incarnation: see LastSeen
	ErrorRate     float64
	SampleError   string
	ActiveTasks   int
	UptimeSeconds int64
	CurrentTask   string
	RuntimeState  string

	Cause string // why it failed; empty unless Status is failed

	MachineID          string // empty where none is known to run
	MachineIncarnation int    // the incarnation that MachineID was launched for
	LaunchAfter        time.Time
	LaunchAttempts     int
	LaunchError        string // the last transient one of this incarnation

	CreatedAt time.Time
	UpdatedAt time.Time // the last transition
}

// Transition is one row of the log. Incarnation is the one that the workspace had afterwards.
type Transition struct {
	Seq         int64 // ascending in commit order for one workspace
	WorkspaceID uuid.UUID
	Incarnation int
	Event       lifecycle.Event
	From        lifecycle.Status
	To          lifecycle.Status
	Cause       string
	At          time.Time
}

// RowChange is what an observer beside a store sees of a row's move, whatever the code that made it claims: it is taken
// from the row itself, not from the transition log.
type RowChange struct {
	WorkspaceID uuid.UUID
	Incarnation int
	From        lifecycle.Status // lifecycle.None for a new row
	To          lifecycle.Status
}

package defects

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/store"
)

// Memory is where a replica keeps what it keeps beside its store. Whatever it does there is a step, as into a store: others may
// come before and after it, and what it does next depends on nothing but what it is answered.
type Memory interface {
	// Do carries out one step, which is about the workspace, or about none, and returns what that answers.
	Do(name string, about uuid.UUID, do func(Kept) Recalled) Recalled
}

// Kept is what there is beside the store.
type Kept struct {
	*KeyServer
	*Process
}

// KeyServer is what the replicas of one deployment have in common: a server of keys that expire, as the original controller
// keeps its liveness in. It outlives them.
type KeyServer struct {
	Keys   map[uuid.UUID]time.Time         // when each expires
	Tokens map[uuid.UUID][]store.TokenHash // those of older incarnations
	Names  map[string]uuid.UUID            // of every workspace that was ever created
}

// Process is what a replica keeps in itself since its start, and loses with its end.
type Process struct {
	Started time.Time
	Since   time.Time      // when the present interval of a rate limit began
	Count   map[string]int // of calls since then, by address
}

// Recalled is what a step into a memory is answered.
type Recalled struct {
	OK  bool
	IDs []uuid.UUID
}

// NewKeyServer returns an empty one.
func NewKeyServer() *KeyServer {
	return &KeyServer{Keys: map[uuid.UUID]time.Time{}, Tokens: map[uuid.UUID][]store.TokenHash{}, Names: map[string]uuid.UUID{}}
}

// NewProcess returns one that started at the time.
func NewProcess(started time.Time) *Process {
	return &Process{Started: started, Count: map[string]int{}}
}

// Clone returns a copy that shares nothing with the original.
func (s *KeyServer) Clone() *KeyServer {
	c := &KeyServer{maps.Clone(s.Keys), maps.Clone(s.Tokens), maps.Clone(s.Names)}
	for id, tokens := range c.Tokens {
		c.Tokens[id] = slices.Clone(tokens)
	}
	return c
}

// Clone returns a copy that shares nothing with the original.
func (p *Process) Clone() *Process { return &Process{p.Started, p.Since, maps.Clone(p.Count)} }

// Shared is what the replicas of one deployment have in common beside their database.
type Shared struct {
	mu     sync.Mutex
	server *KeyServer
}

// NewShared returns an empty one.
func NewShared() *Shared { return &Shared{server: NewKeyServer()} }

// Replica returns the memory of a replica that started at the time.
func (s *Shared) Replica(started time.Time) Memory { return &replicaMemory{s, NewProcess(started)} }

type replicaMemory struct {
	shared *Shared
	own    *Process
}

// Do implements Memory.
func (m *replicaMemory) Do(_ string, _ uuid.UUID, do func(Kept) Recalled) Recalled {
	m.shared.mu.Lock()
	defer m.shared.mu.Unlock()
	return do(Kept{m.shared.server, m.own})
}

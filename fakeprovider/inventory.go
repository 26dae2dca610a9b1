package fakeprovider

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
)

// Inventory is the machines of the fake cloud: what was launched for whom, and what became of it. It keeps no time and
// answers at once; how long a cloud takes, and what it gets wrong, is for whoever stands in front of it. It is safe for
// concurrent use.
type Inventory struct {
	mu       sync.Mutex
	machines map[string]*cloud.Machine
	byOwner  map[owner]string
	launched int
}

// owner is what a launch is idempotent by.
type owner struct {
	workspace   string
	incarnation int
}

// NewInventory returns an empty one.
func NewInventory() *Inventory {
	return &Inventory{machines: map[string]*cloud.Machine{}, byOwner: map[owner]string{}}
}

// Ended is what a cloud answers to a launch that is repeated when its machine is terminated, as EC2 does since 2025: that it launches
// no other. It is nil where the machine lives.
func Ended(m cloud.Machine) error {
	if m.State.Live() {
		return nil
	}
	return fmt.Errorf("%w: machine %s, launched for the same, has ended", cloud.ErrRefused, m.ID)
}

// Launch returns the machine of the workspace's incarnation, and whether it is new. Asked again it is the same one, as EC2
// answers a repeated client token; it may be terminated by now, see [Ended]. Ids count up, so that they are the same
// in every run.
func (v *Inventory) Launch(spec cloud.Spec, now time.Time) (cloud.Machine, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := owner{spec.Key(), spec.Incarnation}
	if id, ok := v.byOwner[key]; ok {
		return *v.machines[id], false
	}
	v.launched++
	m := &cloud.Machine{
		ID: fmt.Sprintf("i-%08x", v.launched), WorkspaceID: spec.WorkspaceID, Incarnation: spec.Incarnation,
		State: cloud.Pending, LaunchedAt: now,
	}
	v.machines[m.ID] = m
	v.byOwner[key] = m.ID
	return *m, true
}

// Adopt puts a machine in that another cloud has launched, under the id that it has there.
func (v *Inventory) Adopt(m cloud.Machine) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.machines[m.ID] = &m
	v.byOwner[owner{m.WorkspaceID, m.Incarnation}] = m.ID
}

// Clone returns an inventory of the same machines, which goes its own way from here.
func (v *Inventory) Clone() *Inventory {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := &Inventory{
		machines: make(map[string]*cloud.Machine, len(v.machines)), byOwner: maps.Clone(v.byOwner), launched: v.launched,
	}
	for id, m := range v.machines {
		copied := *m
		c.machines[id] = &copied
	}
	return c
}

// Run marks a pending machine as running.
func (v *Inventory) Run(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if m := v.machines[id]; m != nil && m.State == cloud.Pending {
		m.State = cloud.Running
	}
}

// Stop terminates the machine, and reports whether it was live.
func (v *Inventory) Stop(id string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	m := v.machines[id]
	if m == nil || !m.State.Live() {
		return false
	}
	m.State = cloud.Terminated
	return true
}

// Describe returns the machine, or cloud.ErrNotFound.
func (v *Inventory) Describe(id string) (cloud.Machine, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	m := v.machines[id]
	if m == nil {
		return cloud.Machine{}, fmt.Errorf("%s: %w", id, cloud.ErrNotFound)
	}
	return *m, nil
}

// List returns the live machines, in order of their ids.
func (v *Inventory) List() []cloud.Machine {
	v.mu.Lock()
	defer v.mu.Unlock()
	live := make([]cloud.Machine, 0, len(v.machines))
	for _, m := range v.machines {
		if m.State.Live() {
			live = append(live, *m)
		}
	}
	slices.SortFunc(live, func(a, b cloud.Machine) int { return strings.Compare(a.ID, b.ID) })
	return live
}

// All returns every machine that was ever launched, in order of their ids.
func (v *Inventory) All() []cloud.Machine {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make([]cloud.Machine, 0, len(v.machines))
	for _, m := range v.machines {
		all = append(all, *m)
	}
	slices.SortFunc(all, func(a, b cloud.Machine) int { return strings.Compare(a.ID, b.ID) })
	return all
}

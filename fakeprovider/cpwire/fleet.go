package cpwire

import (
	"fmt"
	"slices"
	"time"
)

// fleet is the machines that are known, in the order of launches. It is guarded by the server's lock.
type fleet struct {
	all      []*machine
	most     int
	launched int
}

// room makes room for one more, and reports whether there is any.
func (f *fleet) room() bool {
	if len(f.all) < f.most {
		return true
	}
	i := slices.IndexFunc(f.all, func(m *machine) bool { return m.State == Terminated })
	if i < 0 {
		return false
	}
	f.all = slices.Delete(f.all, i, i+1)
	return true
}

func (f *fleet) add(m *machine, now time.Time) {
	f.launched++
	n := f.launched
	m.ID = fmt.Sprintf("cp-%08x", n)
	m.PrivateIP = fmt.Sprintf("10.%d.%d.%d", 128+n>>16&0x7f, n>>8&0xff, n&0xff)
	m.State, m.LaunchedAt, m.ChangedAt = Pending, now, now
	f.all = append(f.all, m)
}

// settle brings all machines to the states that they have at the time.
func (f *fleet) settle(now time.Time, boot time.Duration) {
	for _, m := range f.all {
		m.settle(now, boot)
	}
}

func (f *fleet) find(id string) *machine {
	for _, m := range f.all {
		if m.ID == id {
			return m
		}
	}
	return nil
}

// of returns the workspace's machines, the latest first.
func (f *fleet) of(workspace string) []*machine {
	var found []*machine
	for _, m := range slices.Backward(f.all) {
		if m.WorkspaceID == workspace {
			found = append(found, m)
		}
	}
	return found
}

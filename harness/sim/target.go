package sim

import (
	"net/http"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/plan"
)

// Target is a controller to be tried.
type Target struct {
	// Name is how reports speak of it.
	Name string
	// Deploy makes a fresh deployment for one run. Nothing of one may reach another.
	Deploy func() Deployment
	// Remembers says that replicas keep something that matters in memory, or elsewhere beside their store. Such a
	// controller can be simulated; it can be explored only where its deployment has a Recall, by which that is put back.
	Remembers bool
	// Contract is what the controller promises, where that is not the standard contract.
	Contract *contract.Contract
	// Policies are in what it differs from the contract on purpose: it is judged by what it says here.
	Policies contract.Policies
	// Around runs every run of the target, where it needs something around it; nil where it does not.
	Around func(run func()) error
	// Fit alters a plan to one that the target can be played with; nil where every plan is. A plan that fits already stays as it is.
	Fit func(*plan.Plan) *plan.Plan
}

// JudgedBy returns the contract that the target is judged by, or nil where that is the standard one.
func (t Target) JudgedBy() *contract.Contract {
	if len(t.Policies.Declared()) == 0 {
		return t.Contract
	}
	return t.Policies.Judging(t.Contract)
}

// Deployment is one or more replicas of a controller on one store.
type Deployment struct {
	// Table is what the store moves workspaces by.
	Table *lifecycle.Table
	// Start starts one replica, with what it must be made of. It is called again when a replica that died starts anew.
	Start func(controller.Config) (Instance, error)
	// SwallowingAgents has agents take every 4xx for success.
	SwallowingAgents bool
	// Recall has replicas that are started from now on keep in this memory what they would keep beside their store; nil where
	// that cannot be.
	Recall func(defects.Memory)
	// Beside is the controller, where it is not made of this project's parts; Table and Start are not asked then.
	Beside Beside
	// BootOf says which boot of its workspace a provision is for that such a controller orders, by its environment; nil where nobody
	// can say.
	BootOf func(env map[string]string) int
}

// Instance is one replica.
type Instance struct {
	Handler http.Handler
	Ticks   []controller.Tick
}

// Reference is the reference controller, as it is or with a defect; nil is none.
func Reference(d *defects.Defect) Target {
	name := "reference controller"
	if d != nil {
		name += " with the defect " + d.Name
	}
	return Target{Name: name, Remembers: d != nil && d.Remembers, Deploy: func() Deployment {
		shared := defects.NewShared()
		var recalled defects.Memory
		deployment := Deployment{
			Table:            d.Lifecycle(lifecycle.Standard()),
			SwallowingAgents: d.SwallowsErrors(),
			Start: func(c controller.Config) (Instance, error) {
				memory := recalled
				if memory == nil {
					memory = shared.Replica(c.Clock.Now())
				}
				built, err := defects.Build(d, memory, c)
				return Instance{Handler: built.Handler, Ticks: built.Ticks}, err
			},
		}
		if d != nil && d.Remembers {
			deployment.Recall = func(m defects.Memory) { recalled = m }
		}
		return deployment
	}}
}

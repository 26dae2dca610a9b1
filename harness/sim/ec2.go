package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/sched"
)

// EC2 in the simulation: the controller's own client, unmodified, speaks EC2's wire to the fake one in the same process, in
// virtual time. Each attempt of a call is a trip on which faults strike and during which others run.

// ec2Attempt is how long one attempt may take: the client's default.
const ec2Attempt = 20 * time.Second

// ec2Boot is how long EC2 calls a machine pending. Assumed, from what small instances usually take.
const ec2Boot = 15 * time.Second

// ec2Page is how many machines EC2 shows at once. It may show fewer than it is asked for, and a fleet of this size has pages.
const ec2Page = 3

// openEC2 opens the fake EC2 of the run.
func (w *world) openEC2() {
	w.ec2 = ec2wire.New(ec2wire.Options{
		Now:      func() time.Time { return sched.Epoch.Add(w.sched.Now()) },
		Times:    ec2wire.Times{Boot: ec2Boot, ShutDown: 5 * time.Second},
		Hidden:   func(m ec2wire.Machine) bool { return w.unseenOnEC2(m) },
		MostRows: ec2Page,
		// A launch beyond it would be a machine too many by far.
		MaxMachines: 1 << 16,
		Launched:    w.launchedOnEC2,
		Stopped:     func(m ec2wire.Machine) { w.stopped(m.ID, history.Terminated) },
	})
}

// machineOf is a machine of EC2's as package cloud sees it, by its tags.
func machineOf(m ec2wire.Machine) cloud.Machine {
	incarnation, _ := strconv.Atoi(m.Tags[ec2.TagIncarnation]) // 0 where a client forgot the tag
	return cloud.Machine{
		ID: m.ID, WorkspaceID: m.Tags[ec2.TagWorkspace], Incarnation: incarnation, State: cloud.Pending, LaunchedAt: m.LaunchedAt,
	}
}

// launchedOnEC2 boots what EC2 launched, as its user data says.
func (w *world) launchedOnEC2(m ec2wire.Machine) {
	env, err := ec2.BootEnv(m.UserData)
	if err != nil {
		env = nil // nobody can boot it as an agent
	}
	one := machineOf(m)
	w.inventory.Adopt(one)
	w.launched(one, cloud.Spec{Env: env}, w.owner(one.WorkspaceID))
}

// endOnWire tells the cloud that the machine is one of, where it has a wire, that it died.
func (w *world) endOnWire(id string) {
	var err error
	if w.ec2 != nil {
		err = w.ec2.End(id, ec2wire.HostFailure)
	}
	if w.cp != nil && (w.ec2 == nil || err != nil) {
		err = w.cp.End(id, "")
	}
	if err != nil {
		panic(err) // it was launched there
	}
}

// unseenOnEC2 reports whether a fault hides the machine from those who ask. What has ended since a list is stale is not
// shown by it: EC2's wire has states of its own for that.
func (w *world) unseenOnEC2(m ec2wire.Machine) bool {
	return w.hidden[m.ID] || w.faults.Clouds() && w.faults.Unseen(w.owner(m.Tags[ec2.TagWorkspace]), m.LaunchedAt.Sub(sched.Epoch))
}

// ec2Proxy is a replica's EC2 client, whose calls are written down.
type ec2Proxy struct {
	cloudProxy
	client *ec2.Cloud
}

// ec2Client makes the replica's client anew: what the one before kept in memory is gone.
func (r *replica) ec2Client() cloud.Cloud {
	w := r.world
	client, err := ec2.New(context.Background(), ec2.Config{
		Deployment: "simulation", Endpoint: "http://ec2.simulated", ImageID: ec2wire.DefaultImages()[0].ID, AgentCommand: "agent",
		AttemptTimeout: ec2Attempt, Transport: ec2Way{r}, Now: func() time.Time { return r.process.Now() },
		Wait: w.wait, Jitter: func() float64 { return float64(w.oracle.Choose(oracle.Latency, 1000)) / 1000 },
	})
	if err != nil {
		panic(err) // nothing of it comes from outside
	}
	return &ec2Proxy{cloudProxy{r}, client}
}

// Launch implements cloud.Cloud.
func (p *ec2Proxy) Launch(ctx context.Context, spec cloud.Spec) (cloud.Machine, error) {
	w := p.replica.world
	sent := w.sched.Now()
	m, err := p.client.Launch(ctx, spec)
	p.recordLaunch(sent, w.owner(spec.WorkspaceID), &spec, m.ID, err)
	return m, err
}

// Terminate implements cloud.Cloud.
func (p *ec2Proxy) Terminate(ctx context.Context, id string) error {
	w := p.replica.world
	sent := w.sched.Now()
	m, _ := w.inventory.Describe(id) // an unknown machine belongs to nobody
	err := p.client.Terminate(ctx, id)
	p.record("terminate", sent, w.owner(m.WorkspaceID), m.Incarnation, id, err)
	return err
}

// Describe implements cloud.Cloud.
func (p *ec2Proxy) Describe(ctx context.Context, id string) (cloud.Machine, error) {
	return p.client.Describe(ctx, id)
}

// List implements cloud.Cloud.
func (p *ec2Proxy) List(ctx context.Context) ([]cloud.Machine, error) { return p.client.List(ctx) }

// ec2Way carries the attempts of a replica's calls to EC2.
type ec2Way struct{ replica *replica }

// errLate is what becomes of an attempt that takes too long.
var errLate = errors.New("no answer in time")

// RoundTrip implements http.RoundTripper.
func (t ec2Way) RoundTrip(q *http.Request) (*http.Response, error) {
	w := t.replica.world
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	ws, call, least, most := w.ec2Call(body)
	late := w.sched.Now() + ec2Attempt
	half := w.latency(least/2, most/2)
	if err := w.within(q.Context(), late, half); err != nil {
		return nil, err
	}
	fate := w.cloudCall(ws, call)
	if call == "list" && w.faults.Clouds() {
		w.hide()
	}
	answer, err := w.askEC2(q, body, fate.Err)
	w.hidden = nil
	if err != nil {
		return nil, err
	}
	if err := w.within(q.Context(), late, half+fate.Delay); err != nil {
		return nil, err
	}
	return answer, nil
}

// hide has the list that is about to be made lack what a fault keeps from it.
func (w *world) hide() {
	live := w.inventory.List()
	w.hidden = make(map[string]bool, len(live))
	for _, m := range live {
		w.hidden[m.ID] = true
	}
	for _, m := range w.listed(live) {
		delete(w.hidden, m.ID)
	}
}

// within waits, but no longer than until the attempt is late or the context over.
func (w *world) within(ctx context.Context, late, d time.Duration) error {
	if left := late - w.sched.Now(); d > left {
		if err := w.wait(ctx, left); err != nil {
			return err
		}
		return errLate
	}
	return w.wait(ctx, d)
}

// ec2Call says what the request is about, by the names that faults go by, and how long it takes at the least and at most.
func (w *world) ec2Call(body []byte) (ws int, call string, least, most time.Duration) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return 0, "", leastAsk, mostAsk
	}
	machine, _ := w.inventory.Describe(form.Get("InstanceId.1"))
	switch form.Get("Action") {
	case "RunInstances":
		for i := 1; form.Has(fmt.Sprintf("TagSpecification.1.Tag.%d.Key", i)); i++ {
			if form.Get(fmt.Sprintf("TagSpecification.1.Tag.%d.Key", i)) == ec2.TagWorkspace {
				ws = w.owner(form.Get(fmt.Sprintf("TagSpecification.1.Tag.%d.Value", i)))
			}
		}
		return ws, "launch", leastLaunch, mostLaunch
	case "TerminateInstances":
		return w.owner(machine.WorkspaceID), "terminate", leastAsk, mostAsk
	case "DescribeInstances":
		if form.Has("InstanceId.1") {
			return w.owner(machine.WorkspaceID), "describe", leastAsk, mostAsk
		}
		return 0, "list", leastAsk, mostAsk
	default:
		return 0, "", leastAsk, mostAsk
	}
}

// askEC2 has EC2 answer the request: with the error where a fault wants one, as EC2 words it.
func (w *world) askEC2(q *http.Request, body []byte, wanted error) (*http.Response, error) {
	if rule, ok := ec2Rule(wanted); ok {
		if err := w.ec2.SetFaults(ec2wire.Faults{Rules: []ec2wire.Rule{rule}}); err != nil {
			return nil, err
		}
		defer w.ec2.SetFaults(ec2wire.Faults{}) //nolint:errcheck // no faults make sense
	}
	return served(w.ec2, q, body).response(q), nil
}

// ec2Rule is what EC2 does to a call that package cloud's error is wanted of.
func ec2Rule(wanted error) (ec2wire.Rule, bool) {
	switch {
	case wanted == nil:
		return ec2wire.Rule{}, false
	case errors.Is(wanted, cloud.ErrThrottled):
		return ec2wire.Rule{Kind: ec2wire.Throttled}, true
	case errors.Is(wanted, cloud.ErrCapacity):
		return ec2wire.Rule{Kind: ec2wire.NoCapacity}, true
	case errors.Is(wanted, cloud.ErrRefused):
		return ec2wire.Rule{
			Kind: ec2wire.Failed, Status: http.StatusBadRequest, Code: "InvalidAMIID.NotFound", Message: fault.ErrForGood.Error(),
		}, true
	default:
		return ec2wire.Rule{Kind: ec2wire.Internal}, true
	}
}

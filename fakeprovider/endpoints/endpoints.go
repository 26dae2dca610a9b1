package endpoints

import (
	"fmt"
	"strconv"
	"time"

	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/fakeprovider/cpwire"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/fakeprovider/llm"
)

// Options say what the [Endpoints] are like. The zero value is at the speed of the wall clock, and has no machines.
type Options struct {
	// Seed is what everything that is drawn is drawn from.
	Seed uint64
	// Speed is how many times faster than the wall clock machines boot and LLM providers answer; 1 by default.
	Speed float64
	// Boot is how long a machine is pending, before it is divided by Speed; 0 is no time.
	Boot time.Duration
	// Check, Stop and ShutDown are how long a machine of EC2 runs before its status checks have passed, and how long it is stopping
	// and shutting down, likewise.
	Check, Stop, ShutDown time.Duration
	// Region, Images, AnyImage and MaxMachines are those of ec2wire.Options. Images are beside the default ones.
	Region      string
	Images      []ec2wire.Image
	AnyImage    bool
	MaxMachines int
	// Hosts are the names that requests may be sent to, beside loopback's and the address that they come to.
	Hosts []string
	// CPToken is the bearer token that the control plane's callers must have; "" lets everybody in.
	CPToken string

	// Launched is told of every machine that begins to boot, and Stopped of every machine that begins to end, so that somebody
	// boots and ends what runs on it. The machines of one cloud are told one at a time and in the order of events, usually
	// before the call that caused them is answered. Both may be called for two clouds at once; they may call the endpoints;
	// and either may be nil.
	Launched func(Machine)
	Stopped  func(Machine)
	// TellBoots has the administration tell what machines boot with, credentials included, to whoever asks it, so that somebody
	// in another process boots and ends what runs on them.
	TellBoots bool
	// Answered is told of every completion, as in llm.Options. It may be nil.
	Answered func(llm.Call)
}

// The clouds that a machine can be of.
const (
	CloudEC2 = "ec2"
	CloudCP  = "cp"
)

// Machine is a machine of one of the clouds, as whoever boots agents wants to know it.
type Machine struct {
	Cloud       string `json:"cloud"` // CloudEC2 or CloudCP
	ID          string `json:"id"`
	WorkspaceID string `json:"workspace_id"`          // of EC2, the tag bootrace:workspace; "" where there is none
	Incarnation int    `json:"incarnation,omitempty"` // of EC2, the tag bootrace:incarnation; 0 where there is none
	Boots       int    `json:"boots"`                 // how often it has begun to boot; EC2 machines can be started again
	Died        bool   `json:"died,omitempty"`        // it ends, and nobody has asked for that
	// Status and Error are the answer to the call, for one that could not be launched; 0 where the connection was closed instead.
	Status int    `json:"status,omitempty"`
	Error  string `json:"error,omitempty"`
	// Env is the agent's environment: of EC2, what the reference controller wrote into the user data, and nil where that is
	// somebody else's script. It may hold credentials.
	Env      map[string]string `json:"env,omitempty"`
	UserData []byte            `json:"-"` // of EC2
}

// Endpoints are the fake endpoints. They are safe for concurrent use.
type Endpoints struct {
	EC2 *ec2wire.Server
	CP  *cpwire.Server
	LLM *llm.Server

	seed  uint64
	speed float64
	hosts []string
	boots *journal // nil where nobody is told
}

// New returns endpoints with no machines.
func New(o Options) (*Endpoints, error) {
	if o.Speed == 0 {
		o.Speed = 1
	}
	for _, d := range []time.Duration{o.Boot, o.Check, o.Stop, o.ShutDown} {
		if d < 0 {
			return nil, fmt.Errorf("endpoints: machines take %s: below zero", d)
		}
	}
	providers := llm.Options{Seed: o.Seed, Speed: o.Speed, Answered: o.Answered}
	if err := providers.Validate(); err != nil {
		return nil, err
	}
	scaled := func(d time.Duration) time.Duration { return time.Duration(float64(d) / o.Speed) }
	boot := scaled(o.Boot)
	var boots *journal
	if o.TellBoots {
		boots = newJournal()
		o.Launched = both(func(m Machine) { boots.add(Launched, m) }, o.Launched)
		o.Stopped = both(func(m Machine) { boots.add(Stopped, m) }, o.Stopped)
	}
	return &Endpoints{
		EC2: ec2wire.New(ec2wire.Options{
			Seed: o.Seed, Region: o.Region, Images: append(ec2wire.DefaultImages(), o.Images...), AnyImage: o.AnyImage,
			MaxMachines: o.MaxMachines,
			Times:       ec2wire.Times{Boot: boot, Check: scaled(o.Check), Stop: scaled(o.Stop), ShutDown: scaled(o.ShutDown)}, Launched: tell(o.Launched, ofEC2), Stopped: tell(o.Stopped, ofEC2),
		}),
		CP: cpwire.New(cpwire.Options{
			Seed: o.Seed, Boot: boot, Token: o.CPToken, Launched: tell(o.Launched, ofCP), Stopped: tell(o.Stopped, ofCP),
		}),
		LLM:  llm.New(providers),
		seed: o.Seed, speed: o.Speed, hosts: o.Hosts, boots: boots,
	}, nil
}

// tell makes a cloud's listener of one for both.
func tell[M any](listener func(Machine), as func(M) Machine) func(M) {
	if listener == nil {
		return nil
	}
	return func(m M) { listener(as(m)) }
}

func ofEC2(m ec2wire.Machine) Machine {
	out := Machine{Cloud: CloudEC2, ID: m.ID, WorkspaceID: m.Tags[ec2.TagWorkspace], Boots: m.Boots, UserData: m.UserData}
	out.Incarnation, _ = strconv.Atoi(m.Tags[ec2.TagIncarnation]) // 0 where somebody else has launched it
	out.Died = m.Reason != ec2wire.Reason{} && m.Reason != ec2wire.UserInitiated
	if env, err := ec2.BootEnv(m.UserData); err == nil {
		out.Env = env
	}
	return out
}

func ofCP(m cpwire.Machine) Machine {
	return Machine{Cloud: CloudCP, ID: m.ID, WorkspaceID: m.WorkspaceID, Boots: 1, Env: m.Env, Died: m.Reason != "" && m.Reason != cpwire.ReasonDeleted}
}

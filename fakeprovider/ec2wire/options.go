package ec2wire

import (
	"slices"
	"time"
)

// Options say what a [Server] is like. The zero value is a region with no machines in which everything happens at once.
type Options struct {
	// Region is where the machines are, us-east-1 by default. The region that a client signs for is not compared with it.
	Region string
	// AccountID owns the machines; 12 digits.
	AccountID string
	// AccessKeys are the access key ids that are let in; with none, any is.
	AccessKeys []string
	// Now is the clock, the machine's by default. States, buckets and windows go by it.
	Now func() time.Time
	// Times are how long state changes take.
	Times Times
	// Images and KeyPairs are what there is to launch with; the default is [DefaultImages] and a key pair "bootrace".
	Images []Image
	// AnyImage has every well-formed id be an image, of the architecture that the launch needs.
	AnyImage bool
	KeyPairs []string
	// MaxMachines bounds what is kept: machines that live and those that are remembered, 100,000 by default. A launch past
	// it makes the oldest terminated machines forgotten, and is InstanceLimitExceeded where there are none.
	MaxMachines int
	// Seed is what [Rule.Share] draws from.
	Seed uint64
	// Faults are what goes wrong from the start; see [Server.SetFaults].
	Faults Faults
	// MostRows is how many machines one reply to DescribeInstances shows at the most, whatever it asks for: EC2 may answer with
	// fewer than MaxResults, and a token for the rest. 0 is as many as it asks for.
	MostRows int
	// Hidden has machines be missing from lists and NotFound by their ids, beside those that Faults.Invisible hides. It must not
	// call the server. It may be nil.
	Hidden func(Machine) bool

	// Launched is told whenever a machine begins to boot (RunInstances, StartInstances, RebootInstances), and Stopped
	// whenever it begins to end (StopInstances, RebootInstances, TerminateInstances, [Server.End]), so that somebody boots
	// and ends what runs on it. They are called one at a time and in the order of events, usually before the call that
	// caused them is answered and at the latest while another one is. They may call the server. Either may be nil.
	Launched func(Machine)
	Stopped  func(Machine)
}

// Times are how long machines take for what they do. 0 means at once, but for Forget.
type Times struct {
	Boot     time.Duration // pending → running
	Check    time.Duration // running → status checks passed
	Stop     time.Duration // stopping → stopped
	ShutDown time.Duration // shutting-down → terminated
	Forget   time.Duration // terminated → NotFound; an hour by default, as on EC2
}

// tokenMemory is how long a client token counts after the end of its machines, or after a launch that failed.
const tokenMemory = 24 * time.Hour

func (o Options) withDefaults() Options {
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.AccountID == "" {
		o.AccountID = "123456789012"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Times.Forget == 0 {
		o.Times.Forget = time.Hour
	}
	if o.Images == nil {
		o.Images = DefaultImages()
	}
	if o.KeyPairs == nil {
		o.KeyPairs = []string{"bootrace"}
	}
	if o.MaxMachines <= 0 {
		o.MaxMachines = 100_000
	}
	o.AccessKeys = slices.Clone(o.AccessKeys)
	return o
}

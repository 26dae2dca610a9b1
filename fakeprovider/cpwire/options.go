package cpwire

import "time"

// Options say what a [Server] is like. The zero value has no machines, lets everybody in, and boots at once.
type Options struct {
	// Token is the bearer token that calls must carry; "" lets everybody in.
	Token string
	// Now is the clock, the machine's by default. States go by it.
	Now func() time.Time
	// Boot is how long a machine is pending; 0 is no time.
	Boot time.Duration
	// MaxMachines bounds what is kept: machines that live and those that are remembered, 4096 by default. A launch past it
	// makes the oldest terminated machine forgotten, and is a lack of capacity where there is none.
	MaxMachines int
	// Seed is what [Rule.Share] draws from.
	Seed uint64
	// Faults are what goes wrong from the start; see [Server.SetFaults].
	Faults Faults

	// Launched is told of every machine when it is launched, and Stopped when it ends, so that somebody boots and ends what
	// runs on it. They are called one at a time and in the order of events, usually before the call that caused them is
	// answered and at the latest while another one is. They may call the server. Either may be nil.
	Launched func(Machine)
	Stopped  func(Machine)
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxMachines <= 0 {
		o.MaxMachines = 4096
	}
	return o
}

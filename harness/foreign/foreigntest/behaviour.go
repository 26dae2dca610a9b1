package foreigntest

import "time"

// Behaviour is what a server does differently from the contract, a switch each.
type Behaviour struct {
	BeatIgnoresFailed   bool // the heartbeat handler has no branch for failed; a register heals it all the same
	RegisterUnpauses    bool // a register moves paused and hibernated rows to online
	RegisterOfRemoved   bool // a register of a removed row gets 200 and a live token; the row stays as it is
	BeatOfRemoved       bool // a heartbeat of a removed row gets 200
	RemovedNotShown     bool // a removed row is 404 to everybody who reads it
	UnknownAccepted     bool // a register makes a row for an id that nobody created, and heartbeats for it get 200
	CreateInSteps       bool // a create with a known URL shows provisioning for an instant
	RestartInSteps      bool // a restart writes its row twice, and an agent's call may come in between
	FamilyInSteps       bool // pause and resume go through the family row by row
	SameProvision       bool // restart and resume send the control plane the first provision's body, to the letter
	ProvisionFirst      bool // a create is answered after the control plane was asked, and not before
	StopsNothing        bool // no call stops a machine at the control plane
	ThrottledIsRefused  bool // a provision that the control plane throttles fails the workspace at once
	FeedTellsUnwritten  bool // the feed says online for a guarded UPDATE that changed nothing
	FeedProvisionFailed bool // the feed's word for failed is PROVISION_FAILED
	ConfirmCascades     bool // DELETE ?confirm=true removes the children as well
	KeepsToken          bool // restart and resume leave the former token live
	KeepsUnconfirmed    bool // a token whose reply was lost stays the only one; otherwise a register replaces what nobody has used
	ResumeHibernated404 bool // resume does not wake what is hibernated
	TokensElsewhere     bool // tokens are minted where nobody outside can read them
	NeedsOrg            bool // without X-Molecule-Org-Id, operators' calls get 404
	NoProvisioner       bool // a create fails at once: there is nothing to boot it with
	NoSweep             bool // no budget and no silence is ever noticed
	NoFeed              bool // GET /events is 404
	RateLimit           int  // calls a minute for each client; more get 429 with Retry-After; 0 is no limit

	Step    time.Duration // between two steps of one call; 20ms where zero
	Latency time.Duration // of each call; 2ms where zero
}

// AsFound is the server as it was seen, with the seed defect.
func AsFound() Behaviour {
	return Behaviour{
		BeatIgnoresFailed: true, RegisterUnpauses: true, RegisterOfRemoved: true, UnknownAccepted: true, CreateInSteps: true,
		RestartInSteps: true, FamilyInSteps: true, SameProvision: true, StopsNothing: true, ThrottledIsRefused: true,
		FeedTellsUnwritten: true, FeedProvisionFailed: true, ConfirmCascades: true, KeepsToken: true, KeepsUnconfirmed: true, ResumeHibernated404: true,
	}
}

// Fixed is the same server with the seed's fix.
func Fixed() Behaviour {
	b := AsFound()
	b.BeatIgnoresFailed = false
	return b
}

// Times are those that a server is run with; zero ones are the contract's.
type Times struct {
	Budget, ProvisionSweep          time.Duration
	TTL, ExternalTTL, LivenessSweep time.Duration
	LaunchRetry                     time.Duration // how long it waits before it asks again for a machine that it did not get
}

func (t Times) withDefaults() Times {
	for _, x := range []struct {
		value *time.Duration
		or    time.Duration
	}{
		{&t.Budget, 10 * time.Minute}, {&t.ProvisionSweep, 30 * time.Second}, {&t.TTL, 180 * time.Second}, {&t.ExternalTTL, 90 * time.Second},
		{&t.LivenessSweep, 15 * time.Second}, {&t.LaunchRetry, 10 * time.Second},
	} {
		if *x.value == 0 {
			*x.value = x.or
		}
	}
	return t
}

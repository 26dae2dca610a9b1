package contract

import "time"

// Times are the durations that the promises count with. Those marked "ours" are the reference controller's own, since the wire
// does not give them.
type Times struct {
	// ProvisionTimeout overrides the budget of every runtime where it is not 0.
	ProvisionTimeout time.Duration `json:"provision_timeout,omitempty"`
	// Budgets are how long a boot may take, by runtime; OtherBudget is everybody else's.
	Budgets     map[string]time.Duration `json:"budgets,omitempty"`
	OtherBudget time.Duration            `json:"other_budget"`

	Heartbeat      time.Duration `json:"heartbeat"`
	RequestTimeout time.Duration `json:"request_timeout"` // of an agent's call

	LivenessTTL time.Duration `json:"liveness_ttl"`
	ExternalTTL time.Duration `json:"external_ttl"`

	ProvisionSweepEvery time.Duration `json:"provision_sweep_every"`
	LivenessSweepEvery  time.Duration `json:"liveness_sweep_every"`
	OrphanSweepEvery    time.Duration `json:"orphan_sweep_every"`
	LauncherEvery       time.Duration `json:"launcher_every"` // ours: the wire launches from the request

	LaunchTimeout  time.Duration `json:"launch_timeout"`   // ours: of one call to the cloud
	LaunchRetryMax time.Duration `json:"launch_retry_max"` // ours: the longest pause between two launches of one boot
	LaunchesAtOnce int           `json:"launches_at_once"` // ours: how many calls one replica makes to the cloud at a time
	LaunchBatch    int           `json:"launch_batch"`     // ours: how many machines one turn of the launcher launches
}

// times are the wire's table of times.
func times() Times {
	return Times{
		Budgets:     map[string]time.Duration{"hermes": 30 * time.Minute},
		OtherBudget: 10 * time.Minute,

		Heartbeat:      30 * time.Second,
		RequestTimeout: 10 * time.Second,

		LivenessTTL: 180 * time.Second,
		ExternalTTL: 90 * time.Second,

		ProvisionSweepEvery: 30 * time.Second,
		LivenessSweepEvery:  15 * time.Second, // the wire's health sweep
		OrphanSweepEvery:    60 * time.Second,
		LauncherEvery:       5 * time.Second,

		LaunchTimeout:  60 * time.Second,
		LaunchRetryMax: 60 * time.Second,
		LaunchesAtOnce: 16,
		LaunchBatch:    256,
	}
}

// Budget is how long a boot of the runtime may take.
func (t Times) Budget(runtime string) time.Duration {
	if t.ProvisionTimeout > 0 {
		return t.ProvisionTimeout
	}
	if b, ok := t.Budgets[runtime]; ok {
		return b
	}
	return t.OtherBudget
}

package controller

import (
	"fmt"
	"time"
)

// Settings are the times that a controller runs by. The zero value of a field means its default, which is the
// contract's (the public molecule-core server's) unless noted.
type Settings struct {
	// ProvisionTimeout overrides the budget of every runtime where it is not 0.
	ProvisionTimeout time.Duration `json:"provision_timeout,omitempty"`
	// Budgets are how long a boot may take, by runtime; others have OtherBudget, which is DefaultBudget where it is 0.
	Budgets     map[string]time.Duration `json:"budgets,omitempty"`
	OtherBudget time.Duration            `json:"other_budget,omitempty"`
	// LivenessTTL is how long a workspace may be silent before it is offline; ExternalTTL the same for external ones.
	LivenessTTL time.Duration `json:"liveness_ttl,omitempty"`
	ExternalTTL time.Duration `json:"external_ttl,omitempty"`

	ProvisionSweepEvery time.Duration `json:"provision_sweep_every,omitempty"`
	LivenessSweepEvery  time.Duration `json:"liveness_sweep_every,omitempty"`
	OrphanSweepEvery    time.Duration `json:"orphan_sweep_every,omitempty"`
	LauncherEvery       time.Duration `json:"launcher_every,omitempty"` // ours: the contract launches from the request

	// LaunchTimeout bounds one call to the cloud; a transient failure is tried again after LaunchRetryMin, doubled each
	// time up to LaunchRetryMax. All three are ours.
	LaunchTimeout  time.Duration `json:"launch_timeout,omitempty"`
	LaunchRetryMin time.Duration `json:"launch_retry_min,omitempty"`
	LaunchRetryMax time.Duration `json:"launch_retry_max,omitempty"`

	// LaunchBatch is how many machines one turn of the launcher stops, and launches, at most: who comes after waits for the
	// next turn. SweepBatch is how many rows one statement of a sweep moves at most, so that no lock is held for long; a
	// sweep repeats it until fewer are left. Both are ours.
	LaunchBatch int `json:"launch_batch,omitempty"`
	SweepBatch  int `json:"sweep_batch,omitempty"`
}

// DefaultBudget is how long a boot may take where its runtime has no budget of its own.
const DefaultBudget = 10 * time.Minute

// DefaultSettings returns the defaults in full.
func DefaultSettings() Settings { return Settings{}.WithDefaults() }

// WithDefaults returns the settings with every zero field filled in.
func (s Settings) WithDefaults() Settings {
	if s.Budgets == nil {
		s.Budgets = map[string]time.Duration{"hermes": 30 * time.Minute}
	}
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&s.LivenessTTL, 180 * time.Second},
		{&s.ExternalTTL, 90 * time.Second},
		{&s.ProvisionSweepEvery, 30 * time.Second},
		{&s.LivenessSweepEvery, 15 * time.Second},
		{&s.OrphanSweepEvery, 60 * time.Second},
		{&s.LauncherEvery, 5 * time.Second},
		{&s.LaunchTimeout, 60 * time.Second},
		{&s.LaunchRetryMin, 5 * time.Second},
		{&s.LaunchRetryMax, 60 * time.Second},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if s.LaunchBatch == 0 {
		s.LaunchBatch = 256
	}
	if s.SweepBatch == 0 {
		s.SweepBatch = 500
	}
	return s
}

// Validate reports the first setting that makes no sense.
func (s Settings) Validate() error {
	for _, f := range []struct {
		name  string
		value time.Duration
	}{
		{"provision_timeout", s.ProvisionTimeout},
		{"other_budget", s.OtherBudget},
		{"liveness_ttl", s.LivenessTTL},
		{"external_ttl", s.ExternalTTL},
		{"provision_sweep_every", s.ProvisionSweepEvery},
		{"liveness_sweep_every", s.LivenessSweepEvery},
		{"orphan_sweep_every", s.OrphanSweepEvery},
		{"launcher_every", s.LauncherEvery},
		{"launch_timeout", s.LaunchTimeout},
		{"launch_retry_min", s.LaunchRetryMin},
		{"launch_retry_max", s.LaunchRetryMax},
	} {
		if f.value < 0 {
			return fmt.Errorf("controller: %s is %s, below zero", f.name, f.value)
		}
	}
	if s.LaunchBatch < 0 || s.SweepBatch < 0 {
		return fmt.Errorf("controller: launch_batch %d or sweep_batch %d is below zero", s.LaunchBatch, s.SweepBatch)
	}
	return nil
}

// Budget is how long a boot of the runtime may take, from its start.
func (s Settings) Budget(runtime string) time.Duration {
	if s.ProvisionTimeout > 0 {
		return s.ProvisionTimeout
	}
	if b, ok := s.Budgets[runtime]; ok {
		return b
	}
	if s.OtherBudget > 0 {
		return s.OtherBudget
	}
	return DefaultBudget
}

// MaxSpeed is the most that Scale makes settings faster.
const MaxSpeed = 1000

// Scale returns the settings, defaults included, for a world whose time passes speed times faster than the wall clock: every
// duration divided by it, to no less than a millisecond, since 0 would mean the default. It is an error where the speed is
// not above zero, or above MaxSpeed. A speed of 1 changes nothing but that the defaults are filled in.
func (s Settings) Scale(speed float64) (Settings, error) {
	if !(speed > 0 && speed <= MaxSpeed) { // not a number is neither
		return Settings{}, fmt.Errorf("controller: speed %v is not above 0 and at most %d", speed, MaxSpeed)
	}
	s = s.WithDefaults()
	if s.OtherBudget == 0 {
		s.OtherBudget = DefaultBudget
	}
	scale := func(d time.Duration) time.Duration {
		if d == 0 { // a provision timeout that is not set
			return 0
		}
		return max(time.Millisecond, time.Duration(float64(d)/speed))
	}
	budgets := make(map[string]time.Duration, len(s.Budgets))
	for runtime, d := range s.Budgets {
		budgets[runtime] = scale(d)
	}
	s.Budgets = budgets
	for _, d := range []*time.Duration{
		&s.ProvisionTimeout, &s.OtherBudget, &s.LivenessTTL, &s.ExternalTTL, &s.ProvisionSweepEvery, &s.LivenessSweepEvery,
		&s.OrphanSweepEvery, &s.LauncherEvery, &s.LaunchTimeout, &s.LaunchRetryMin, &s.LaunchRetryMax,
	} {
		*d = scale(*d)
	}
	return s, nil
}

// LaunchBackoff is how long to wait after the n-th failed attempt, from 1.
func (s Settings) LaunchBackoff(n int) time.Duration {
	d := s.LaunchRetryMin
	for ; n > 1 && d < s.LaunchRetryMax; n-- {
		d *= 2
	}
	return min(d, s.LaunchRetryMax)
}

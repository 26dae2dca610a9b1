package ec2_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/cloudtest"
	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]ec2wire.Options{
		"at once":               {},
		"slowly":                {Times: ec2wire.Times{Boot: 30 * time.Millisecond, ShutDown: 30 * time.Millisecond}},
		"eventually consistent": {Faults: ec2wire.Faults{Invisible: ec2wire.Duration(300 * time.Millisecond)}},
		"throttled":             {Seed: 1, Faults: ec2wire.Faults{Rules: []ec2wire.Rule{{Kind: ec2wire.Throttled, Share: 0.2}}}},
		"replies cut short":     {Seed: 1, Faults: ec2wire.Faults{Rules: []ec2wire.Rule{{Kind: ec2wire.LostCut, Share: 0.2}}}},
		"replies lost":          {Seed: 1, Faults: ec2wire.Faults{Rules: []ec2wire.Rule{{Kind: ec2wire.LostClosed, Share: 0.2}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloudtest.Run(t, func(t *testing.T) cloudtest.Backend {
				endpoint := serve(t, ec2wire.New(o))
				return cloudtest.Backend{
					Connect: func(t *testing.T) cloud.Cloud {
						return connect(t, endpoint, func(c *ec2.Config) {
							c.Settle, c.MaxAttempts = 2*time.Second, 8 // 3 attempts fail too often where a fifth of them do
							if strings.HasSuffix(name, "cap") {
								c.MaxMachines = 100
							}
						})
					},
					Settle: 2 * time.Second,
				}
			})
		})
	}
}

package fakeprovider_test

import (
	"context"
	"errors"
	"testing"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/cloudtest"
	"github.com/bootrace/bootrace/fakeprovider"
)

func TestCloudConformance(t *testing.T) {
	t.Parallel()
	cloudtest.Run(t, func(*testing.T) cloudtest.Backend {
		c := fakeprovider.NewCloud()
		return cloudtest.Backend{Connect: func(*testing.T) cloud.Cloud { return c }}
	})
}

func TestCloudTellsOfEachMachineOnce(t *testing.T) {
	t.Parallel()
	c := fakeprovider.NewCloud()
	var launched, stopped []string
	c.Launched = func(m cloud.Machine, s cloud.Spec) { launched = append(launched, m.ID+" "+s.Name) }
	c.Stopped = func(m cloud.Machine) { stopped = append(stopped, m.ID) }
	spec := cloud.Spec{WorkspaceID: "w", Incarnation: 1, Name: "n"}
	for range 2 {
		m, err := c.Launch(context.Background(), spec)
		if err != nil {
			t.Fatal(err)
		}
		c.Inventory.Run(m.ID)
	}
	for range 2 {
		if err := c.Terminate(context.Background(), "i-00000001"); err != nil {
			t.Fatal(err)
		}
		c.Inventory.Run("i-00000001")
	}
	if len(launched) != 1 || launched[0] != "i-00000001 n" || len(stopped) != 1 {
		t.Errorf("launched %v, stopped %v", launched, stopped)
	}
	if m, err := c.Describe(context.Background(), "i-00000001"); err != nil || m.State != cloud.Terminated {
		t.Errorf("a machine that was stopped is %s, %v", m.State, err)
	}
	if _, err := c.Launch(context.Background(), spec); !errors.Is(err, cloud.ErrRefused) {
		t.Errorf("the launch of a machine that has ended, repeated: %v", err)
	}
}

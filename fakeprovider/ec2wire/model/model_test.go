package model_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire/model"
)

// The model is that of the SDK's version in go.mod.
func TestModelIsGenerated(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out, err := exec.CommandContext(context.Background(), "go", "run", "./gen", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	fresh, err := os.ReadFile(dir + "/model.json")
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile("model.json")
	if err != nil || !bytes.Equal(fresh, kept) {
		t.Errorf("model.json is out of date (%v): run go generate ./fakeprovider/ec2wire/model", err)
	}
}

// What was counted by hand in the documentation.
func TestModelIsWhole(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]int{
		"DescribeInstances": 136, "DescribeInstanceTypes": 56, "DescribeSecurityGroups": 25, "DescribeAvailabilityZones": 11,
		"DescribeKeyPairs": 5,
	} {
		if got := len(model.EC2().Actions[action].Filters); got != want {
			t.Errorf("%s has %d filters, not %d", action, got, want)
		}
	}
	if n := len(model.EC2().InstanceTypes); n < 1000 {
		t.Errorf("%d types of instances", n)
	}
}

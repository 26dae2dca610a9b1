package ec2wire_test

import (
	"slices"
	"testing"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

// EC2 may answer with fewer machines than it is asked for, and a token for the rest: pages are whole all the same.
func TestShortPages(t *testing.T) {
	t.Parallel()
	f := newFixture(t, ec2wire.Options{MostRows: 2})
	var launched, shown []string
	for range 5 {
		launched = append(launched, f.run()...)
	}
	pages := 0
	for token := ""; ; {
		arguments := []string{"MaxResults", "1000"}
		if token != "" {
			arguments = append(arguments, "NextToken", token)
		}
		a := f.call("DescribeInstances", arguments...).ok()
		shown = append(shown, a.all("instanceId")...)
		pages++
		next := a.all("nextToken")
		if len(next) == 0 || next[0] == "" {
			break
		}
		token = next[0]
	}
	if pages != 3 || !slices.Equal(shown, launched) {
		t.Errorf("%d pages show %v of %v", pages, shown, launched)
	}
}

// What is hidden is missing from lists and not found by its id, and is there again when it is hidden no more.
func TestHidden(t *testing.T) {
	t.Parallel()
	hide := ""
	f := newFixture(t, ec2wire.Options{Hidden: func(m ec2wire.Machine) bool { return m.ID == hide }})
	one, other := f.run()[0], f.run()[0]
	hide = one
	if got := f.call("DescribeInstances").ok().all("instanceId"); !slices.Equal(got, []string{other}) {
		t.Errorf("the list shows %v", got)
	}
	f.call("DescribeInstances", "InstanceId.1", one).fails(400, "InvalidInstanceID.NotFound")
	hide = ""
	if got := f.call("DescribeInstances").ok().all("instanceId"); !slices.Equal(got, []string{one, other}) {
		t.Errorf("the list shows %v", got)
	}
}

package ec2wire_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

// filled returns a server with so many machines, each launched by a token of its own; one in a hundred has the tag role=rare, and
// one in a hundred is stopped.
func filled(tb testing.TB, machines int) *ec2wire.Server {
	tb.Helper()
	s := ec2wire.New(ec2wire.Options{Now: newClock().Now})
	for i := range machines {
		form := url.Values{
			"ImageId": {ami}, "MinCount": {"1"}, "MaxCount": {"1"}, "ClientToken": {fmt.Sprint("t", i)},
			"TagSpecification.1.ResourceType": {"instance"}, "TagSpecification.1.Tag.1.Key": {"role"},
			"TagSpecification.1.Tag.1.Value": {"common"},
		}
		if i%(machines/10) == 0 {
			form.Set("TagSpecification.1.Tag.1.Value", "rare")
		}
		ask(tb, s, "RunInstances", form)
		if i%(machines/10) == 1 {
			ask(tb, s, "StopInstances", url.Values{"InstanceId.1": {fmt.Sprintf("i-%017x", i+1)}})
		}
	}
	return s
}

func ask(tb testing.TB, s *ec2wire.Server, action string, form url.Values) {
	tb.Helper()
	form.Set("Action", action)
	form.Set("Version", "2016-11-15")
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Authorization", signature)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		tb.Errorf("%s: %d %s", action, w.Code, w.Body)
	}
}

// BenchmarkFleet measures calls that are about a few machines, with few and with many machines there, eight at once.
func BenchmarkFleet(b *testing.B) {
	filter := func(name, value string) url.Values {
		return url.Values{"Filter.1.Name": {name}, "Filter.1.Value.1": {value}}
	}
	for _, call := range []struct {
		name, action string
		form         func(i int64) url.Values
	}{
		{"id", "DescribeInstances", func(i int64) url.Values { return url.Values{"InstanceId.1": {fmt.Sprintf("i-%017x", i%100+1)}} }},
		{"token", "DescribeInstances", func(i int64) url.Values { return filter("client-token", fmt.Sprint("t", i%100)) }},
		{"tag", "DescribeInstances", func(int64) url.Values { return filter("tag:role", "rare") }},
		{"state", "DescribeInstances", func(int64) url.Values { return filter("instance-state-name", "stopped") }},
		{"page", "DescribeInstances", func(int64) url.Values { return url.Values{"MaxResults": {"50"}} }},
		{"status", "DescribeInstanceStatus", func(int64) url.Values { return url.Values{"MaxResults": {"50"}} }},
		{"regions", "DescribeRegions", func(int64) url.Values { return url.Values{} }},
	} {
		for _, machines := range []int{100, 10_000} {
			b.Run(fmt.Sprintf("%s/%d", call.name, machines), func(b *testing.B) {
				s := filled(b, machines)
				var n atomic.Int64
				b.SetParallelism(4)
				b.ResetTimer()
				b.RunParallel(func(p *testing.PB) {
					for p.Next() {
						ask(b, s, call.action, call.form(n.Add(1)))
					}
				})
			})
		}
	}
}

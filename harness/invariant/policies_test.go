package invariant_test

import (
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/history"
)

// declares has the target say in what it differs from the contract.
func (s *story) declares(p contract.Policies) *story {
	s.plan.Contract = p.Judging(nil)
	return s
}

// replaced gives the boot another machine.
func (s *story) replaced(with string) *story {
	s.add(history.Event{Kind: history.Machine, Inc: s.inc, Machine: with, Phase: history.Launched})
	return s
}

// offlineAt has the liveness sweep move it at the time.
func (s *story) offlineAt(d time.Duration) *story {
	s.at(d).moved(lifecycle.Silence, lifecycle.Offline, "liveness-sweep", "silent")
	return s
}

// policyCases are about targets that differ from the contract on purpose: what they say is an excuse, and is owed.
var policyCases = []judgedCase{
	{"as-declared", "a machine's end is noticed at once", func(s *story) {
		s.declares(contract.Policies{NoticesDeath: true}).create().at(minute).lives().beats(5*minute).machine(1, history.Died)
		s.offlineAt(5*minute + 3*second)
	}, false, nil},
	{"stays-online", "a machine's end is noticed at once, and nobody said so", func(s *story) {
		s.create().at(minute).lives().beats(5*minute).machine(1, history.Died)
		s.offlineAt(5*minute + 3*second)
	}, true, nil},
	{"as-declared", "a machine's end is noticed by the TTL, out of sight of who reads", func(s *story) {
		s.declares(contract.Policies{NoticesDeath: true}).create().at(minute).lives().beats(5*minute).machine(1, history.Died)
		s.offlineAt(8*minute + 3*second)
	}, true, nil},
	{"as-declared", "a boot's machine ends, and it waits for its budget, out of sight of who reads", func(s *story) {
		s.declares(contract.Policies{NoticesDeath: true}).create().at(minute).machine(1, history.Died)
		s.at(10*minute+10*second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
	}, true, nil},
	{"one-machine", "the machine of a failed workspace is stopped by policy", func(s *story) {
		s.declares(contract.Policies{ReapsFailed: true}).create()
		s.at(10*minute).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.at(10*minute+20*second).machine(1, history.Terminated)
	}, false, nil},
	{"one-machine", "the machine of a failed workspace is to be stopped, and runs", func(s *story) {
		s.declares(contract.Policies{ReapsFailed: true}).create()
		s.at(10*minute).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
	}, true, nil},
	{"one-machine", "what came back before it was reaped is wanted again", func(s *story) {
		s.declares(contract.Policies{ReapsFailed: true}).create()
		s.at(10*minute).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
		s.at(10*minute + 30*second).lives().beats(60 * minute)
	}, false, nil},
	{"as-declared", "given up after two launches that failed", func(s *story) {
		s.declares(contract.Policies{LaunchQuota: 2}).wants().fails(5 * second).fails(20 * second)
		s.moved(lifecycle.LaunchFailed, lifecycle.Failed, "launcher", "throttled")
	}, false, nil},
	{"gives-up", "given up after two launches that failed, and nobody said so, out of sight of who reads", func(s *story) {
		s.wants().fails(5 * second).fails(20 * second)
		s.moved(lifecycle.LaunchFailed, lifecycle.Failed, "launcher", "throttled")
	}, true, nil},
	{"as-declared", "launched a third time, out of sight of who reads", func(s *story) {
		s.declares(contract.Policies{LaunchQuota: 2}).wants().fails(5 * second).fails(20 * second).fails(50 * second)
		s.moved(lifecycle.LaunchFailed, lifecycle.Failed, "launcher", "throttled")
	}, true, nil},
	{"as-declared", "two launches failed, and it waits, out of sight of who reads", func(s *story) {
		s.declares(contract.Policies{LaunchQuota: 2}).wants().fails(5 * second).fails(20 * second)
		s.at(10*minute).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "throttled")
	}, true, nil},
	{"as-declared", "online after the third heartbeat", func(s *story) {
		s.declares(contract.Policies{OnlineAfter: 3}).create().at(minute).add(history.Event{Kind: history.Agent, Inc: 1, Machine: "i-1", Phase: history.Started})
		s.beats(2 * minute)
		s.at(2*minute+30*second).moved(lifecycle.Beat, lifecycle.Online, "heartbeat", "").ByInc = 1
		s.agent("heartbeat", 1, 200)
		s.beats(60 * minute)
	}, false, nil},
	{"converges", "online after the third heartbeat, and nobody said so", func(s *story) {
		s.create().at(minute).add(history.Event{Kind: history.Agent, Inc: 1, Machine: "i-1", Phase: history.Started})
		s.beats(3 * minute)
		s.at(3*minute+30*second).moved(lifecycle.Beat, lifecycle.Online, "heartbeat", "").ByInc = 1
		s.agent("heartbeat", 1, 200)
		s.beats(60 * minute)
	}, true, nil},
	{"converges", "it takes three heartbeats, and the tenth does not do", func(s *story) {
		s.declares(contract.Policies{OnlineAfter: 3}).create().at(minute).add(history.Event{Kind: history.Agent, Inc: 1, Machine: "i-1", Phase: history.Started})
		s.beats(6 * minute)
		s.moved(lifecycle.Beat, lifecycle.Online, "heartbeat", "").ByInc = 1
		s.beats(60 * minute)
	}, true, nil},
	{"as-declared", "online after the first heartbeat", func(s *story) {
		s.declares(contract.Policies{OnlineAfter: 3}).create().at(minute).lives().beats(60 * minute)
	}, true, nil},
	{"as-declared", "a boot is given another machine", func(s *story) {
		s.declares(contract.Policies{Relaunches: true}).create().at(minute).machine(1, history.Died)
		s.at(minute + 30*second).replaced("i-1b")
		s.at(3 * minute).lives().beats(60 * minute)
	}, false, nil},
	{"as-declared", "a boot is to be given another machine, and is given none, out of sight of who reads", func(s *story) {
		s.declares(contract.Policies{Relaunches: true}).create().at(minute).machine(1, history.Died)
		s.at(10*minute+10*second).moved(lifecycle.ProvisionTimeout, lifecycle.Failed, "provision-sweep", "timeout")
	}, true, nil},
	{"one-machine", "a boot is given another machine, and nobody said so", func(s *story) {
		s.create().add(history.Event{Kind: history.Step, Inc: 1, To: lifecycle.Provisioning, Machine: "i-1", Call: "list", By: "launcher", Actor: history.ActorTick})
		s.at(minute).machine(1, history.Died)
		s.at(minute + 30*second).replaced("i-1b")
		s.at(3 * minute).lives().beats(60 * minute)
	}, true, nil},
	{"one-machine", "a machine that the controller never knew of ended before another came", func(s *story) {
		s.create().at(second).machine(1, history.Died)
		s.at(minute + 30*second).replaced("i-1b")
		s.at(3 * minute).lives().beats(60 * minute)
	}, false, nil},
	{"as-declared", "restarted when it had been offline for a minute", func(s *story) {
		s.declares(contract.Policies{RestartsOffline: minute}).create().at(minute).lives().beats(5*minute).machine(1, history.Died)
		s.offlineAt(8*minute+3*second).at(9*minute+5*second).moved(lifecycle.Restart, lifecycle.Provisioning, "restarter", "")
		s.machine(2, history.Launched)
		s.at(10 * minute).lives().beats(60 * minute)
	}, false, nil},
	{"as-declared", "not restarted when it had been offline for a minute", func(s *story) {
		s.declares(contract.Policies{RestartsOffline: minute}).create().at(minute).lives().beats(5*minute).machine(1, history.Died)
		s.offlineAt(8*minute + 3*second)
	}, true, nil},
	{"unasked", "restarted too soon for the policy, out of sight of who reads", func(s *story) {
		s.declares(contract.Policies{RestartsOffline: 10 * minute}).create().at(minute).lives().beats(5*minute).machine(1, history.Died)
		s.offlineAt(8*minute+3*second).at(9*minute+5*second).moved(lifecycle.Restart, lifecycle.Provisioning, "restarter", "")
		s.machine(2, history.Launched)
		s.at(10 * minute).lives().beats(60 * minute)
	}, true, nil},
}

// wants creates the workspace, whose machine is still to be launched.
func (s *story) wants() *story {
	s.moved(lifecycle.Create, lifecycle.Provisioning, "create", "")
	s.operator("create", 201, "provisioning")
	return s
}

// fails has a launch fail for now at the time.
func (s *story) fails(d time.Duration) *story {
	s.at(d).add(history.Event{Kind: history.Cloud, Call: "launch", Sent: history.Time(d - second), Inc: s.inc, Err: "throttled", Code: 503, Replica: 1})
	return s
}

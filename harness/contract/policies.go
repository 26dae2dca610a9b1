package contract

// Policies are the ways in which healthy controllers differ. Each zero value is the contract's own choice; a controller that
// does otherwise says so, and is judged by what it says.
type Policies struct {
	// NoticesDeath says that a workspace may be offline, or a boot failed, as soon as its machine has ended, before the TTL or
	// the budget is over. The contract waits.
	NoticesDeath bool `json:"notices_death,omitempty"`
	// ReapsFailed says that the machine of a failed workspace may be stopped. The contract keeps it, since the boot may only be late.
	ReapsFailed bool `json:"reaps_failed,omitempty"`
	// LaunchQuota says that a boot may be failed after that many launches of it which failed for now; 0 is the contract's
	// choice: only the budget ends it.
	LaunchQuota int `json:"launch_quota,omitempty"`
	// OnlineAfter is how many proofs of life in a row it takes to be online. The contract's is 1, which 0 means, too.
	OnlineAfter int `json:"online_after,omitempty"`
	// Relaunches says that a boot whose machine has ended may be given another one, within the same incarnation and budget.
	// The contract waits for the operator.
	Relaunches bool `json:"relaunches,omitempty"`
}

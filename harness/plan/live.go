package plan

// Live is how a plan is carried out on wall-clock time; nil where it is simulated.
type Live struct {
	Speed     float64  `json:"speed"`
	Tolerance Duration `json:"tolerance"`
	Unseen    []string `json:"unseen,omitempty"`
	// Steps says that a call may be several steps, between which others see what is half done.
	Steps bool `json:"steps,omitempty"`
}

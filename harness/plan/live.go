package plan

// Live is how a plan is carried out on wall-clock time; nil where it is simulated.
type Live struct {
	Speed     float64  `json:"speed"`
	Tolerance Duration `json:"tolerance"`
	Unseen    []string `json:"unseen,omitempty"`
}

package foreign

import "time"

// SetPatience has the session's runs give a target up sooner that does not answer.
func (s *Session) SetPatience(d time.Duration) { s.patience = d }

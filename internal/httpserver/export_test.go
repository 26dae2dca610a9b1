package httpserver

import "time"

// Patience sets how long bodies may take, before the first server is made.
func Patience(d time.Duration) { bodyPatience = d }

//go:build !unix

package hiccup

import "time"

func used() (time.Duration, bool) { return 0, false }

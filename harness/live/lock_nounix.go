//go:build !unix

package live

import "os"

// tryLock is not possible on this system: what is left stays.
func tryLock(*os.File) bool { return true }

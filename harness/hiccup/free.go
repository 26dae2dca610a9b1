package hiccup

import (
	"runtime"
	"sync"
	"time"
)

// Free returns which share of the machine's processors this process gets when it asks for all of them for so long: about 1 on an
// idle machine, and less beside other work. A share of 1 is returned where the system does not tell what a process used.
func Free(span time.Duration) float64 {
	before, ok := used()
	if !ok {
		return 1
	}
	began := time.Now()
	var working sync.WaitGroup
	for range runtime.NumCPU() {
		working.Go(func() {
			for n := 0; ; n++ {
				if n%1024 == 0 && time.Since(began) >= span {
					return
				}
			}
		})
	}
	working.Wait()
	after, _ := used()
	return min(1, float64(after-before)/float64(time.Since(began))/float64(runtime.NumCPU()))
}

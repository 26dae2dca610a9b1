// Command sleeper does what its argument says: nothing for a long time, eat memory, or end.
package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "eat":
		var eaten [][]byte
		for {
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = 1
			}
			eaten = append(eaten, b)
		}
	case len(os.Args) > 1 && os.Args[1] == "end":
		return
	}
	fmt.Println("sleeping")
	time.Sleep(time.Hour)
}

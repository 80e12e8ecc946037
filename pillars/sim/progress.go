package sim

import (
	"fmt"
	"sync"
)

// A teller adds up how far runs side by side are.
type teller struct {
	what string
	end  uint64 // of all runs together
	tell func(string)

	mu   sync.Mutex // guards what follows; tell is called with it
	at   []uint64
	last uint64
}

func newTeller(o Options, what string, each uint32) *teller {
	return &teller{what: what, end: uint64(each) * uint64(o.Seeds), tell: o.Progress, at: make([]uint64, o.Seeds)}
}

// of is what one run calls.
func (t *teller) of(i int) func(height uint32) {
	return func(height uint32) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.at[i] = uint64(height)
		sum := uint64(0)
		for _, h := range t.at {
			sum += h
		}
		if sum < t.last+t.end/200 {
			return
		}
		t.last = sum
		t.tell(fmt.Sprintf("%s: %d of %d blocks", t.what, sum, t.end))
	}
}

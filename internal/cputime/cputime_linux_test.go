package cputime

import (
	"runtime"
	"testing"
	"time"
)

// The clocks must move in steps far below the milliseconds that a batch takes, and stand still
// while a thread sleeps.
func TestSteps(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for name, clock := range map[string]func() time.Duration{"thread": Thread, "process": Process} {
		least, last := time.Hour, clock()
		for range 10_000 {
			now := clock()
			if now < last {
				t.Fatalf("%s: from %v back to %v", name, last, now)
			}
			if now > last {
				least = min(least, now-last)
			}
			last = now
		}
		if least > 100*time.Microsecond {
			t.Errorf("%s: the least step is %v", name, least)
		}
	}
	before := Thread()
	time.Sleep(50 * time.Millisecond)
	if took := Thread() - before; took > 25*time.Millisecond {
		t.Errorf("a thread that slept took %v", took)
	}
}

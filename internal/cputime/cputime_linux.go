package cputime

import (
	"time"

	"golang.org/x/sys/unix"
)

// Thread is what the calling thread has taken, user and system. The caller must be locked to it.
func Thread() time.Duration { return read(unix.CLOCK_THREAD_CPUTIME_ID) }

// Process is what all threads of this process have taken, those that ended included.
func Process() time.Duration { return read(unix.CLOCK_PROCESS_CPUTIME_ID) }

func read(clock int32) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		panic("cputime: " + err.Error()) // only for a clock that the system does not have
	}
	return time.Duration(t.Nano())
}

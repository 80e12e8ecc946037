package sim

import (
	"syscall"
	"time"
)

// threadTime is the CPU time that this thread has taken: what else runs on the machine does not
// count. The caller must be locked to its thread.
func threadTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_THREAD, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

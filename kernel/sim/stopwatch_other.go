//go:build !linux

package sim

import "time"

var started = time.Now()

// threadTime is the time that passes: this system does not tell what a thread takes.
func threadTime() time.Duration { return time.Since(started) }

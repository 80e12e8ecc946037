//go:build !linux

package cputime

import "time"

var started = time.Now()

// Thread is the time that passes: this system does not tell what a thread takes.
func Thread() time.Duration { return time.Since(started) }

// Process is the time that passes: this system does not tell what a process takes.
func Process() time.Duration { return time.Since(started) }

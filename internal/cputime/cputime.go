// Package cputime tells the CPU time that a thread or a process has taken, for measurements.
//
// It reads the scheduler's own clocks, in nanoseconds. What getrusage(2) tells of a thread is as
// old as the last tick of the system: it moves in steps of some milliseconds, so that one batch of
// signatures seemed to take 16 ms or 24 and never anything between.
package cputime

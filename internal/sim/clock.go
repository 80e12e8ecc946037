// Package sim is the machinery of a deterministic simulation: virtual time, seeded randomness, a
// network that misbehaves, plans of faults, their shrinking, and a runner for many seeds. It
// knows nothing of any product.
//
// Everything in a run happens on one goroutine, in the order of virtual time, and every choice
// comes from streams of random numbers that the seed determines. So a seed, with the options it
// was run with, is a complete description of a run.
package sim

import (
	"container/heap"
	"hash/fnv"
	"math/rand/v2"
)

// Time is virtual time in milliseconds.
type Time int64

// A Clock orders what happens in virtual time. The zero Clock stands at time 0.
type Clock struct {
	now    Time
	serial uint64
	queue  events
}

type event struct {
	at     Time
	serial uint64
	do     func()
}

// Now is the present virtual time.
func (c *Clock) Now() Time { return c.now }

// At does something at the given time, or at once if that is past. What is due at the same time
// happens in the order in which it was asked for.
func (c *Clock) At(at Time, do func()) {
	c.serial++
	heap.Push(&c.queue, event{max(at, c.now), c.serial, do})
}

// After does something when d has passed.
func (c *Clock) After(d Time, do func()) { c.At(c.now+d, do) }

// Step does what is due next; false if nothing is due at or before limit. Then the time is limit.
func (c *Clock) Step(limit Time) bool {
	if len(c.queue) == 0 || c.queue[0].at > limit {
		c.now = max(c.now, limit)
		return false
	}
	e := heap.Pop(&c.queue).(event)
	c.now = e.at
	e.do()
	return true
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].serial < q[j].serial
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)   { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	old := *q
	x := old[len(old)-1]
	old[len(old)-1] = event{}
	*q = old[:len(old)-1]
	return x
}

// Stream returns the seed's random numbers for one use. Uses have streams of their own, so that
// one fault less does not change what everything else draws.
func Stream(seed uint64, use string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(use))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

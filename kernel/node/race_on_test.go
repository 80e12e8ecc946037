//go:build race

package node

// slow is how much longer than usual things may take: the race detector makes seven processes
// on a small machine about that much slower.
const slow = 5

//go:build !race

package node

// slow is how much longer than usual things may take, see the other file of this name.
const slow = 1

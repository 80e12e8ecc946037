//go:build !race

package node

// slow is how much longer than on an idle machine things may take: others may want it too, and a disk
// stand still for seconds.
const slow = 6

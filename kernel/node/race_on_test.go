//go:build race

package node

// slow is how much longer than on an idle machine things may take, see the other file of this name.
const slow = 12

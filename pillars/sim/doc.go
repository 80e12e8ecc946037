// Package sim runs whole networks of Pillars in virtual time, on one goroutine each: miners, stakers and
// attackers around the chain code of a node, over a network with delays that can be cut in two. It measures what the
// paper promises of intervals and shares, and what attacks gain.
//
// What is real: the rules of headers and blocks, the tree that chooses among chains, the state with its undo data, stake
// hashes over real outputs, every signature and script; one node of each run is a whole chain with its store. What
// is drawn: the search for work, whose outcome is an exponential time by hash rate and difficulty, and delays. A drawn seal
// cannot be made up: the world alone can write it, see package file work.go. What all nodes would find alike about the same
// block on the same parent (is it valid?) is found once, see court.
//
// A run is a function of its options. A second, plain computation of the rules judges each finished chain,
// and rules can be broken on purpose to see that it notices.
package sim

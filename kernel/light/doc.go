// Package light verifies what a network has settled, with nothing but its genesis file to start
// from: which members may speak for it, what they certified, that a transaction is final, that an
// output is unspent, and that a list of outputs is complete. It also keeps the account of a
// view key, which never leaves it.
//
// It is pure and knows no node: proofs come as values, and each is refused with a name. What it
// believes rests on one thing, that of the members of each epoch at most f lie. It cannot tell
// that nobody shows it the newest checkpoint; its time is there to be looked at. [CHK-10]
package light

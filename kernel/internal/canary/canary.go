// Package canary names the rules that a simulation can break on purpose. A checker that does not
// notice such a break is broken itself.
//
// The cores carry a Set and ask it; the zero Set, which breaks nothing, is the only one outside
// package kernel/sim: the build rules refuse a call of Break anywhere else.
package canary

// A Canary is one rule that can be broken.
type Canary uint8

// The canaries. The comment says what the broken build does.
const (
	QuorumMinusOne   Canary = iota // counts q-1 authors as a quorum
	DuplicateInput                 // takes a transaction that spends one output twice
	NoSync                         // sends a snapshot before it is durable
	ForgottenJournal               // restarts without its newest own snapshots
	IgnoredParent                  // does not see the cone of a snapshot's last parent
	WrongSkip                      // skips a slot that only f+1 authors blame
	OwnHorizon                     // takes the horizon from its own newest round, not from the leader's
	EarlySlot                      // decides a slot before snapshots of its coin round are held from q authors
	Cofactorless                   // one node verifies signatures by the equation without the cofactor
	count
)

var names = [count]string{"quorum-minus-one", "duplicate-input", "no-sync", "forgotten-journal", "ignored-parent",
	"wrong-skip", "own-horizon", "early-slot", "cofactorless"}

// String returns the canary's name.
func (c Canary) String() string { return names[c] }

// All lists every canary.
func All() (all []Canary) {
	for c := range count {
		all = append(all, c)
	}
	return all
}

// A Set says which rules are broken. The zero Set breaks none.
type Set struct{ bits uint16 }

// Has reports whether a rule is broken.
func (s Set) Has(c Canary) bool { return s.bits>>c&1 == 1 }

// Break returns the set of one broken rule.
func Break(c Canary) Set { return Set{1 << c} }

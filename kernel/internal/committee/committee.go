// Package committee holds the numbers of one epoch's roster that every rule of the graph
// counts with: who votes, how many may be faulty, what a quorum is.
package committee

import (
	"github.com/asterism-network/asterism/kernel"
)

// A Set is a set of authors, bit a for author a. Rosters have at most 64 members.
type Set = kernel.AuthorSet

// A Committee is an epoch's roster with its numbers worked out. It never changes.
type Committee struct {
	Roster *kernel.Roster
	Size   int // members, flagged ones included: the length of every clock
	Voting Set
	F      int // faulty members that the committee survives: floor((K-1)/3) of K voting
	Q      int // quorum, K - F
}

// New works out the numbers of a roster.
func New(roster *kernel.Roster) *Committee {
	return &Committee{
		Roster: roster,
		Size:   len(roster.Members),
		Voting: Set(roster.VotingSet()),
		F:      roster.Faulty(),
		Q:      roster.Quorum(),
	}
}

// Votes reports whether a is a voting member.
func (c *Committee) Votes(a kernel.Author) bool { return c.Voting.Has(a) }

// Authors lists the voting members in ascending order.
func (c *Committee) Authors() []kernel.Author {
	out := make([]kernel.Author, 0, c.Size)
	for a := range c.Size {
		if c.Votes(kernel.Author(a)) {
			out = append(out, kernel.Author(a))
		}
	}
	return out
}

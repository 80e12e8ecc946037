package committee

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// TestNumbers checks every size that a network can have, with every number of flagged members
// that leaves four votes: quorum and faults are counted over those who vote only.
func TestNumbers(t *testing.T) {
	for size := kernel.MinMembers; size <= kernel.MaxMembers; size++ {
		for flagged := 0; size-flagged >= 4; flagged++ {
			roster := &kernel.Roster{Members: make([]kernel.Member, size)}
			for i := range flagged {
				roster.Members[(3*i)%size].Flagged = true
			}
			k := 0
			for _, m := range roster.Members {
				if !m.Flagged {
					k++
				}
			}
			c := New(roster)
			switch {
			case c.Voting.Len() != k || len(c.Authors()) != k || c.Size != size:
				t.Fatalf("%d of %d flagged: %d vote, want %d", flagged, size, c.Voting.Len(), k)
			case c.Q != 2*k/3+1:
				t.Errorf("K=%d: quorum %d, want %d", k, c.Q, 2*k/3+1)
			case 2*c.Q-k < c.F+1:
				t.Errorf("K=%d: two quorums share %d, which may all be faulty", k, 2*c.Q-k)
			case k-c.F < c.Q:
				t.Errorf("K=%d: the honest are no quorum", k)
			case k >= 4 && c.F < 1:
				t.Errorf("K=%d survives nobody", k)
			}
			for a := range size {
				if c.Votes(kernel.Author(a)) == roster.Members[a].Flagged {
					t.Fatalf("author %d votes and is flagged, or neither", a)
				}
			}
		}
	}
}

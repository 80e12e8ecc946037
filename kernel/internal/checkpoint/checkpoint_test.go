package checkpoint

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/merkle"
	"github.com/asterism-network/asterism/kernel"
)

var network = kernel.NetworkID{9}

type members struct {
	roster *kernel.EpochRoster
	keys   []crypto.NodeKey
}

func newMembers(n, flagged int) *members {
	m := &members{roster: &kernel.EpochRoster{Epoch: 4, CheckpointKeys: make([]kernel.Key, n)}}
	for i := range n {
		key := crypto.NodeKeyFromSeed(crypto.Sum(fmt.Appendf(nil, "node %d", i)))
		m.roster.Members = append(m.roster.Members, kernel.Member{Name: fmt.Sprint(i), Key: key.Public(), Flagged: i >= n-flagged})
		if i%3 > 0 {
			key = crypto.NodeKeyFromSeed(crypto.Sum(fmt.Appendf(nil, "checkpoint %d", i)))
			m.roster.CheckpointKeys[i] = key.Public()
		}
		m.keys = append(m.keys, key)
	}
	return m
}

func (m *members) checkpoint(index kernel.CommitIndex, digest byte) *kernel.Checkpoint {
	return &kernel.Checkpoint{Network: network, Epoch: 4, Index: index, Timestamp: 1, Digest: kernel.Digest{digest}, Roster: m.roster.Hash(network)}
}

func (m *members) vote(author int, cp *kernel.Checkpoint) *kernel.CheckpointVote {
	hash := cp.SigningHash()
	return &kernel.CheckpointVote{Index: cp.Index, Signature: m.keys[author].Sign(hash[:])}
}

// TestCertificates collects at every size, in any order, before and after the own checkpoint, with
// f liars and flagged members who sign too: the certificate needs q of those who vote.
func TestCertificates(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for n := kernel.MinMembers; n <= kernel.MaxMembers; n++ {
		m := newMembers(n, n%4)
		r := m.roster.Roster()
		cp, other := m.checkpoint(7, 1), m.checkpoint(7, 2)
		c := NewCollector(network, m.roster)
		order := random.Perm(n)
		own, good, liars := random.IntN(n), 0, 0
		for i, a := range order {
			if i == own {
				c.Own(cp)
			}
			says := cp
			if !m.roster.Members[a].Flagged && liars < r.Faulty() {
				says = other
				liars++
			} else if !m.roster.Members[a].Flagged {
				good++
			}
			verdict := c.Add(kernel.Author(a), m.vote(a, says))
			c.Add(kernel.Author(a), m.vote(a, says)) // once more changes nothing
			want := Waiting
			if good >= r.Quorum() && i >= own {
				want = Certified
			}
			if verdict != want {
				t.Fatalf("%d members, %d good and %d lying: %s, want %s", n, good, liars, verdict, want)
			}
		}
		p, ok := c.Certificate(7)
		if !ok || len(p.Signatures) != r.Quorum() || p.Checkpoint != *cp || bits.OnesCount64(p.Signers()&r.VotingSet()) != r.Quorum() {
			t.Fatalf("%d members: certificate %+v, %v", n, p, ok)
		}
		hash := cp.SigningHash()
		for _, s := range p.Signatures {
			if !crypto.Verify(m.roster.CheckpointKey(s.Author), hash[:], s.Signature) {
				t.Fatalf("%d members: signature of %d does not verify", n, s.Author)
			}
		}
		if len(c.Others(7)) != liars {
			t.Errorf("%d members: others are %v, %d lied", n, c.Others(7), liars)
		}
	}
}

// TestMinority is a node whose state is not that of the others: it is disputed when one of them
// must be honest, and outvoted when a quorum says so. It never has a certificate.
func TestMinority(t *testing.T) {
	for _, n := range []int{7, 10, 50} {
		m := newMembers(n, 0)
		r := m.roster.Roster()
		for _, early := range []bool{true, false} {
			c := NewCollector(network, m.roster)
			wrong, right := m.checkpoint(7, 1), m.checkpoint(7, 2)
			if !early {
				c.Own(wrong)
			}
			for a := range n {
				verdict := c.Add(kernel.Author(a), m.vote(a, right))
				if early {
					continue
				}
				want := Waiting
				if a+1 > r.Faulty() {
					want = Disputed
				}
				if a+1 >= r.Quorum() {
					want = Outvoted
				}
				if verdict != want {
					t.Fatalf("%d of %d signed another: %s, want %s", a+1, n, verdict, want)
				}
			}
			if c.Own(wrong) != Outvoted || len(c.Others(7)) != n {
				t.Errorf("not outvoted by %v", c.Others(7))
			}
			if _, ok := c.Certificate(7); ok {
				t.Error("a certificate of what nobody signed")
			}
		}
	}
}

// TestStrangers shows that junk, flagged members and strangers count for nothing, and that a
// member whose first signature was wrong may still send the right one.
func TestStrangers(t *testing.T) {
	m := newMembers(10, 2)
	c, cp := NewCollector(network, m.roster), m.checkpoint(7, 1)
	c.Own(cp)
	for _, a := range []kernel.Author{8, 9, 10, 49, 50, 63, 64, 255} {
		c.Add(a, m.vote(9, cp))
	}
	c.Add(0, &kernel.CheckpointVote{})
	for range 3 {
		c.Add(0, m.vote(1, cp)) // not its key
	}
	if others := c.Others(7); !slices.Equal(others, []kernel.Author{0}) {
		t.Errorf("others are %v", others)
	}
	c.Add(0, m.vote(0, cp))
	if len(c.Others(7)) != 0 || c.open[0].good != 1 {
		t.Error("the right signature after a wrong one does not count")
	}
	c.Add(0, m.vote(1, cp))
	if len(c.Others(7)) != 0 || c.open[0].good != 1 {
		t.Error("a wrong signature takes a right one away")
	}
}

// TestBounded sends signatures for every commit there is: what is near stays, what this node knows
// itself stays, and the whole stays small.
func TestBounded(t *testing.T) {
	m := newMembers(7, 0)
	c := NewCollector(network, m.roster)
	for i := kernel.CommitIndex(1000); i > 100; i-- {
		c.Add(0, m.vote(0, m.checkpoint(i, 1)))
		c.Add(1, m.vote(1, m.checkpoint(2000+i, 1)))
	}
	if len(c.open) != aheadOfUs || c.open[0].index != 101 {
		t.Errorf("%d open, from %d", len(c.open), c.open[0].index)
	}
	c.Own(m.checkpoint(5000, 1))
	c.Own(m.checkpoint(50, 1))
	for a := range 5 {
		c.Add(kernel.Author(a), m.vote(a, m.checkpoint(5000, 1)))
	}
	if _, ok := c.Certificate(5000); !ok || len(c.open) != aheadOfUs+2 {
		t.Errorf("%d open; the own one is not certified", len(c.open))
	}
	c.Forget(4999)
	if len(c.open) != 1 {
		t.Errorf("%d open after forgetting", len(c.open))
	}
	c.Forget(5000)
	if _, ok := c.Certificate(5000); ok || len(c.open) != 0 || c.Others(5000) != nil {
		t.Error("forgotten and still there")
	}
}

func TestOwnMisuse(t *testing.T) {
	m := newMembers(7, 0)
	for name, broken := range map[string]func(cp *kernel.Checkpoint){
		"network": func(cp *kernel.Checkpoint) { cp.Network[0]++ },
		"epoch":   func(cp *kernel.Checkpoint) { cp.Epoch++ },
		"roster":  func(cp *kernel.Checkpoint) { cp.Roster[0]++ },
		"digest":  func(cp *kernel.Checkpoint) { cp.Digest[0]++ },
	} {
		c, cp := NewCollector(network, m.roster), m.checkpoint(7, 1)
		c.Own(cp)
		broken(cp)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			c.Own(cp)
		}()
	}
}

// TestTrees makes and spends, also what the same changes made, and compares with the lists.
func TestTrees(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	var receipts, outputs [][32]byte
	var receiptNodes, outputNodes merkle.Memory
	for step := range 40 {
		trees := Continue(uint64(len(receipts)), &receiptNodes, uint64(len(outputs)), &outputNodes)
		var changes Changes
		for range random.IntN(30) {
			r := kernel.Receipt{Transaction: kernel.TxHash{byte(random.IntN(256)), byte(step)}, Status: kernel.Final}
			o := &kernel.StateOutput{Transaction: r.Transaction, Asset: kernel.XIN}
			changes.Settle(r)
			changes.Make(o)
			receipts, outputs = append(receipts, r.Leaf()), append(outputs, o.Leaf())
			if place := random.IntN(len(outputs)); outputs[place] != [32]byte{} {
				changes.Spend(uint64(place))
				outputs[place] = [32]byte{}
			}
		}
		r, o := trees.Bring(&changes)
		if r.Root != merkle.Root(receipts) || o.Root != merkle.Root(outputs) || r.Count != uint64(len(receipts)) || o.Count != uint64(len(outputs)) {
			t.Fatalf("step %d: heads %v and %v are not those of the lists", step, r, o)
		}
		if again, _ := trees.Bring(&changes); again != r {
			t.Fatal("used up changes change something")
		}
	}
}

func TestTurns(t *testing.T) {
	for _, tt := range []struct {
		now  kernel.Timestamp
		want uint64
	}{{0, 0}, {5_000, 0}, {5_999, 0}, {6_000, 1}, {6_999, 1}, {7_000, 2}, {kernel.MaxTimestamp - 1, uint64(kernel.MaxTimestamp-5_001) / 1000}} {
		if got := Turns(5_000, tt.now, 1000); got != tt.want {
			t.Errorf("at %d: %d turns, want %d", tt.now, got, tt.want)
		}
	}
}

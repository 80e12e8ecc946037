package kernel

import (
	"flag"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
)

var firstSeed = flag.Uint64("first", 1, "first seed of the tests over seeds")

// full is set by make test-full: the whole numbers of the test plan instead of a sample. It is
// asked inside tests: what is read before them does not count for the cache of test results.
func full() bool { return os.Getenv("ASTERISM_FULL") != "" }

// A crime is two headers that one author signed, and all that could be mistaken for it.
type crime struct {
	random *rand.Rand
	keys   []crypto.NodeKey
	a, b   *Header
	guilty int // whose keys
}

func newCrime(seed uint64) *crime {
	c := &crime{random: rand.New(rand.NewPCG(seed, 11))}
	for i := range 7 {
		c.keys = append(c.keys, crypto.NodeKeyFromSeed([32]byte{byte(i), byte(seed), byte(seed >> 8)}))
	}
	c.guilty = c.random.IntN(7)
	h := Header{Epoch: Epoch(c.random.Uint32N(5)), Author: Author(c.guilty), Round: Round(1 + c.random.Uint64N(uint64(MaxRound))), Timestamp: Timestamp(1 + c.random.Uint64N(1<<40))}
	h.Network[c.random.IntN(32)] = byte(1 + c.random.IntN(255))
	h.Parents = []Parent{{Author: h.Author, Round: h.Round - 1}}
	twin := h
	switch c.random.IntN(4) { // any field of the rest makes it another snapshot
	case 0:
		twin.Timestamp++
	case 1:
		twin.BodyRoot[c.random.IntN(32)] ^= 1
	case 2:
		twin.BodyLength++
	case 3:
		twin.Parents = []Parent{{Author: h.Author, Round: h.Round - 1, ID: SnapshotID{1}}}
	}
	c.a, c.b = c.signed(h), c.signed(twin)
	return c
}

func (c *crime) signed(h Header) *Header { return c.signedBy(h, c.guilty) }

func (c *crime) signedBy(h Header, who int) *Header {
	id := h.ID()
	h.Signature = c.keys[who].Sign(id[:])
	return &h
}

func (c *crime) key() Key { return c.keys[c.guilty].Public() }

// A nearMiss returns what looks like a proof against the author and shows no crime of its own.
type nearMiss struct {
	name string
	make func(c *crime, proof Equivocation) (Equivocation, Key)
}

// innocentTwin is the second header, honest but for one fact.
func innocentTwin(change func(c *crime, h *Header)) func(c *crime, _ Equivocation) (Equivocation, Key) {
	return func(c *crime, _ Equivocation) (Equivocation, Key) {
		h := *c.b
		change(c, &h)
		return EquivocationOf(c.a, c.signed(h)), c.key()
	}
}

func against(change func(c *crime, p *Equivocation)) func(c *crime, p Equivocation) (Equivocation, Key) {
	return func(c *crime, p Equivocation) (Equivocation, Key) {
		change(c, &p)
		return p, c.key()
	}
}

var nearMisses = []nearMiss{
	{"the same snapshot signed again", func(c *crime, _ Equivocation) (Equivocation, Key) {
		return EquivocationOf(c.a, c.signed(*c.a)), c.key()
	}},
	{"one content under two signatures", func(c *crime, _ Equivocation) (Equivocation, Key) {
		again := *c.a
		again.Signature[40] ^= 1
		return EquivocationOf(c.a, &again), c.key()
	}},
	{"another network", innocentTwin(func(c *crime, h *Header) { h.Network[c.random.IntN(32)] ^= 1 << c.random.IntN(8) })},
	{"another epoch", innocentTwin(func(_ *crime, h *Header) { h.Epoch++ })},
	{"another round", innocentTwin(func(_ *crime, h *Header) { h.Round-- })},
	{"another place in the roster", innocentTwin(func(_ *crime, h *Header) { h.Author = (h.Author + 1) % 7 })},
	{"another member's signature", func(c *crime, _ Equivocation) (Equivocation, Key) {
		return EquivocationOf(c.a, c.signedBy(*c.b, (c.guilty+1+c.random.IntN(6))%7)), c.key()
	}},
	{"both by another member", func(c *crime, _ Equivocation) (Equivocation, Key) {
		who := (c.guilty + 1 + c.random.IntN(6)) % 7
		return EquivocationOf(c.signedBy(*c.a, who), c.signedBy(*c.b, who)), c.key()
	}},
	{"a roster in which the place is another's", func(c *crime, p Equivocation) (Equivocation, Key) {
		return p, c.keys[(c.guilty+1+c.random.IntN(6))%7].Public()
	}},
	{"no key", func(_ *crime, p Equivocation) (Equivocation, Key) { return p, Key{} }},
	{"network of the proof", against(func(c *crime, p *Equivocation) { p.Network[c.random.IntN(32)] ^= 1 << c.random.IntN(8) })},
	{"epoch of the proof", against(func(c *crime, p *Equivocation) { p.Epoch ^= 1 << c.random.IntN(32) })},
	{"author of the proof", against(func(c *crime, p *Equivocation) { p.Author ^= 1 << c.random.IntN(8) })},
	{"round of the proof", against(func(c *crime, p *Equivocation) { p.Round ^= 1 << c.random.IntN(64) })},
	{"bit of a hash", against(func(c *crime, p *Equivocation) { p.Rest[c.random.IntN(2)][c.random.IntN(32)] ^= 1 << c.random.IntN(8) })},
	{"bit of a signature", against(func(c *crime, p *Equivocation) {
		p.Signed[c.random.IntN(2)][c.random.IntN(64)] ^= 1 << c.random.IntN(8)
	})},
	{"signatures swapped", against(func(_ *crime, p *Equivocation) { p.Signed[0], p.Signed[1] = p.Signed[1], p.Signed[0] })},
	{"hashes swapped", against(func(_ *crime, p *Equivocation) { p.Rest[0], p.Rest[1] = p.Rest[1], p.Rest[0] })},
	{"all swapped", against(func(_ *crime, p *Equivocation) {
		p.Rest[0], p.Rest[1] = p.Rest[1], p.Rest[0]
		p.Signed[0], p.Signed[1] = p.Signed[1], p.Signed[0]
	})},
	{"one half twice", against(func(_ *crime, p *Equivocation) { p.Rest[1], p.Signed[1] = p.Rest[0], p.Signed[0] })},
	{"no signature", against(func(c *crime, p *Equivocation) { p.Signed[c.random.IntN(2)] = Signature{} })},
	{"zero", func(c *crime, _ Equivocation) (Equivocation, Key) { return Equivocation{}, c.key() }},
}

// TestEvidenceConvictsTheGuiltyOnly: a proof made of any two different snapshots of one author and
// round is valid, in either order and after a round through its bytes, and nothing that is not one
// is: 10,000 near-misses in full runs. [T11]
func TestEvidenceConvictsTheGuiltyOnly(t *testing.T) {
	crimes, misses := uint64(25), 0
	switch {
	case full():
		crimes = 500
	case testing.Short():
		crimes = 8
	}
	for seed := *firstSeed; seed < *firstSeed+crimes; seed++ {
		c := newCrime(seed)
		proof := EquivocationOf(c.a, c.b)
		if other := EquivocationOf(c.b, c.a); other != proof {
			t.Fatalf("seed %d: the order of the headers makes another proof", seed)
		}
		var read Equivocation
		if err := read.UnmarshalBinary(proof.AppendBinary(nil)); err != nil || read != proof || !read.Verify(c.key()) {
			t.Fatalf("seed %d: the guilty goes free: %v", seed, err)
		}
		for _, m := range nearMisses {
			misses++
			p, key := m.make(c, proof)
			if p.Verify(key) {
				t.Errorf("seed %d, %s: an innocent is convicted", seed, m.name)
			}
			if read.UnmarshalBinary(p.AppendBinary(nil)) == nil && read.Verify(key) {
				t.Errorf("seed %d, %s: an innocent is convicted by bytes", seed, m.name)
			}
		}
		if t.Failed() {
			t.Fatalf("replay: go test ./kernel -run Evidence -first %d", seed)
		}
	}
	t.Logf("%d crimes, %d near-misses", crimes, misses)
	if full() && misses < 10_000 {
		t.Errorf("only %d near-misses", misses)
	}
}

package coin

import (
	"bytes"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto/sharing"
	"github.com/asterism-network/asterism/kernel"
)

// full is set by make test-full: the whole numbers of the test plan instead of a sample. It is
// asked inside tests: what is read before them does not count for the cache of test results.
func full() bool { return os.Getenv("ASTERISM_FULL") != "" }

var (
	firstSeed = flag.Uint64("first", 1, "first seed of the tests over seeds")
	seedCount = flag.Uint64("seeds", 0, "number of seeds; 0 is what the kind of run asks for")
)

// forSeeds runs a test over random networks and prints the line that replays a failure.
func forSeeds(t *testing.T, name string, run func(t *testing.T, random *rand.Rand)) {
	n := *seedCount
	switch {
	case n > 0:
	case full():
		n = 1000
	case testing.Short():
		n = 40
	default:
		n = 200
	}
	for seed := *firstSeed; seed < *firstSeed+n; seed++ {
		run(t, rand.New(rand.NewPCG(seed, 0)))
		if t.Failed() {
			t.Fatalf("replay: go test ./kernel/internal/coin -run %s -first %d -seeds 1", name, seed)
		}
	}
}

// A randomReader draws key material from a seeded generator.
type randomReader struct{ *rand.Rand }

func (r randomReader) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return len(b), nil
}

// dealAt makes a network of random size, flags and epoch.
func dealAt(t testing.TB, random *rand.Rand) *dealt {
	t.Helper()
	members := []int{7, 7, 8, 10, 13, 16, 25, 50}[random.IntN(8)]
	d := &dealt{epoch: kernel.Epoch(random.Uint32N(100)), roster: &kernel.Roster{Members: make([]kernel.Member, members)}}
	d.network[random.IntN(32)] = byte(1 + random.IntN(255))
	for range random.IntN(3) { // at most two flags: never fewer than five voting members
		d.roster.Members[random.IntN(members)].Flagged = true
	}
	d.keyed(t, random)
	return d
}

// keyed deals a new key to the members of d.
func (d *dealt) keyed(t testing.TB, random *rand.Rand) {
	t.Helper()
	p, err := sharing.NewPolynomial(d.roster.Faulty(), randomReader{random})
	if err != nil {
		t.Fatal(err)
	}
	d.whole, d.roster.CoinKey, d.secrets = p.At(0), p.Commit().Keys(), nil
	for a := range d.roster.Members {
		d.secrets = append(d.secrets, sharing.ScalarOf(p.At(ShareIndex(kernel.Author(a)))))
	}
	d.rekeyed(t)
}

func (d *dealt) rekeyed(t testing.TB) {
	t.Helper()
	key, err := NewKey(d.network, d.epoch, d.roster)
	if err != nil {
		t.Fatal(err)
	}
	d.key = key
}

// elsewhere is d with one fact changed: the same members and secrets in another place.
func (d *dealt) elsewhere(t testing.TB, change func(*dealt)) *dealt {
	t.Helper()
	other := *d
	change(&other)
	other.rekeyed(t)
	return &other
}

// A collector does what a node does: it takes what verifies, once per author, and reveals the
// coin as soon as there is enough.
type collector struct {
	key    *Key
	round  kernel.Round
	seen   map[kernel.Author]bool
	shares []AuthorShare
}

func collect(key *Key, round kernel.Round) *collector {
	return &collector{key: key, round: round, seen: make(map[kernel.Author]bool)}
}

func (c *collector) take(s AuthorShare) bool {
	if c.seen[s.Author] || !c.key.Verify(s.Author, c.round, s.Share) {
		return false
	}
	c.seen[s.Author] = true
	c.shares = append(c.shares, s)
	return true
}

// forgeries are shares that look like those of the round and are not: all that a liar who holds
// its own secrets, and has seen everything that was ever sent, can show.
func (d *dealt) forgeries(t testing.TB, random *rand.Rand, round kernel.Round, good []AuthorShare) (bad []AuthorShare) {
	t.Helper()
	rekeyed := d.elsewhere(t, func(o *dealt) {
		roster := *d.roster
		o.roster = &roster
		o.keyed(t, random)
	})
	worlds := []*dealt{
		d.elsewhere(t, func(o *dealt) { o.epoch++ }),
		d.elsewhere(t, func(o *dealt) { o.network[31] ^= 0x80 }),
		rekeyed,
	}
	for i, s := range good {
		for _, w := range worlds {
			bad = append(bad, AuthorShare{s.Author, w.share(t, s.Author, round).Share})
		}
		other := good[(i+1)%len(good)]
		older := d.share(t, s.Author, round-1).Share
		flipped, mixed := *s.Share, *older
		flipped.Proof[random.IntN(64)] ^= 1 << random.IntN(8)
		mixed.Share = s.Share.Share
		bad = append(bad,
			AuthorShare{s.Author, older},                                 // replayed from the round before
			AuthorShare{s.Author, d.share(t, s.Author, round+1).Share},   // shown too early
			AuthorShare{s.Author, other.Share},                           // copied from another author
			AuthorShare{s.Author, &flipped},                              // damaged
			AuthorShare{s.Author, &mixed},                                // right point, another round's proof
			AuthorShare{s.Author, &kernel.CoinShare{}},                   // zero
			AuthorShare{s.Author, nil},                                   // missing
			AuthorShare{kernel.Author(len(d.roster.Members)), s.Share},   // nobody's
			AuthorShare{kernel.Author(200 + random.IntN(56)), s.Share},   // beyond every roster
			AuthorShare{Author: s.Author, Share: randomShare(random, i)}, // garbage
		)
	}
	for a := range d.roster.Members {
		if d.roster.Members[a].Flagged {
			bad = append(bad, AuthorShare{kernel.Author(a), good[0].Share})
		}
	}
	return bad
}

func randomShare(random *rand.Rand, i int) *kernel.CoinShare {
	s := new(kernel.CoinShare)
	_, _ = randomReader{random}.Read(s.Proof[:])
	s.Share = sharing.KeyOf(sharing.HashToPoint("garbage", []byte{byte(i)}))
	return s
}

// TestLiarsCannotMoveTheCoin shows a node the shares of a round in any order among forgeries of
// every kind, repeated at will. It reveals nothing before f+1 right ones are in, however long the
// last of them is held back, and then the one value that every other subset gives.
func TestLiarsCannotMoveTheCoin(t *testing.T) {
	forSeeds(t, "LiarsCannotMoveTheCoin", func(t *testing.T, random *rand.Rand) {
		d := dealAt(t, random)
		round := kernel.Round(1 + random.Uint64N(1<<40))
		good, want := d.shares(t, round), d.real(round)
		random.Shuffle(len(good), func(i, j int) { good[i], good[j] = good[j], good[i] })
		few := good[:min(len(good), 4)]
		bad := d.forgeries(t, random, round, few)
		f := d.key.Threshold() - 1

		c := collect(d.key, round)
		for i, s := range good[:f] {
			for _, b := range bad[i*len(bad)/max(f, 1) : (i+1)*len(bad)/max(f, 1)] {
				if c.take(b) {
					t.Fatalf("a forged share of author %d counts", b.Author)
				}
			}
			if !c.take(s) || c.take(s) {
				t.Fatal("a right share does not count exactly once")
			}
		}
		if _, err := d.key.Combine(round, c.shares); !errors.Is(err, ErrTooFew) {
			t.Fatalf("%d shares: %v, want %v", len(c.shares), err, ErrTooFew)
		}
		last := good[f+random.IntN(len(good)-f)]
		if !c.take(last) {
			t.Fatal("the last share does not count")
		}
		if got, err := d.key.Combine(round, c.shares); err != nil || got != want {
			t.Fatalf("coin %v, %v, want %v", got, err, want)
		}
		for range 8 {
			random.Shuffle(len(good), func(i, j int) { good[i], good[j] = good[j], good[i] })
			if got, err := d.key.Combine(round, good[:f+1+random.IntN(len(good)-f)]); err != nil || got != want {
				t.Fatalf("another subset gives %v, %v, want %v", got, err, want)
			}
		}
	})
}

// TestFewSharesFitEveryCoin is why f colluding members cannot foresee a coin: for their shares
// there is another key, in which the very same bytes, proofs included, are right, and which gives
// another coin. What they would interpolate, with or without a guess at one more share, is wrong.
func TestFewSharesFitEveryCoin(t *testing.T) {
	forSeeds(t, "FewSharesFitEveryCoin", func(t *testing.T, random *rand.Rand) {
		d := dealAt(t, random)
		round := kernel.Round(1 + random.Uint64N(1000))
		all := d.shares(t, round)
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		f := d.key.Threshold() - 1
		colluding, other := all[:f], all[f]

		twin := d.twin(t, random, colluding)
		for _, s := range colluding {
			if !bytes.Equal(d.secrets[s.Author][:], twin.secrets[s.Author][:]) || !twin.key.Verify(s.Author, round, s.Share) {
				t.Fatal("the twin key is not one in which the colluding members hold the same")
			}
		}
		if twin.key.Verify(other.Author, round, other.Share) || twin.real(round) == d.real(round) {
			t.Fatal("the coin is the same in the twin key: f shares fix it")
		}

		guess := &kernel.CoinShare{Share: sharing.KeyOf(sharing.HashToPoint("guess", []byte{byte(round)}))}
		if v, err := d.key.Combine(round, append(colluding[:f:f], AuthorShare{other.Author, guess})); err != nil || v == d.real(round) {
			t.Fatalf("f shares and a guess give the coin (%v)", err)
		}
		if f > 0 {
			weaker := *d.key
			weaker.threshold = f
			if v, err := weaker.Combine(round, colluding); err != nil || v == d.real(round) {
				t.Fatalf("f shares give the coin (%v)", err)
			}
		}
	})
}

// twin deals a key that gives the colluding members the same secrets and the coin another one:
// it adds c·Π(x - x_i) over their indexes x_i to the polynomial.
func (d *dealt) twin(t testing.TB, random *rand.Rand, colluding []AuthorShare) *dealt {
	t.Helper()
	c, err := sharing.RandomNumber(randomReader{random})
	if err != nil {
		t.Fatal(err)
	}
	factors := []*sharing.Number{c} // of the product, constant term first
	for _, s := range colluding {
		factors = timesRoot(factors, number(ShareIndex(s.Author)))
	}
	roster := *d.roster
	twin := &dealt{network: d.network, epoch: d.epoch, roster: &roster}
	commitments, err := sharing.ParseCommitments(d.roster.CoinKey)
	if err != nil {
		t.Fatal(err)
	}
	added := make(sharing.Commitments, len(factors))
	for i, n := range factors {
		added[i] = sharing.Public(n)
	}
	roster.CoinKey = sharing.AddCommitments(commitments, added).Keys()
	for a := range roster.Members {
		secret, err := sharing.ParseNumber(d.secrets[a])
		if err != nil {
			t.Fatal(err)
		}
		more := evaluate(factors, number(ShareIndex(kernel.Author(a))))
		twin.secrets = append(twin.secrets, sharing.ScalarOf(more.Add(more, secret)))
	}
	twin.whole = new(sharing.Number).Add(d.whole, factors[0])
	twin.rekeyed(t)
	return twin
}

func number(n uint16) *sharing.Number {
	var b [32]byte
	b[0], b[1] = byte(n), byte(n>>8)
	v, err := sharing.ParseNumber(b)
	if err != nil {
		panic(err)
	}
	return v
}

// timesRoot multiplies a polynomial by (x - root).
func timesRoot(p []*sharing.Number, root *sharing.Number) []*sharing.Number {
	out := make([]*sharing.Number, len(p)+1)
	for i := range out {
		out[i] = new(sharing.Number)
		if i > 0 {
			out[i].Add(out[i], p[i-1])
		}
		if i < len(p) {
			out[i].Sub(out[i], new(sharing.Number).Mul(p[i], root))
		}
	}
	return out
}

func evaluate(p []*sharing.Number, x *sharing.Number) *sharing.Number {
	sum := new(sharing.Number)
	for i := len(p) - 1; i >= 0; i-- {
		sum.Mul(sum, x)
		sum.Add(sum, p[i])
	}
	return sum
}

// TestLeadersAreUniformAtFifty is TestLeadersAreUniform for the largest network, and for each of
// the three slots of a round.
func TestLeadersAreUniformAtFifty(t *testing.T) {
	const coins = 10_000
	d := deal(t, 50)
	voting := make([]kernel.Author, 50)
	for i := range voting {
		voting[i] = kernel.Author(i)
	}
	var slots [3][]int
	for i := range slots {
		slots[i] = make([]int, 50)
	}
	for round := range kernel.Round(coins) {
		order := Permutation(d.real(round+1), voting)
		for i := range slots {
			slots[i][order[i]]++
		}
	}
	for i, counts := range slots {
		// Uniform draws stay below with probability 0.9999: 49 degrees of freedom.
		if got := chiSquare(counts, coins); got > 95_000 {
			t.Errorf("slot %d: chi-square %d/1000, counts %v", i, got, counts)
		}
	}
}

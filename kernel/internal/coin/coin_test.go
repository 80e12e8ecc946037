package coin

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/crypto/sharing"
	"github.com/asterism-network/asterism/kernel"
)

type seeded struct{ *crypto.Stream }

func (s seeded) Read(b []byte) (int, error) { s.Fill(b); return len(b), nil }

// A dealt is a roster with its coin key and everybody's secret.
type dealt struct {
	network kernel.NetworkID
	epoch   kernel.Epoch
	roster  *kernel.Roster
	key     *Key
	whole   *sharing.Number // the coin's secret, which no real machine has
	secrets []crypto.Scalar // by author
}

// deal makes a roster of voting members and the flagged ones.
func deal(t testing.TB, members int, flagged ...int) *dealt {
	t.Helper()
	d := &dealt{network: kernel.NetworkID{7}, epoch: 3, roster: &kernel.Roster{Members: make([]kernel.Member, members)}}
	for _, a := range flagged {
		d.roster.Members[a].Flagged = true
	}
	seed := fmt.Appendf(nil, "%d %v", members, flagged)
	p, err := sharing.NewPolynomial(d.roster.Faulty(), seeded{crypto.NewStream("coin test", seed)})
	if err != nil {
		t.Fatal(err)
	}
	d.whole, d.roster.CoinKey = p.At(0), p.Commit().Keys()
	for a := range members {
		d.secrets = append(d.secrets, sharing.ScalarOf(p.At(ShareIndex(kernel.Author(a)))))
	}
	if d.key, err = NewKey(d.network, d.epoch, d.roster); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *dealt) share(t testing.TB, author kernel.Author, round kernel.Round) AuthorShare {
	t.Helper()
	s, err := d.key.Share(d.secrets[author], author, round)
	if err != nil {
		t.Fatal(err)
	}
	return AuthorShare{author, s}
}

func (d *dealt) shares(t testing.TB, round kernel.Round) (all []AuthorShare) {
	t.Helper()
	for a := range d.roster.Members {
		if !d.roster.Members[a].Flagged {
			all = append(all, d.share(t, kernel.Author(a), round))
		}
	}
	return all
}

// real is the coin as the whole secret gives it.
func (d *dealt) real(round kernel.Round) kernel.Hash {
	return d.key.value(round, sharing.Multiply(d.whole, d.key.base(round)))
}

// subsets calls visit with every choice of n shares.
func subsets(all []AuthorShare, n int, visit func([]AuthorShare)) {
	var choose func(from int, chosen []AuthorShare)
	choose = func(from int, chosen []AuthorShare) {
		if len(chosen) == n {
			visit(chosen)
			return
		}
		for i := from; i < len(all); i++ {
			choose(i+1, append(chosen[:len(chosen):len(chosen)], all[i]))
		}
	}
	choose(0, nil)
}

func TestAnySharesGiveOneCoin(t *testing.T) {
	for _, d := range []*dealt{deal(t, 7), deal(t, 10), deal(t, 9, 0, 4)} {
		all, want := d.shares(t, 12), d.real(12)
		for n := d.key.Threshold(); n <= len(all); n++ {
			subsets(all, n, func(chosen []AuthorShare) {
				got, err := d.key.Combine(12, chosen)
				if err != nil || got != want {
					t.Fatalf("%d of %d shares: got %v, %v, want %v", n, len(all), got, err, want)
				}
			})
		}
	}
	d := deal(t, 50)
	all, want := d.shares(t, 9), d.real(9)
	for first := range 50 - d.key.Threshold() {
		if got, err := d.key.Combine(9, all[first:]); err != nil || got != want {
			t.Fatalf("50 members, shares from %d on: got %v, %v, want %v", first, got, err, want)
		}
	}
}

// TestFewSharesTellNothing interpolates f shares as if they were enough: what comes out is not
// the coin, whichever f members collude.
func TestFewSharesTellNothing(t *testing.T) {
	d := deal(t, 7)
	all, f := d.shares(t, 5), d.roster.Faulty()
	weaker := *d.key
	weaker.threshold = f
	subsets(all, f, func(chosen []AuthorShare) {
		if _, err := d.key.Combine(5, chosen); !errors.Is(err, ErrTooFew) {
			t.Fatalf("%d shares: got %v, want %v", f, err, ErrTooFew)
		}
		if guess, err := weaker.Combine(5, chosen); err != nil || guess == d.real(5) {
			t.Fatalf("f shares give the coin (%v)", err)
		}
	})
}

func TestCombineRefuses(t *testing.T) {
	d := deal(t, 8, 7)
	all := d.shares(t, 1)
	for _, tt := range []struct {
		name   string
		shares []AuthorShare
		want   error
	}{
		{"none", nil, ErrTooFew},
		{"one author twice", []AuthorShare{all[0], all[1], all[0]}, ErrRepeated},
		{"flagged author", []AuthorShare{all[0], all[1], {7, all[0].Share}}, ErrAuthor},
		{"author beyond the roster", []AuthorShare{all[0], all[1], {8, all[0].Share}}, ErrAuthor},
		{"author beyond every roster", []AuthorShare{all[0], all[1], {255, all[0].Share}}, ErrAuthor},
		{"no share", []AuthorShare{all[0], all[1], {Author: 2}}, ErrMalformed},
		{"identity", []AuthorShare{all[0], all[1], {2, new(kernel.CoinShare)}}, ErrMalformed},
		{"not a point", []AuthorShare{all[0], all[1], {2, &kernel.CoinShare{Share: [32]byte{1}}}}, ErrMalformed},
	} {
		if _, err := d.key.Combine(1, tt.shares); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

// TestReveal: any q right shares give the coin, whatever their proofs; up to f wrong ones among
// them never give another, and fewer than q are refused.
func TestReveal(t *testing.T) {
	for _, d := range []*dealt{deal(t, 7), deal(t, 8), deal(t, 10), deal(t, 9, 0, 4)} {
		all, want, q, f := d.shares(t, 12), d.real(12), d.roster.Quorum(), d.roster.Faulty()
		for i := range all {
			all[i].Share.Proof = [64]byte{}
		}
		subsets(all, q, func(chosen []AuthorShare) {
			if got, err := d.key.Reveal(12, chosen); err != nil || got != want {
				t.Fatalf("%d shares: got %v, %v, want %v", q, got, err, want)
			}
		})
		if _, err := d.key.Reveal(12, all[:q-1]); !errors.Is(err, ErrTooFew) {
			t.Errorf("%d shares: got %v, want %v", q-1, err, ErrTooFew)
		}
		for liars := 1; liars <= f; liars++ {
			for first := range q {
				forged := append([]AuthorShare(nil), all[:q]...)
				for i := range liars {
					at := (first + i) % q
					forged[at] = AuthorShare{all[at].Author, d.share(t, all[at].Author, 13).Share}
				}
				if _, err := d.key.Reveal(12, forged); !errors.Is(err, ErrDisagree) {
					t.Fatalf("%d liars from %d on: got %v, want %v", liars, first, err, ErrDisagree)
				}
			}
		}
	}
}

func TestOnlyTheRightShareVerifies(t *testing.T) {
	d, others := deal(t, 8, 7), deal(t, 10)
	good := d.share(t, 2, 6)
	if !d.key.Verify(2, 6, good.Share) {
		t.Fatal("base case does not verify")
	}
	keyOf := func(network kernel.NetworkID, epoch kernel.Epoch) *Key {
		k, err := NewKey(network, epoch, d.roster)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	shareOf := func(k *Key, author kernel.Author, round kernel.Round) *kernel.CoinShare {
		s, err := k.Share(d.secrets[author], author, round)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	mixed := *good.Share
	mixed.Proof = d.share(t, 2, 7).Share.Proof
	shifted := *good.Share
	p, err := sharing.ParsePoint(shifted.Share)
	if err != nil {
		t.Fatal(err)
	}
	shifted.Share = sharing.KeyOf(p.Add(p, d.key.base(6)))
	flipped := *good.Share
	flipped.Proof[40] ^= 1
	for _, tt := range []struct {
		name   string
		author kernel.Author
		round  kernel.Round
		share  *kernel.CoinShare
	}{
		{"missing", 2, 6, nil},
		{"zero", 2, 6, new(kernel.CoinShare)},
		{"replayed from an older round", 2, 6, shareOf(d.key, 2, 5)},
		{"shown for a later round", 2, 7, good.Share},
		{"of another author", 3, 6, good.Share},
		{"of another epoch", 2, 6, shareOf(keyOf(d.network, d.epoch+1), 2, 6)},
		{"of another network", 2, 6, shareOf(keyOf(kernel.NetworkID{8}, d.epoch), 2, 6)},
		{"of another key", 2, 6, others.share(t, 2, 6).Share},
		{"proof of another round", 2, 6, &mixed},
		{"shifted point", 2, 6, &shifted},
		{"bit of the proof", 2, 6, &flipped},
		{"by a flagged author", 7, 6, good.Share},
		{"by nobody", 200, 6, good.Share},
	} {
		if d.key.Verify(tt.author, tt.round, tt.share) {
			t.Errorf("%s: verifies", tt.name)
		}
	}
}

func TestShareNeedsTheRightSecret(t *testing.T) {
	d := deal(t, 7)
	for name, call := range map[string]struct {
		secret crypto.Scalar
		author kernel.Author
	}{
		"another member's secret": {d.secrets[1], 0},
		"zero":                    {crypto.Scalar{}, 0},
		"not canonical":           {crypto.Scalar{31: 0xff}, 0},
		"no such author":          {d.secrets[0], 7},
	} {
		if _, err := d.key.Share(call.secret, call.author, 1); err == nil {
			t.Errorf("%s: made a share", name)
		}
	}
	m, err := d.key.Maker(d.secrets[3], 3)
	if err != nil || *m.Share(4) != *d.share(t, 3, 4).Share {
		t.Errorf("a maker makes another share: %v", err)
	}
	if s := fmt.Sprintf("%v %+v %#v", m, m, m); s != strings.Repeat(" coin share maker(hidden)", 3)[1:] {
		t.Errorf("a maker prints %q", s)
	}
	if a, b := d.share(t, 3, 4), d.share(t, 3, 4); *a.Share != *b.Share {
		t.Error("two different shares of one author and round")
	}
}

func TestNewKeyRefuses(t *testing.T) {
	for name, broken := range map[string]func(*kernel.Roster){
		"too few commitments":   func(r *kernel.Roster) { r.CoinKey = r.CoinKey[1:] },
		"too many commitments":  func(r *kernel.Roster) { r.CoinKey = append(r.CoinKey, r.CoinKey[0]) },
		"f over voting members": func(r *kernel.Roster) { r.Members[0].Flagged = true },
		"identity":              func(r *kernel.Roster) { r.CoinKey[0] = kernel.Key{} },
		"not a point":           func(r *kernel.Roster) { r.CoinKey[2] = kernel.Key{1} },
		"too many members":      func(r *kernel.Roster) { r.Members = make([]kernel.Member, 51) },
		"nobody votes": func(r *kernel.Roster) {
			for a := range r.Members {
				r.Members[a].Flagged = true
			}
		},
	} {
		d := deal(t, 7)
		broken(d.roster)
		if _, err := NewKey(d.network, d.epoch, d.roster); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestZeroedShareOnlySilencesItsOwner builds the key that lying dealers could bring about: one
// member's public share is the identity. The others' coin must go on.
func TestZeroedShareOnlySilencesItsOwner(t *testing.T) {
	d := deal(t, 7)
	n1, n2 := sharing.HashToNumber("one"), sharing.HashToNumber("two")
	n0 := new(sharing.Number).Add(n2, n2) // n0 + 2·n1 + 4·n2 = 0: the share at index 2
	n0.Add(n0, n1)
	n0.Neg(n0.Add(n0, n0))
	d.roster.CoinKey = sharing.Commitments{sharing.Public(n0), sharing.Public(n1), sharing.Public(n2)}.Keys()
	k, err := NewKey(d.network, d.epoch, d.roster)
	if err != nil {
		t.Fatal(err)
	}
	for a := range kernel.Author(7) {
		if k.votes(a) != (a != 1) {
			t.Errorf("author %d: votes %v", a, k.votes(a))
		}
	}
	if k.Holds(crypto.Scalar{}, 1) {
		t.Error("zero counts as the silenced author's secret")
	}
}

// chiSquare is the sum of squared deviations from uniformity, times expected, so integers suffice.
func chiSquare(counts []int, total int) (times1000 int) {
	expected := total / len(counts)
	for _, c := range counts {
		times1000 += 1000 * (c - expected) * (c - expected) / expected
	}
	return times1000
}

func TestLeadersAreUniform(t *testing.T) {
	const coins = 10_080 // 7 and 42 divide it
	d := deal(t, 7)
	voting := []kernel.Author{0, 1, 2, 3, 4, 5, 6}
	first, pairs := make([]int, 7), make([]int, 42)
	for round := range kernel.Round(coins) {
		order := Permutation(d.real(round+1), voting)
		first[order[0]]++
		second := order[1]
		if second > order[0] {
			second--
		}
		pairs[int(order[0])*6+int(second)]++
	}
	// Bounds that uniform draws stay below with probability 0.9999: 6 and 41 degrees of freedom.
	if got := chiSquare(first, coins); got > 27_856 {
		t.Errorf("first leader: chi-square %d/1000, counts %v", got, first)
	}
	if got := chiSquare(pairs, coins); got > 83_000 {
		t.Errorf("first two leaders: chi-square %d/1000, counts %v", got, pairs)
	}
}

func TestPermutation(t *testing.T) {
	voting := []kernel.Author{1, 4, 5, 9, 30, 31, 49}
	order := Permutation(kernel.Hash{5}, voting)
	var seen [50]bool
	for _, a := range order {
		seen[a] = true
	}
	for i, a := range []kernel.Author{1, 4, 5, 9, 30, 31, 49} {
		if !seen[a] || voting[i] != a {
			t.Fatalf("order %v of %v", order, voting)
		}
	}
	if fmt.Sprint(order) != fmt.Sprint(Permutation(kernel.Hash{5}, voting)) {
		t.Error("one value gives two orders")
	}
	if len(Permutation(kernel.Hash{5}, nil)) != 0 {
		t.Error("an order of nobody")
	}
}

package consensus

import (
	"slices"
	"testing"

	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"github.com/asterism-network/asterism/pillars"
)

// A book is a whole chain of headers, read from the start for every question: what Branch answers from
// one value, a second time and as the page says it.
type book struct {
	p       *pillars.Params
	headers []pillars.Header
	normal  []uint256.Int // of each header, without the valve's factor
}

func (k *book) last(seal pillars.Seal, before int) int {
	for i := before - 1; i > 0; i-- {
		if k.headers[i].Seal() == seal {
			return i
		}
	}
	return 0 // the genesis, which has no seal
}

// count is how many blocks with a seal come after the last block of the other.
func (k *book) count(seal, until pillars.Seal) (n uint32) {
	for i := len(k.headers) - 1; i > k.last(until, len(k.headers)); i-- {
		if k.headers[i].Seal() == seal {
			n++
		}
	}
	return n
}

// difficulty answers [PIL-DIF] and [PIL-RUN].
func (k *book) difficulty(seal pillars.Seal, stamp uint32) (d Difficulty, ok bool) {
	next, n := uint32(len(k.headers)), len(k.headers)
	switch seal {
	case pillars.PoW:
		d.Normal = k.p.PoW.Minimum
		if w := k.last(pillars.PoW, n); w > 0 {
			twice := k.p.Phase.Double && k.headers[n-1].Seal() != pillars.DPoS
			d.Normal = retarget(&k.p.PoW, &k.normal[w], stamp-k.headers[w].Timestamp, twice)
		}
		d.Bits = d.Normal
		if next > k.p.Runs.Grace && k.count(pillars.PoW, pillars.PoS) >= k.p.Runs.PoW {
			d.Bits.Mul(&d.Normal, u(uint64(k.p.Runs.ValveFactor)))
			return d, stamp >= k.headers[k.last(pillars.PoS, n)].Timestamp+k.p.Runs.ValveSeconds
		}
		return d, true
	case pillars.PoS:
		d.Normal = k.p.PoS.Minimum
		if one := k.last(pillars.PoS, n); one > 0 {
			if two := k.last(pillars.PoS, one); two > 0 {
				d.Normal = retarget(&k.p.PoS, &k.normal[one], k.headers[one].Timestamp-k.headers[two].Timestamp, false)
			}
		}
		d.Bits = d.Normal
		return d, next <= k.p.Runs.Grace || k.count(pillars.PoS, pillars.PoW) < k.p.Runs.PoS
	}
	return d, k.p.Phase.Delegates != 0 && next >= k.p.Phase.Delegates && (n == 1 || k.headers[n-1].Seal() != pillars.DPoS)
}

func (k *book) earliest(seal pillars.Seal) uint32 {
	var stamps []uint32
	for i := max(0, len(k.headers)-int(k.p.Time.MedianBlocks)); i < len(k.headers); i++ {
		stamps = append(stamps, k.headers[i].Timestamp)
	}
	slices.Sort(stamps)
	parent := k.headers[len(k.headers)-1].Timestamp
	if seal == pillars.PoS {
		parent++
	}
	return max(parent, stamps[len(stamps)/2]+1)
}

func (k *book) weight() *uint256.Int {
	sum, work := new(uint256.Int), k.p.PoW.Minimum
	for i := 1; i < len(k.headers); i++ {
		w := new(uint256.Int)
		switch k.headers[i].Seal() {
		case pillars.PoW:
			work = k.normal[i]
			w.Set(&work)
		case pillars.PoS:
			w.Div(w.Mul(&work, u(uint64(k.p.Weight.PoSNum))), u(uint64(k.p.Weight.PoSDen)))
		case pillars.DPoS:
			w.Div(w.Mul(&work, u(uint64(k.p.Phase.DelegateNum))), u(uint64(k.p.Phase.DelegateDen)))
		}
		sum.Add(sum, w)
	}
	return sum
}

// TestBranchIsTheWholeChain grows random chains and asks Branch and book the same at every block.
func TestBranchIsTheWholeChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pillars.MainnetLike()
		p.Runs.Grace = rapid.Uint32Range(0, 40).Draw(t, "grace")
		p.Runs.PoW, p.Runs.PoS = rapid.Uint32Range(1, 8).Draw(t, "work run"), rapid.Uint32Range(1, 4).Draw(t, "stake run")
		p.Runs.ValveSeconds = rapid.Uint32Range(1, 300).Draw(t, "valve")
		p.Time.MedianBlocks = rapid.Uint32Range(1, pillars.MaxMedianBlocks).Draw(t, "median")
		p.Weight = pillars.WeightParams{PoSNum: rapid.Uint32Range(0, 3).Draw(t, "weight"), PoSDen: 3}
		p.Phase = pillars.PhaseParams{Double: rapid.Bool().Draw(t, "double"), Delegates: rapid.Uint32Range(0, 20).Draw(t, "delegates"), DelegateNum: 1, DelegateDen: 8}

		genesis := pillars.Header{Version: pillars.HeaderVersion(pillars.PoW, true), Timestamp: start}
		b, k := Start(&genesis), &book{&p, []pillars.Header{genesis}, make([]uint256.Int, 1)}
		for range rapid.IntRange(1, 80).Draw(t, "blocks") {
			seal := rapid.SampledFrom([]pillars.Seal{pillars.PoW, pillars.PoW, pillars.PoW, pillars.PoS, pillars.DPoS}).Draw(t, "seal")
			if got, want := b.Earliest(&p, seal), k.earliest(seal); got != want {
				t.Fatalf("block %d: earliest %d, want %d", b.Number+1, got, want)
			}
			stamp := b.Earliest(&p, seal) + rapid.Uint32Range(0, 60).Draw(t, "seconds")
			want, ok := k.difficulty(seal, stamp)
			got, err := b.Difficulty(&p, seal, stamp)
			if (err == nil) != ok || ok && got != want {
				t.Fatalf("block %d, %s: %v, %v; want %v, %v", b.Number+1, seal, got, err, want, ok)
			}
			if !ok {
				continue
			}
			h := pillars.Header{Version: pillars.HeaderVersion(seal, true), Previous: b.ID, Number: b.Number + 1, Timestamp: stamp, Bits: got.Bits}
			if err := b.Check(&p, &h); err != nil {
				t.Fatal(err)
			}
			b = b.Next(&p, &h, Reveal{})
			k.headers, k.normal = append(k.headers, h), append(k.normal, want.Normal)
			if w := k.weight(); !b.Weight.Eq(w) {
				t.Fatalf("block %d, %s: weight %s, want %s", b.Number, seal, b.Weight.Dec(), w.Dec())
			}
		}
	})
}

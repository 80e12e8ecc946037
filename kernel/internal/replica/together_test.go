package replica

import (
	"slices"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// batches is the real Proofs, and counts what it is asked.
type batches struct {
	Proofs
	sizes   []int
	headers int // signatures of headers verified alone
	shares  []int
	alone   int // shares
}

func (b *batches) Shares(list []MemberShare) []bool {
	b.shares = append(b.shares, len(list))
	return b.Proofs.(Batch).Shares(list)
}

func (b *batches) Share(a kernel.Author, r kernel.Round, s *kernel.CoinShare) bool {
	b.alone++
	return b.Proofs.Share(a, r, s)
}

func (b *batches) VerifyBatch(checks []crypto.Check) bool {
	b.sizes = append(b.sizes, len(checks))
	return b.Proofs.(Batch).VerifyBatch(checks)
}

func (b *batches) VerifyEach(checks []crypto.Check) []bool {
	b.sizes = append(b.sizes, len(checks))
	return b.Proofs.(Batch).VerifyEach(checks)
}

func (b *batches) SnapshotCheck(a kernel.Author, id *kernel.SnapshotID, s kernel.Signature) (crypto.Check, bool) {
	return b.Proofs.(Batch).SnapshotCheck(a, id, s)
}

func (b *batches) Snapshot(a kernel.Author, id kernel.SnapshotID, s kernel.Signature) bool {
	b.headers++
	return b.Proofs.Snapshot(a, id, s)
}

func (b *batches) reset() { *b = batches{Proofs: b.Proofs} }

// TestDecodeAll verifies what arrives together in one batch, and shows that bad ones among it
// are found and spoil nothing but that batch, once.
func TestDecodeAll(t *testing.T) {
	w := newWorld(t, 60)
	real, err := NewProofs(w.genesis)
	w.must(err)
	proofs := &batches{Proofs: real}
	r := w.open(0, w.create(0), proofs)
	next := 0
	frame := func(author kernel.Author, round kernel.Round, bad bool) Incoming {
		var raws [][]byte
		for range 5 {
			raws = append(raws, w.payment(next, "together"))
			next++
		}
		if bad {
			raws[2] = w.unsigned(next - 3)
		}
		raw := w.snapshot(author, bodyOf(raws...), func(h *kernel.Header) {
			h.Round = round
			for i := range h.Parents {
				h.Parents[i].Round = round - 1
			}
		})
		return Incoming{author, wire.Append(nil, wire.Snapshot{Raw: raw})}
	}
	good := func(d Decoded, claims int) bool {
		return d.Err == nil && d.Input != nil && len(d.Input.Arrived[0].Claims) == claims
	}

	frames := []Incoming{frame(3, 9, false), {2, []byte{99}}, frame(4, 9, false), {2, wire.Append(nil, wire.More{})}}
	frames = append(frames, frames[0])
	out := r.DecodeAll(frames)
	if !good(out[0], 5) || out[1].Err == nil || !good(out[2], 5) || len(out[3].Input.Messages) != 1 || out[4] != (Decoded{}) {
		t.Errorf("good ones: %+v", out)
	}
	if len(proofs.sizes) != 1 || proofs.sizes[0] != 12 || proofs.headers != 0 {
		t.Errorf("good ones: batches %v, %d headers alone", proofs.sizes, proofs.headers)
	}

	proofs.reset()
	forged := frame(3, 10, false)
	at := len(wire.Append(nil, wire.Snapshot{})) + 2 // behind the header's length
	header := int(forged.Frame[at-2])<<8 | int(forged.Frame[at-1])
	forged.Frame[at+header-5]++
	out = r.DecodeAll([]Incoming{frame(4, 10, false), forged, frame(5, 10, false)})
	if !good(out[0], 5) || out[1].Err == nil || !good(out[2], 5) || proofs.headers != 1 {
		t.Errorf("a forged header: %+v, %d headers alone", out, proofs.headers)
	}

	proofs.reset()
	out = r.DecodeAll([]Incoming{frame(3, 11, false), frame(4, 11, true)})
	if !good(out[0], 5) || out[1].Err != nil || len(out[1].Input.Arrived[0].Claims) >= 5 {
		t.Errorf("a bad payment: %+v", out)
	}
	if !r.suspects.has(4) || r.suspects.has(3) {
		t.Error("the author of a bad payment is not suspected, or another is")
	}
	proofs.reset()
	out = r.DecodeAll([]Incoming{frame(3, 12, false), frame(4, 12, true), frame(5, 12, false)})
	if !good(out[0], 5) || !good(out[2], 5) || len(proofs.sizes) == 0 || proofs.sizes[0] != 13 || proofs.headers != 0 {
		t.Errorf("a suspect's body is verified with the others: batches %v, %d headers alone", proofs.sizes, proofs.headers)
	}
	for range suspectFor {
		r.suspects.note(4, true)
	}
	if r.suspects.has(4) {
		t.Error("suspected for ever")
	}
}

// TestSharesTogether verifies the coin shares of what arrives together in one batch, with those of other
// rounds. Each snapshot gets the answer that it gets alone: bad shares harm no other and count as
// none, a forged header fails whatever its share is, and whoever sent a bad share is left out of
// the next batches.
func TestSharesTogether(t *testing.T) {
	w := newWorld(t, 1)
	real, err := NewProofs(w.genesis)
	w.must(err)
	proofs := &batches{Proofs: real}
	r, single := w.open(0, w.create(0), proofs), w.replica()
	snapshot := func(author kernel.Author, round kernel.Round, share *kernel.CoinShare, forged bool) Incoming {
		raw := w.snapshot(author, bodyOf(), func(h *kernel.Header) {
			h.Round, h.Share = round, share
			for i := range h.Parents {
				h.Parents[i].Round = round - 1
			}
		})
		if forged {
			raw[len(raw)-len(bodyOf().AppendBinary(nil))-5]++
		}
		return Incoming{author, wire.Append(nil, wire.Snapshot{Raw: raw})}
	}
	together := func(frames ...Incoming) (shares string) {
		t.Helper()
		proofs.reset()
		for i, d := range r.DecodeAll(frames) {
			alone, err := single.Decode(frames[i].From, frames[i].Frame)
			if (d.Err == nil) != (err == nil) {
				t.Fatalf("frame %d: %v, alone %v", i, d.Err, err)
			}
			switch {
			case err != nil:
				shares += "!"
			case d.Input.Arrived[0].HasShare != alone.Arrived[0].HasShare:
				t.Fatalf("frame %d: share %t, alone %t", i, d.Input.Arrived[0].HasShare, alone.Arrived[0].HasShare)
			case d.Input.Arrived[0].HasShare:
				shares += "+"
			default:
				shares += "-"
			}
		}
		return shares
	}
	expect := func(what, got, want string, batches []int, alone int) {
		t.Helper()
		if got != want || !slices.Equal(proofs.shares, batches) || proofs.alone != alone {
			t.Errorf("%s: shares %s, want %s, batches %v, %d alone", what, got, want, proofs.shares, proofs.alone)
		}
	}

	var all, next []Incoming
	for a := kernel.Author(1); a < members; a++ {
		all = append(all, snapshot(a, 9, w.share(a, 9), false))
		next = append(next, snapshot(a, kernel.Round(10+a), w.share(a, kernel.Round(10+a)), false))
	}
	expect("one", together(all[0]), "+", nil, 1)
	expect("a round", together(all[1:]...), "+++++", []int{5}, 0)
	expect("several rounds", together(next...), "++++++", []int{6}, 0)
	flipped := *w.share(3, 20)
	flipped.Proof[40]++
	expect("bad ones", together(snapshot(1, 20, w.share(1, 20), false), snapshot(2, 20, w.share(2, 19), false), snapshot(3, 20, &flipped, false),
		snapshot(4, 20, nil, false), snapshot(5, 20, w.share(5, 20), true), snapshot(6, 20, w.share(1, 20), false)), "+---!-", []int{5}, 0)
	for a, want := range []bool{1: false, 2: true, 3: true, 4: false, 5: false, 6: true} {
		if r.forgers.has(kernel.Author(a)) != want {
			t.Errorf("author %d is suspected: %t", a, !want)
		}
	}
	expect("suspects alone", together(snapshot(1, 21, w.share(1, 21), false), snapshot(2, 21, w.share(2, 21), false),
		snapshot(3, 21, w.share(3, 20), false), snapshot(5, 21, w.share(5, 21), false)), "++-+", []int{2}, 2)
	var many []Incoming
	for round := kernel.Round(30); len(many) < 2*groupShares+1; round++ {
		for _, a := range []kernel.Author{1, 4, 5} {
			many = append(many, snapshot(a, round, w.share(a, round), false))
		}
	}
	expect("many", together(many[:2*groupShares+1]...), strings.Repeat("+", 2*groupShares+1), []int{groupShares, groupShares, 1}, 0)
}

package replica

import (
	"reflect"
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
}

func (b *batches) VerifyBatch(checks []crypto.Check) bool {
	b.sizes = append(b.sizes, len(checks))
	return b.Proofs.(Batch).VerifyBatch(checks)
}

func (b *batches) VerifyEach(checks []crypto.Check) []bool {
	b.sizes = append(b.sizes, len(checks))
	return b.Proofs.(Batch).VerifyEach(checks)
}

func (b *batches) SnapshotCheck(a kernel.Key, id *kernel.SnapshotID, s kernel.Signature) (crypto.Check, bool) {
	return b.Proofs.(Batch).SnapshotCheck(a, id, s)
}

func (b *batches) Snapshot(a kernel.Key, id kernel.SnapshotID, s kernel.Signature) bool {
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
		return Incoming{w.genesis.Members[author].Key, wire.Append(nil, wire.Snapshot{Raw: raw})}
	}
	good := func(d Decoded, claims int) bool {
		return d.Err == nil && d.Input != nil && len(d.Input.Parts[0].Arrived[0].Claims) == claims
	}

	frames := []Incoming{frame(3, 9, false), {w.genesis.Members[2].Key, []byte{99}}, frame(4, 9, false), {w.genesis.Members[2].Key, wire.Append(nil, wire.More{})}}
	frames = append(frames, frames[0])
	out := r.DecodeAll(frames)
	if !good(out[0], 5) || out[1].Err == nil || !good(out[2], 5) || len(out[3].Input.Requests) != 1 || !reflect.DeepEqual(out[4], Decoded{}) {
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
	if !good(out[0], 5) || out[1].Err != nil || len(out[1].Input.Parts[0].Arrived[0].Claims) >= 5 {
		t.Errorf("a bad payment: %+v", out)
	}
	if !r.Seat().suspects.has(4) || r.Seat().suspects.has(3) {
		t.Error("the author of a bad payment is not suspected, or another is")
	}
	proofs.reset()
	out = r.DecodeAll([]Incoming{frame(3, 12, false), frame(4, 12, true), frame(5, 12, false)})
	if !good(out[0], 5) || !good(out[2], 5) || len(proofs.sizes) == 0 || proofs.sizes[0] != 13 || proofs.headers != 0 {
		t.Errorf("a suspect's body is verified with the others: batches %v, %d headers alone", proofs.sizes, proofs.headers)
	}
	for range suspectFor {
		r.Seat().suspects.note(4, true)
	}
	if r.Seat().suspects.has(4) {
		t.Error("suspected for ever")
	}
}

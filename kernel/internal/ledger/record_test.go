package ledger

import (
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// twins returns two headers of one place, signed by the member at that place.
func (w *world) twins(author kernel.Author, round kernel.Round) (a, b *kernel.Header) {
	for i, h := range []**kernel.Header{&a, &b} {
		*h = &kernel.Header{Network: w.context.Network, Author: author, Round: round, Timestamp: w.clock + kernel.Timestamp(i)}
		w.signHeader(*h, author)
	}
	return a, b
}

func (w *world) signHeader(h *kernel.Header, by kernel.Author) {
	id := h.ID()
	h.Signature = w.nodes[by].Sign(id[:])
}

// evidence wraps a proof into a record signed by a member.
func (w *world) evidence(proof kernel.Equivocation, by int) *kernel.Record {
	r := &kernel.Record{Kind: kernel.RecordEvidence, Network: w.context.Network, Payload: proof.AppendBinary(nil)}
	return w.signRecord(r, by)
}

func (w *world) signRecord(r *kernel.Record, by int) *kernel.Record {
	r.Signer = w.nodes[by].Public()
	hash := r.SigningHash()
	r.Signature = w.nodes[by].Sign(hash[:])
	return r
}

func records(rs ...*kernel.Record) *kernel.Body {
	body := new(kernel.Body)
	for _, r := range rs {
		body.Entries = append(body.Entries, kernel.Entry{Kind: kernel.EntryRecord, Bytes: r.AppendBinary(nil)})
	}
	return body
}

// TestEquivocationIsOneFault: E1 once per author and round, whoever proves it how often.
func TestEquivocationIsOneFault(t *testing.T) {
	w := newWorld(t)
	proof := kernel.EquivocationOf(w.twins(2, 7))
	d := w.commit(snapshot(0, 9, 0, records(w.evidence(proof, 0))), snapshot(1, 9, 0, records(w.evidence(proof, 1))))
	if len(d.Faults) != 1 {
		t.Fatalf("faults %v", d.Faults)
	}
	if f := d.Faults[0]; f.Kind != FaultEquivocation || f.Author != 2 || f.Round != 7 || f.Snapshot != kernel.SnapshotIDOf(proof.Network, 0, 2, 7, proof.Rest[0]) {
		t.Fatalf("fault %+v", f)
	}
	if d := w.commit(snapshot(3, 9, 0, records(w.evidence(proof, 3)))); len(d.Faults) != 0 {
		t.Fatal("the same fault again in a later commit")
	}
	other := kernel.EquivocationOf(w.twins(2, 8))
	if d := w.commit(snapshot(3, 10, 0, records(w.evidence(other, 3)))); len(d.Faults) != 1 {
		t.Fatal("another round is another fault")
	}
}

// TestBadRecordsAreIgnored: they are no evidence, and nobody's fault.
func TestBadRecordsAreIgnored(t *testing.T) {
	for name, breakIt := range map[string]func(w *world, p *kernel.Equivocation) *kernel.Record{
		"one id twice": func(w *world, p *kernel.Equivocation) *kernel.Record {
			p.Rest[1], p.Signed[1] = p.Rest[0], p.Signed[0]
			return w.evidence(*p, 0)
		},
		"signed by another member": func(w *world, p *kernel.Equivocation) *kernel.Record {
			a, b := w.twins(2, 7)
			w.signHeader(b, 3)
			return w.evidence(kernel.EquivocationOf(a, b), 0)
		},
		"another author's place": func(w *world, p *kernel.Equivocation) *kernel.Record { p.Author = 3; return w.evidence(*p, 0) },
		"no member":              func(w *world, p *kernel.Equivocation) *kernel.Record { p.Author = 7; return w.evidence(*p, 0) },
		"another round":          func(w *world, p *kernel.Equivocation) *kernel.Record { p.Round++; return w.evidence(*p, 0) },
		"round 0": func(w *world, _ *kernel.Equivocation) *kernel.Record {
			return w.evidence(kernel.EquivocationOf(w.twins(2, 0)), 0)
		},
		"another epoch's record": func(w *world, p *kernel.Equivocation) *kernel.Record {
			r := w.evidence(*p, 0)
			r.Epoch = 1
			return w.signRecord(r, 0)
		},
		"another network's record": func(w *world, p *kernel.Equivocation) *kernel.Record {
			r := w.evidence(*p, 0)
			r.Network[0] ^= 1
			return w.signRecord(r, 0)
		},
		"another network's proof": func(w *world, p *kernel.Equivocation) *kernel.Record {
			w.context.Network[0] ^= 1
			q := kernel.EquivocationOf(w.twins(2, 7))
			w.context.Network[0] ^= 1
			return w.evidence(q, 0)
		},
		"another epoch's proof": func(w *world, p *kernel.Equivocation) *kernel.Record {
			a, b := w.twins(2, 7)
			a.Epoch, b.Epoch = 1, 1
			w.signHeader(a, 2)
			w.signHeader(b, 2)
			return w.evidence(kernel.EquivocationOf(a, b), 0)
		},
		"record not signed": func(w *world, p *kernel.Equivocation) *kernel.Record {
			r := w.evidence(*p, 0)
			r.Signature = crypto.Signature{}
			return r
		},
		"trailing byte": func(w *world, p *kernel.Equivocation) *kernel.Record {
			r := w.evidence(*p, 0)
			r.Payload = append(r.Payload, 0)
			return w.signRecord(r, 0)
		},
		"motion": func(w *world, p *kernel.Equivocation) *kernel.Record {
			r := w.evidence(*p, 0)
			r.Kind = kernel.RecordMotion
			return w.signRecord(r, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			proof := kernel.EquivocationOf(w.twins(2, 7))
			if d := w.execute(snapshot(0, 9, 0, records(w.evidence(proof, 0)))); len(d.Faults) != 1 {
				t.Fatal("base case is no fault")
			}
			if d := w.execute(snapshot(0, 9, 0, records(breakIt(w, &proof)))); len(d.Faults) != 0 {
				t.Fatalf("faults %v", d.Faults)
			}
		})
	}
	w := newWorld(t)
	garbage := &kernel.Body{Entries: []kernel.Entry{{Kind: kernel.EntryRecord, Bytes: []byte{4, 4, 4}}, {Kind: 3, Bytes: []byte{1}}}}
	if d := w.execute(snapshot(0, 9, 0, garbage)); len(d.Faults) != 0 {
		t.Fatalf("faults %v", d.Faults)
	}
}

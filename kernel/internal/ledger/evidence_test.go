package ledger

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// TestEveryBitOfEvidenceCounts flips each bit of a proof, and of the record around it. The record
// is signed again, so that only the proof can be what is wrong; the ledger finds no fault. Every
// member's own two snapshots are its fault, whoever reports them, and nobody else's. [T11]
func TestEveryBitOfEvidenceCounts(t *testing.T) {
	w := newWorld(t)
	for author := range kernel.Author(kernel.MinMembers) {
		proof := kernel.EquivocationOf(w.twins(author, 7))
		for reporter := range kernel.MinMembers {
			d := w.execute(snapshot(kernel.Author(reporter), 9, 0, records(w.evidence(proof, reporter))))
			if len(d.Faults) != 1 || d.Faults[0].Kind != FaultEquivocation || d.Faults[0].Author != author || d.Faults[0].Round != 7 {
				t.Fatalf("proof against %d by %d: faults %+v", author, reporter, d.Faults)
			}
		}
	}
	proof := kernel.EquivocationOf(w.twins(2, 7))
	good, step := w.evidence(proof, 0), 1
	if testing.Short() {
		step = 11
	}
	for bit := 0; bit < 8*len(good.Payload); bit += step {
		r := *good
		r.Payload = append([]byte(nil), good.Payload...)
		r.Payload[bit/8] ^= 1 << (bit % 8)
		if d := w.execute(snapshot(0, 9, 0, records(w.signRecord(&r, 0)))); len(d.Faults) != 0 {
			t.Fatalf("bit %d of the proof: faults %+v", bit, d.Faults)
		}
	}
	whole := good.AppendBinary(nil)
	for bit := 0; bit < 8*len(whole); bit += 5 * step {
		raw := append([]byte(nil), whole...)
		raw[bit/8] ^= 1 << (bit % 8)
		body := &kernel.Body{Entries: []kernel.Entry{{Kind: kernel.EntryRecord, Bytes: raw}}}
		if d := w.execute(snapshot(0, 9, 0, body)); len(d.Faults) != 0 {
			t.Fatalf("bit %d of the record: faults %+v", bit, d.Faults)
		}
	}
}

// TestEvidenceNeedsTheRightRoster: the same proof under a roster in which another key stands at the
// author's place, or nobody does, or in another network or epoch, convicts nobody.
func TestEvidenceNeedsTheRightRoster(t *testing.T) {
	w := newWorld(t)
	proof := kernel.EquivocationOf(w.twins(6, 7))
	body := records(w.evidence(proof, 0))
	roster, network := *w.context.Roster, w.context.Network
	for name, change := range map[string]func(){
		"shorter roster": func() { w.context.Roster.Members = roster.Members[:6] },
		"other member": func() {
			members := append([]kernel.Member(nil), roster.Members...)
			members[5], members[6] = members[6], members[5]
			w.context.Roster.Members = members
		},
		"no roster":     func() { w.context.Roster = nil },
		"other network": func() { w.context.Network[0] ^= 1 },
	} {
		if d := w.execute(snapshot(0, 9, 0, body)); len(d.Faults) != 1 {
			t.Fatal("base case is no fault")
		}
		again := roster
		w.context.Roster = &again
		change()
		if d := w.execute(snapshot(0, 9, 0, body)); len(d.Faults) != 0 {
			t.Errorf("%s: faults %+v", name, d.Faults)
		}
		w.context.Roster, w.context.Network = &roster, network
	}
	c := &kernel.Commit{Index: w.view.Head().Index + 1, Timestamp: w.clock + 1, Epoch: 1}
	if d := Execute(w.view, c, []Committed{snapshot(0, 9, 0, body)}, w.context); len(d.Faults) != 0 {
		t.Errorf("other epoch: faults %+v", d.Faults)
	}
}

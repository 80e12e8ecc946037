package ledger

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

const aDayMillis = kernel.Timestamp(millisADay)

// worked commits a round in which every member leads and names all others.
func (w *parliament) worked() *Diff {
	all := make([]Committed, 7)
	for i := range all {
		body := w.entries()
		body.Entries = append(body.Entries, kernel.Entry{Kind: kernel.EntryRecord, Bytes: []byte{byte(i)}})
		all[i] = snapshot(kernel.Author(i), kernel.Round(w.view.Head().Index+1), 0, body)
		all[i].Names = kernel.AuthorSet(1<<7-1) &^ (1 << i)
	}
	return w.commit(all...)
}

// pool is what is in the pool.
func (w *parliament) pool() kernel.Amount {
	s, _ := StakeOf(w.view)
	return s.Pool
}

// TestMintPaysADay: members are paid for the day before, light witnesses for what they did, and
// all that is paid leaves the pool.
func TestMintPaysADay(t *testing.T) {
	w := newParliament(t)
	other := kernel.NodeKeyFromSeed([32]byte{30: 8})
	w.bring(w.card(asIs, w.voter, 0), w.card(asIs, other, 1, 2), w.card(asIs, kernel.NodeKeyFromSeed([32]byte{30: 7}), 3))
	w.bring(w.reportRecord(w.voter, 0, 0x7f), w.reportRecord(other, 0, 0x7f))
	for range 3 {
		w.worked()
	}
	before := w.pool()
	w.clock += aDayMillis
	d := w.worked()
	if len(d.Issued) != 1 {
		t.Fatalf("%d transactions of the ledger's own", len(d.Issued))
	}
	paid, ok := DistributionAt(w.view, 0)
	if !ok || paid.Batch != 1 || paid.Due.String() != "136.98630136" {
		t.Fatalf("%+v", paid)
	}
	left, _ := before.Sub(w.pool())
	if left != paid.Paid {
		t.Fatalf("%v left the pool, %v was paid", left, paid.Paid)
	}
	var nodes, light kernel.Amount
	for _, s := range paid.Shares {
		if s.Light {
			mustAdd(&light, s.Amount)
		} else {
			mustAdd(&nodes, s.Amount)
			if s.Led == 0 || s.Signed != 18 {
				t.Errorf("share %+v", s)
			}
		}
	}
	if len(paid.Shares) != 9 || nodes.String() > "68.49315065" || nodes.String() < "68.49315058" || light.String() > "13.69863013" || light.String() < "13.69863011" {
		t.Errorf("%d shares, %v to nodes, %v to witnesses", len(paid.Shares), nodes, light)
	}
	first, second := unitsOf(paid.Shares[7].Amount), unitsOf(paid.Shares[8].Amount)
	if more, less := max(first, second), min(first, second); more/2 > less || more < less*2-2 {
		t.Errorf("twice the XIN earns %d and %d", more, less)
	}
	if w.worked(); w.pool() != mustLess(before, left) {
		t.Error("a day is paid twice")
	}
}

func mustLess(a, b kernel.Amount) kernel.Amount {
	mustSub(&a, b)
	return a
}

// TestMintWaits: with too few at work nothing is paid, and the days add up in the next settlement.
func TestMintWaits(t *testing.T) {
	w := newParliament(t)
	w.commit()
	w.clock += aDayMillis
	w.commit()
	if s, _ := MintOf(w.view); s.Distributions != 0 || s.Batch != 0 {
		t.Fatalf("%+v", s)
	}
	w.worked()
	w.clock += 2 * aDayMillis
	w.worked()
	d, ok := DistributionAt(w.view, 0)
	if !ok || d.Batch != 3 || d.Due.String() != "410.95890408" {
		t.Fatalf("%+v", d)
	}
	if next, _ := MintOf(w.view); next.Batch != 3 || next.Day.String() < "136.98630136" {
		t.Fatalf("%+v", next)
	}
}

// TestFlaggedMintNothing: neither who is flagged in the roster in force nor anybody without a place in it.
func TestFlaggedMintNothing(t *testing.T) {
	w := newParliament(t)
	w.worked()
	context := *w.context
	roster := *context.Roster
	roster.Members = append([]kernel.Member(nil), roster.Members...)
	roster.Members[3].Flagged = true
	context.Roster = &roster
	w.context = &context
	w.clock += aDayMillis
	w.worked()
	d, _ := DistributionAt(w.view, 0)
	if len(d.Shares) != 6 {
		t.Fatalf("%d shares", len(d.Shares))
	}
	for _, s := range d.Shares {
		if s.Key == w.nodes[3].Public() {
			t.Fatal("a flagged member is paid")
		}
	}
}

// TestPaidDays: a copy of the running network pays nothing for its first 1706 days.
func TestPaidDays(t *testing.T) {
	w := newParliament(t)
	m, _ := row(w.view, rowMint, decodeMintState)
	m.Batch = 1706
	w.view.system[rowMint] = m.encode()
	w.view.head.State = w.view.Recount()
	w.worked()
	w.clock += 1706 * aDayMillis
	w.worked()
	if s, _ := MintOf(w.view); s.Distributions != 0 {
		t.Fatalf("%+v", s)
	}
	w.clock += aDayMillis
	w.worked()
	if d, ok := DistributionAt(w.view, 0); !ok || d.Batch != 1707 || d.Due.String() != "89.87671232" {
		t.Fatalf("%+v", d)
	}
}

// TestFullListOfWitnesses: one with more XIN takes the place of the one with the least.
func TestFullListOfWitnesses(t *testing.T) {
	w := newParliament(t)
	var list []listedWitness
	for i := range maxWitnesses {
		key := kernel.Key{0: byte(i), 1: 1}
		list = append(list, listedWitness{key: key, locked: uint64(2000-i) * aXIN / 2, until: 1000})
		w.view.system[rowWitness(key)] = (&Witness{Key: key, Locked: list[i].locked, Until: 1000}).encode()
		w.view.systemOrder = append(w.view.systemOrder, rowWitness(key))
	}
	w.view.system[rowWitnesses] = encodeWitnesses(list)
	w.view.systemOrder = append(w.view.systemOrder, rowWitnesses)
	w.view.head.State = w.view.Recount()
	w.bring(w.card(asIs, w.voter, 0))
	now := witnessesOf(w.view)
	if len(now) != maxWitnesses {
		t.Fatalf("%d light witnesses", len(now))
	}
	if _, still := w.view.System(rowWitness(list[maxWitnesses-1].key)); still {
		t.Fatal("the one with the least XIN keeps its place")
	}
}

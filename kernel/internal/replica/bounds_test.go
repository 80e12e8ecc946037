package replica

import (
	"slices"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// trusting finds all payments' signatures good, without looking, and counts what it is asked.
type trusting struct {
	Proofs
	sizes []int // of batches, and of payments that were verified alone, in signatures
}

func (t *trusting) Verify(tx *kernel.Transaction, _ kernel.Hash, _ [][]kernel.Key) bool {
	t.sizes = append(t.sizes, (&ledger.Parsed{Transaction: tx}).Signatures())
	return true
}

func (t *trusting) VerifyBatch(checks []crypto.Check) bool {
	t.sizes = append(t.sizes, len(checks))
	return true
}

func (t *trusting) VerifyEach(checks []crypto.Check) []bool {
	t.sizes = append(t.sizes, len(checks))
	return slices.Repeat([]bool{true}, len(checks))
}

func (t *trusting) SnapshotCheck(kernel.Key, *kernel.SnapshotID, kernel.Signature) (c crypto.Check, ok bool) {
	return c, false
}

// expect checks how many signatures were verified, and that no batch was larger than most.
func (t *trusting) expect(w *world, what string, signatures, most int) {
	w.t.Helper()
	sum := 0
	for _, n := range t.sizes {
		if sum += n; n > most {
			w.t.Errorf("%s: a batch of %d signatures, at most %d", what, n, most)
		}
	}
	if sum != signatures {
		w.t.Errorf("%s: %d signatures verified, want %d, in batches %v", what, sum, signatures, t.sizes)
	}
	t.sizes = nil
}

// A volume is a world in which a few payments hold many signatures.
type volume struct {
	*world
	proofs *trusting
	r      *Replica
	round  kernel.Round
	index  kernel.CommitIndex
	heavy  kernel.Transaction // of heavySignatures
}

const (
	heavyInputs     = 8
	heavyKeys       = 64
	heavySignatures = heavyInputs * heavyKeys
	variant         = heavySignatures - 1 // signatures of a variant
)

func newVolume(t *testing.T, later bool) *volume {
	w := newWorld(t, 3)
	real, err := NewProofs(w.genesis)
	w.must(err)
	c := &volume{world: w, proofs: &trusting{Proofs: real}, round: 9}
	s := w.open(0, w.create(0), nil).store
	c.r, err = New(Config{Genesis: w.genesis, Store: s, Proofs: c.proofs, Later: later})
	w.must(err)
	fund := w.pay(0, "fund")
	fund.Outputs = nil
	c.heavy = kernel.Transaction{Asset: kernel.XIN, Outputs: w.pay(0, "").Outputs}
	for i := range heavyInputs {
		out := kernel.Output{Amount: kernel.NewAmount(100_00000000 / heavyInputs), Mask: w.user.Address().View, Script: kernel.NewScript(1)}
		for j := range heavyKeys {
			out.Keys = append(out.Keys, crypto.ScalarFromWide([64]byte{byte(i), byte(j), 5}).Public())
		}
		fund.Outputs = append(fund.Outputs, out)
	}
	hash := fund.Hash()
	for i := range heavyInputs {
		var m kernel.SignatureMap
		for j := range heavyKeys {
			m = append(m, kernel.IndexedSignature{Index: uint16(j), Signature: kernel.Signature{byte(i), byte(j)}})
		}
		c.heavy.Inputs, c.heavy.Signatures = append(c.heavy.Inputs, kernel.Input{OutputRef: kernel.OutputRef{Hash: hash, Index: uint16(i)}}), append(c.heavy.Signatures, m)
	}
	if x := c.commit(c.carry(w.encode(fund))); len(x.Final) != 1 {
		t.Fatal("not funded")
	}
	*c.proofs = trusting{Proofs: real}
	return c
}

// variants are the heavy payment under other bytes, a signature left out of each.
func (c *volume) variants(from, to int) (raws [][]byte) {
	c.t.Helper()
	for v := from; v < to; v++ {
		tx := c.heavy
		tx.Signatures = slices.Clone(tx.Signatures)
		i, j := v/heavyKeys, v%heavyKeys
		tx.Signatures[i] = slices.Delete(slices.Clone(tx.Signatures[i]), j, j+1)
		raws = append(raws, c.encode(&tx))
	}
	return raws
}

// frame carries payments in a snapshot of member 4.
func (c *volume) frame(raws ...[]byte) Incoming {
	c.t.Helper()
	c.round++
	raw := c.snapshot(4, bodyOf(raws...), func(h *kernel.Header) {
		h.Round = c.round
		for i := range h.Parents {
			h.Parents[i].Round = c.round - 1
		}
	})
	return Incoming{c.genesis.Members[4].Key, wire.Append(nil, wire.Snapshot{Raw: raw})}
}

// carry lets the replica take a snapshot with payments.
func (c *volume) carry(raws ...[]byte) engine.Arrival {
	c.t.Helper()
	d := c.r.DecodeAll([]Incoming{c.frame(raws...)})[0]
	c.must(d.Err)
	return d.Input.Parts[0].Arrived[0]
}

// commit executes a snapshot.
func (c *volume) commit(a engine.Arrival) engine.Execution {
	c.t.Helper()
	c.index++
	c.must(c.r.store.Append([]store.Record{splitRecord(engine.Record{ID: a.ID, Author: 4, Round: a.Header.Round, Raw: a.Raw})}, true))
	x, _, err := c.r.Execute(engine.Ordered{Order: []byte("order"), Commit: &kernel.Commit{
		Index: c.index, Timestamp: c.genesis.Timestamp + 10, Snapshots: []kernel.CommittedID{{Author: 4, Round: a.Header.Round, ID: a.ID}},
	}})
	c.must(err)
	return x
}

// TestWaitingIsBounded fills snapshots with variants of one payment: what is left for later stays bounded, in signatures, and
// so does each batch of it; what comes beyond is verified where it arrives.
func TestWaitingIsBounded(t *testing.T) {
	c := newVolume(t, true)
	const perBody, bodies = laterSignatures / heavySignatures, waitingMost/laterSignatures + 3
	for i := range bodies {
		if a := c.carry(c.variants(i*perBody, (i+1)*perBody)...); len(a.Claims) != perBody {
			t.Fatalf("body %d: %d claims", i, len(a.Claims))
		}
	}
	wait := waitingMost / (perBody * variant) * perBody * variant
	if c.r.Waiting() != wait {
		t.Errorf("%d signatures wait, want %d", c.r.Waiting(), wait)
	}
	c.proofs.expect(c.world, "beyond the bound", bodies*perBody*variant-wait, heavySignatures)
	c.r.VerifyWaiting()
	c.proofs.expect(c.world, "what waited", wait, 2*waitingSignatures+laterSignatures)
	if c.carry(c.variants(400, 401)...); c.r.Waiting() != variant || len(c.proofs.sizes) > 0 {
		t.Errorf("then %d wait, batches %v", c.r.Waiting(), c.proofs.sizes)
	}
	c.carry(c.variants(401, 401+perBody+1)...)
	c.proofs.expect(c.world, "too many for later", (perBody+1)*variant, heavySignatures)
}

// TestBatchesAreBounded counts signatures, not payments, wherever some are verified together.
func TestBatchesAreBounded(t *testing.T) {
	c := newVolume(t, false)
	var frames []Incoming
	for i := range 6 {
		frames = append(frames, c.frame(c.variants(i, i+1)...))
	}
	c.r.DecodeAll(frames)
	c.proofs.expect(c.world, "snapshots", 6*variant, groupSignatures)

	for _, x := range c.r.Candidates(c.variants(10, 16)) {
		c.must(x.Err)
	}
	c.proofs.expect(c.world, "submissions", 6*variant, candidateSignatures)

	raw := c.frame(c.variants(20, 26)...)
	_, h, err := c.r.peek(raw.Frame[len(wire.Append(nil, wire.Snapshot{})):])
	c.must(err)
	c.commit(engine.Arrival{ID: h.ID(), Header: h, Raw: raw.Frame[len(wire.Append(nil, wire.Snapshot{})):]})
	c.proofs.expect(c.world, "a commit", 6*variant, groupSignatures)
}

// TestSettledNeedNoSignatures: of a payment that has a receipt, or whose input another spent, nobody verifies signatures any
// more, on arrival, later or at a commit, whatever bytes come under its hash. [EXE-2] [EXE-4]
func TestSettledNeedNoSignatures(t *testing.T) {
	for _, later := range []bool{true, false} {
		c := newVolume(t, later)
		beaten := c.pay(1, "beaten") // takes the key that the heavy payment's output has
		beaten.Outputs[0].Keys, beaten.Outputs[0].Mask = c.heavy.Outputs[0].Keys, c.heavy.Outputs[0].Mask
		c.sign(beaten, c.coins[1])
		if x := c.commit(c.carry(c.encode(&c.heavy))); len(x.Final) != 1 {
			t.Fatalf("%+v", x)
		}
		if x := c.commit(c.carry(c.encode(beaten))); len(x.Rejected) != 1 {
			t.Fatalf("%+v", x)
		}
		beaten.Signatures[0][0].Signature[0]++
		twice := c.heavy // another payment of the same inputs
		twice.Extra = []byte("twice")
		bodies := [][][]byte{append(c.variants(0, 3), c.encode(beaten)), {c.encode(&twice)}}
		c.proofs.sizes = nil
		for rejected, raws := range bodies {
			a := c.carry(raws...)
			if len(a.Claims) > 0 || c.r.Waiting() > 0 {
				t.Errorf("later %v: %d claims, %d wait", later, len(a.Claims), c.r.Waiting())
			}
			if x := c.commit(a); len(x.Final)+len(x.Void) > 0 || len(x.Rejected) != rejected {
				t.Errorf("later %v: %+v", later, x)
			}
		}
		c.proofs.expect(c.world, "settled ones", 0, 0)

		other := c.carry(c.payment(2, "other"))
		waiting := c.r.Waiting()
		if c.commit(c.carry(bodies[0]...)); c.r.Waiting() != waiting {
			t.Errorf("later %v: a commit of settled payments has what waits verified: %d wait, not %d", later, c.r.Waiting(), waiting)
		}
		if x := c.commit(other); len(x.Final) != 1 {
			t.Errorf("later %v: the other payment: %+v", later, x)
		}
		if c.r.Seat().suspects.has(4) {
			t.Errorf("later %v: suspected of what nobody asks for", later)
		}

		twice = c.heavy // settled, but in a form that no state makes right: its author is to blame
		twice.Signatures = twice.Signatures[1:]
		if p := c.r.Parse(c.encode(&twice)); p.Refusal == nil || p.Hash != c.heavy.Hash() {
			t.Fatal("that is a good form")
		}
		c.carry(c.encode(&twice))
		c.r.VerifyWaiting()
		if later && !c.r.Seat().suspects.has(4) {
			t.Error("not suspected of a form that no state makes right")
		}
	}
}

// TestSignatures weighs payments by what must be verified of them.
func TestSignatures(t *testing.T) {
	c := newVolume(t, false)
	aggregate := c.heavy
	aggregate.Signatures, aggregate.Aggregate = nil, &kernel.AggregateSignature{Signers: []uint16{0, 70, 140, 200, 270, 330, 400, 460, 500}}
	bad := c.heavy
	bad.Signatures = bad.Signatures[1:]
	for _, tt := range []struct {
		name string
		raw  []byte
		want int
	}{
		{"one", c.payment(1, "one"), 1},
		{"many", c.encode(&c.heavy), heavySignatures},
		{"aggregate", c.encode(&aggregate), 9},
		{"nobody asks for a bad form's", c.encode(&bad), 1},
		{"no transaction", nil, 1},
	} {
		if got := ledger.Parse(tt.raw).Signatures(); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	if got := ledger.Parse(c.encode(&bad)).Carries(); got != heavySignatures-heavyKeys {
		t.Errorf("a bad form carries %d", got)
	}
	if got := ledger.Parse(nil).Carries(); got != 1 {
		t.Errorf("no transaction carries %d", got)
	}
}

// signed is the i-th payment under an aggregate of so many signers, who have no such keys: nobody verifies it.
func (w *world) signed(i, signers int) []byte {
	w.t.Helper()
	tx := w.pay(i, "signed")
	tx.Signatures, tx.Aggregate = nil, new(kernel.AggregateSignature)
	for signer := range signers {
		tx.Aggregate.Signers = append(tx.Aggregate.Signers, uint16(signer))
	}
	return w.encode(tx)
}

// TestBodySignatures: a body of more signatures than may be is no snapshot's, whoever sends it in whichever form, and nothing
// in it is verified. One of just so many is. [DAG-12]
func TestBodySignatures(t *testing.T) {
	w := newWeave(t)
	proofs := new(counting)
	r := w.open(0, w.create(0), proofs)
	for a := range kernel.Author(members - 1) {
		w.decode(r, a, wire.Append(nil, wire.Snapshot{Raw: w.below[a]}))
	}
	*proofs = counting{}
	none := []byte("no transaction") // counts one
	badForm := w.pay(1, "bad form")
	badForm.Signatures = append(badForm.Signatures, kernel.SignatureMap{{}, {Index: 1}})
	for name, body := range map[string]*kernel.Body{
		"garbage":  bodyOf(w.signed(0, kernel.MaxBodySignatures), none),
		"bad form": bodyOf(w.signed(0, kernel.MaxBodySignatures-2), w.encode(badForm)),
		"plain":    bodyOf(w.signed(0, kernel.MaxBodySignatures-1), w.payment(1, "a"), w.payment(2, "b")),
	} {
		raw, push := w.second(3, body)
		for range 2 { // not known the second time
			if in, err := decodeFrom(r, 5, wire.Append(nil, wire.Snapshot{Raw: raw})); err == nil {
				t.Errorf("%s: taken: %+v", name, in)
			}
		}
		if _, err := r.Inspect(3, raw, true); err == nil {
			t.Errorf("%s: taken from the log", name)
		}
		in := w.decode(r, 3, push)
		if len(in.Missed) != 1 || len(in.Missed[0].Lacks) != 1 {
			t.Fatalf("%s: a push that lacks a parent: %+v", name, in)
		}
	}
	in := w.decode(r, 6, wire.Append(nil, wire.Snapshot{Raw: w.below[6]})) // who brings the parent is not to blame
	if len(in.Arrived) != 1 || len(in.Missed) != 0 {
		t.Errorf("pushes that waited: %+v", in)
	}
	_, push := w.second(4, bodyOf(w.signed(0, kernel.MaxBodySignatures), none))
	if in, err := decodeFrom(r, 4, push); err == nil {
		t.Errorf("pushed: %+v", in)
	}
	if *proofs != (counting{}) {
		t.Errorf("verified: %+v", proofs)
	}
	for a, body := range map[kernel.Author]*kernel.Body{
		3: bodyOf(w.signed(0, kernel.MaxBodySignatures)),
		4: bodyOf(w.signed(0, kernel.MaxBodySignatures-2), none, w.payment(1, "c")),
	} {
		if _, push := w.second(a, body); len(w.decode(r, a, push).Arrived) != 1 {
			t.Errorf("a body of just so many, by %d", a)
		}
	}
}

// TestHostileBody: a body that is full of aggregates of all signers is not even parsed to its end. [DAG-12]
func TestHostileBody(t *testing.T) {
	w := newWorld(t, 4)
	r := w.replica()
	var raws [][]byte
	for i := range 4 {
		raws = append(raws, w.signed(i, kernel.MaxBodySignatures))
	}
	if _, err := r.Inspect(3, w.snapshot(3, bodyOf(raws...), nil), false); err == nil {
		t.Fatal("taken")
	}
	if n := r.memory.parsed.cache.Len(); n != 2 {
		t.Errorf("%d of 4 transactions were parsed, want 2", n)
	}
}

// TestRelayedSignatures: a message with more signatures than a body may have is nobody honest's, and nothing in it is verified. [LIM]
func TestRelayedSignatures(t *testing.T) {
	w := newWorld(t, 4)
	proofs := new(counting)
	r := w.open(0, w.create(0), proofs)
	frame := func(signers int) []byte {
		return wire.Append(nil, wire.Transactions{Raw: [][]byte{w.payment(1, "good"), w.signed(0, signers)}})
	}
	if in, err := decodeFrom(r, 3, frame(kernel.MaxBodySignatures)); err == nil || *proofs != (counting{}) {
		t.Errorf("taken: %+v, verified: %+v", in, proofs)
	}
	in, err := decodeFrom(r, 3, frame(kernel.MaxBodySignatures-1))
	w.must(err)
	if len(in.Admitted) != 1 || in.Admitted[0].Signatures != 1 {
		t.Errorf("just so many: %+v", in)
	}
}

// TestOrphansAtOnce: of orphans with many signatures a step checks few.
func TestOrphansAtOnce(t *testing.T) {
	c := newVolume(t, false)
	raws := append(c.variants(0, 10), c.payment(1, "last"))
	o := orphans{transactions: raws}
	var all [][]byte
	for _, want := range []int{4, 4, 3, 0} {
		list := o.next(c.r)
		if all = append(all, list...); len(list) != want {
			t.Errorf("%d at once, want %d", len(list), want)
		}
	}
	if !slices.EqualFunc(all, raws, slices.Equal) {
		t.Error("others than there were")
	}
}

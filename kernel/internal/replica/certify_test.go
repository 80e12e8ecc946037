package replica

import (
	"errors"
	"fmt"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/checkpoint"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A witnessing is one member of seven that does nothing but execute empty commits and certify.
type witnessing struct {
	*Certifier
	store *store.Store
	key   crypto.NodeKey
}

func (w *witnessing) SignCheckpoint(roster *kernel.EpochRoster, h kernel.Hash) (kernel.Author, kernel.Signature, bool) {
	for i := range roster.Members {
		if roster.Members[i].Key == w.key.Public() {
			return kernel.Author(i), w.key.Sign(h[:]), true
		}
	}
	return 0, kernel.Signature{}, false
}

// commit executes an empty commit; wrong makes its state another one than the others'.
func (w *witnessing) commit(t *testing.T, wrong bool) {
	t.Helper()
	head := w.store.Head()
	c := &kernel.Commit{Index: head.Index + 1, Timestamp: head.Timestamp + 1}
	d := &ledger.Diff{Head: ledger.Head{Index: c.Index, Timestamp: c.Timestamp, Digest: kernel.Digest{byte(c.Index), 1}, State: head.State}}
	if wrong {
		d.Head.Digest[2] = 9
	}
	if err := w.store.Commit(c, d, nil); err != nil {
		t.Fatal(err)
	}
}

func newWitnesses(t *testing.T, period uint64) (all []*witnessing, g *kernel.Genesis) {
	t.Helper()
	g = &kernel.Genesis{Name: "test", Timestamp: 1_700_000_000_000, Parameters: kernel.DefaultParameters()}
	g.Parameters.CheckpointPeriod = period // a commit takes a millisecond
	for i := range 7 {
		key := crypto.NodeKeyFromSeed([32]byte{byte(i), 5})
		g.Members = append(g.Members, kernel.Member{Name: fmt.Sprint("node-", i), Key: key.Public()})
	}
	for i := range 7 {
		w := &witnessing{key: crypto.NodeKeyFromSeed([32]byte{byte(i), 5})}
		o := store.Options{FS: kv.Memory(), Engine: kv.Plain}
		id := kernel.NodeIDOf(g.NetworkID(), w.key.Public())
		first := &ledger.Diff{Head: ledger.Head{Timestamp: g.Timestamp, Digest: kernel.Digest{1}}}
		if err := store.Create("node", g, id, first, nil, o); err != nil {
			t.Fatal(err)
		}
		var err error
		if w.store, err = store.Open("node", g.NetworkID(), id, o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.store.Close() })
		w.Certifier = NewCertifier(w.store, g, w)
		all = append(all, w)
	}
	return all, g
}

// pass brings a message of one to others, and their answers back, until nobody has anything to say.
func pass(t *testing.T, from *witnessing, m wire.Message, to ...*witnessing) error {
	t.Helper()
	frame := wire.Append(nil, m)
	for _, w := range to {
		decoded, err := wire.Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		answers, err := w.Take(from.key.Public(), decoded)
		if err != nil {
			return err
		}
		for _, a := range answers {
			if err := pass(t, w, a, from); err != nil {
				return err
			}
		}
	}
	return nil
}

// TestCertifiers lets seven members certify, of which one loses every vote: it gets the certificate
// from those who have it.
func TestCertifiers(t *testing.T) {
	all, g := newWitnesses(t, 3)
	var votes [][]wire.Message
	for i, w := range all {
		for range 7 {
			w.commit(t, false)
		}
		index, due := w.Due()
		if !due || index != 6 {
			t.Fatalf("due is %d, %t", index, due)
		}
		messages, err := w.Make(index, i != 5) // the sixth must not sign yet
		if err != nil || len(messages) != 1 && i != 5 || len(messages) != 0 && i == 5 {
			t.Fatalf("member %d says %v, %v", i, messages, err)
		}
		votes = append(votes, messages)
		if _, due := w.Due(); due {
			t.Error("it is due again")
		}
	}
	for i, w := range all[:5] {
		others := append(append([]*witnessing(nil), all[:i]...), all[i+1:6]...)
		for _, m := range votes[i] {
			if err := pass(t, w, m, others...); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, w := range all[:6] {
		p, ok := w.store.Certificate(9)
		if !ok || p.Checkpoint.Index != 6 || checkpoint.Verify(g.NetworkID(), g.EpochRoster(), p) != nil || w.Waits() {
			t.Fatalf("member %d: %+v, %t", i, p, ok)
		}
	}
	lost := all[6]
	if _, ok := lost.store.Certificate(9); ok {
		t.Fatal("a certificate out of nothing")
	}
	if err := pass(t, lost, votes[6][0], all[2]); err != nil { // it says its vote again
		t.Fatal(err)
	}
	if _, ok := lost.store.Certificate(9); !ok || lost.Waits() {
		t.Error("whoever signs what is certified does not get the certificate")
	}
}

// TestQuery asks for what is missing.
func TestQuery(t *testing.T) {
	all, _ := newWitnesses(t, 3)
	var votes []wire.Message
	for _, w := range all {
		for range 3 {
			w.commit(t, false)
		}
		again, err := w.Make(3, true)
		if err != nil || len(again) != 1 {
			t.Fatal(again, err)
		}
		votes = append(votes, again[0])
	}
	for i, w := range all[:5] {
		if err := pass(t, w, votes[i], all[:5]...); err != nil {
			t.Fatal(err)
		}
	}
	if q := all[6].Query(); q.After != 0 {
		t.Fatalf("asks after %d", q.After)
	}
	if err := pass(t, all[6], all[6].Query(), all[5], all[0]); err != nil {
		t.Fatal(err)
	}
	if q := all[6].Query(); q.After != 3 {
		t.Errorf("asks after %d", q.After)
	}
}

// TestOutvoted gives a member with another state what the quorum has signed, as votes and as a
// certificate: either stops it. Forged certificates do not.
func TestOutvoted(t *testing.T) {
	all, _ := newWitnesses(t, 3)
	var votes []wire.Message
	for i, w := range all {
		for n := range 3 {
			w.commit(t, i == 0 && n == 2)
		}
		again, err := w.Make(3, true)
		if err != nil || len(again) != 1 {
			t.Fatal(again, err)
		}
		votes = append(votes, again[0])
	}
	var err error
	for i, w := range all[1:] {
		if failed := pass(t, w, votes[1+i], all[2:]...); failed != nil {
			t.Fatal(failed)
		}
		if err == nil {
			err = pass(t, w, votes[1+i], all[0])
		}
	}
	if !errors.Is(err, ErrOutvoted) {
		t.Errorf("by votes: %v", err)
	}
	p, ok := all[2].store.Certificate(3)
	if !ok {
		t.Fatal("the others have no certificate")
	}
	forged := *p
	forged.Checkpoint.Outputs.Root[0]++
	if err := pass(t, all[2], wire.Certificate{Proof: forged}, all[0]); !errors.Is(err, checkpoint.ErrInvalid) {
		t.Errorf("forged: %v", err)
	}
	if err := pass(t, all[2], wire.Certificate{Proof: *p}, all[0]); !errors.Is(err, ErrOutvoted) {
		t.Errorf("by a certificate: %v", err)
	}
}

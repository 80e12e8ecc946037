package ledger

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// pay moves one balance of XIN to a fresh key.
func (w *world) pay(place int) *kernel.Transaction {
	return w.sign(w.spend(kernel.XIN, w.refs(place), w.output(whole(100), 1, 1)))
}

// TestFaults: who is at fault for what, and above all who is not. Before the commit under test,
// commit 1 made `first` final; it spent balance 0.
func TestFaults(t *testing.T) {
	type bodies = []Committed
	for _, tt := range []struct {
		name     string
		commit   func(w *world, first *kernel.Transaction) bodies
		faults   []FaultKind
		receipts []kernel.Status
	}{
		{"double spend by an author who had not executed the first", func(w *world, _ *kernel.Transaction) bodies {
			return bodies{snapshot(1, 5, 0, w.entries(w.pay(0)))}
		}, nil, []kernel.Status{kernel.Rejected}},
		{"double spend by an author who had", func(w *world, _ *kernel.Transaction) bodies {
			return bodies{snapshot(1, 5, 1, w.entries(w.pay(0)))}
		}, []FaultKind{FaultDoubleSpend}, []kernel.Status{kernel.Rejected}},
		{"double spend by an author ahead of it", func(w *world, _ *kernel.Transaction) bodies {
			return bodies{snapshot(1, 5, 2, w.entries(w.pay(0)))}
		}, []FaultKind{FaultDoubleSpend}, []kernel.Status{kernel.Rejected}},
		{"honest race inside one commit", func(w *world, _ *kernel.Transaction) bodies {
			return bodies{snapshot(1, 5, 1, w.entries(w.pay(2))), snapshot(2, 5, 1, w.entries(w.pay(2)))}
		}, nil, []kernel.Status{kernel.Final, kernel.Rejected}},
		{"both sides in one body", func(w *world, _ *kernel.Transaction) bodies {
			return bodies{snapshot(1, 5, 1, w.entries(w.pay(2), w.pay(2)))}
		}, nil, []kernel.Status{kernel.Final, kernel.Rejected}},
		{"the same transaction from two authors", func(w *world, _ *kernel.Transaction) bodies {
			tx := w.pay(2)
			return bodies{snapshot(1, 5, 1, w.entries(tx)), snapshot(2, 5, 1, w.entries(tx))}
		}, nil, []kernel.Status{kernel.Final}},
		{"a final transaction again", func(w *world, first *kernel.Transaction) bodies {
			return bodies{snapshot(1, 5, 1, w.entries(first))}
		}, nil, nil},
		{"a final transaction again, its signature broken", func(w *world, first *kernel.Transaction) bodies {
			bad := *first
			bad.Signatures = []kernel.SignatureMap{{{Signature: crypto.Signature{1}}}}
			return bodies{snapshot(1, 5, 1, w.entries(&bad))}
		}, nil, nil},
		{"a final transaction again, without signatures", func(w *world, first *kernel.Transaction) bodies {
			bad := *first
			bad.Signatures = nil
			return bodies{snapshot(1, 5, 1, w.entries(&bad))}
		}, []FaultKind{FaultInvalid}, nil},
		{"a double spend with a broken signature", func(w *world, _ *kernel.Transaction) bodies {
			bad := w.pay(0)
			bad.Signatures[0][0].Signature[0] ^= 1
			return bodies{snapshot(1, 5, 0, w.entries(bad))}
		}, nil, []kernel.Status{kernel.Rejected}},
		{"a double spend by fewer signers than inputs", func(w *world, _ *kernel.Transaction) bodies {
			tx := w.aggregate(w.spend(kernel.XIN, w.refs(0, 2), w.output(whole(200), 1, 1)))
			tx.Aggregate.Signers = tx.Aggregate.Signers[:1]
			return bodies{snapshot(1, 5, 1, w.entries(tx))}
		}, []FaultKind{FaultInvalid}, nil},
		{"an old ghost key under a new conflict", func(w *world, first *kernel.Transaction) bodies {
			w.settle(w.pay(3)) // commit 2
			tx := w.spend(kernel.XIN, w.refs(3), w.output(whole(100), 1, 1))
			tx.Outputs[0].Keys[0] = first.Outputs[0].Keys[0]
			return bodies{snapshot(1, 5, 1, w.entries(w.sign(tx)))}
		}, []FaultKind{FaultDoubleSpend}, []kernel.Status{kernel.Rejected}},
		{"spends what comes later in the commit", func(w *world, _ *kernel.Transaction) bodies {
			tx := w.pay(2)
			w.view.outputs[kernel.OutputRef{Hash: tx.Hash()}] = &Output{Output: tx.Outputs[0], Asset: kernel.XIN}
			next := w.sign(w.spend(kernel.XIN, []kernel.OutputRef{{Hash: tx.Hash()}}, w.output(whole(100), 1, 1)))
			delete(w.view.outputs, kernel.OutputRef{Hash: tx.Hash()})
			return bodies{snapshot(1, 5, 1, w.entries(next)), snapshot(2, 5, 1, w.entries(tx)), snapshot(3, 5, 1, w.entries(next))}
		}, []FaultKind{FaultInvalid}, []kernel.Status{kernel.Final, kernel.Final}},
		{"good bytes after bad ones", func(w *world, _ *kernel.Transaction) bodies {
			good := w.pay(2)
			bad := *good
			bad.Signatures = []kernel.SignatureMap{{{Signature: crypto.Signature{1}}}}
			return bodies{snapshot(1, 5, 1, w.entries(&bad)), snapshot(2, 5, 1, w.entries(good))}
		}, []FaultKind{FaultInvalid}, []kernel.Status{kernel.Final}},
		{"deposit credited before, known", func(w *world, _ *kernel.Transaction) bodies {
			w.settle(w.deposit(1, whole(5)))
			return bodies{snapshot(1, 5, 2, w.entries(w.deposit(1, whole(5))))}
		}, []FaultKind{FaultDoubleSpend}, []kernel.Status{kernel.Rejected}},
		{"deposit credited before, not known", func(w *world, _ *kernel.Transaction) bodies {
			w.settle(w.deposit(1, whole(5)))
			return bodies{snapshot(1, 5, 1, w.entries(w.deposit(1, whole(5))))}
		}, nil, []kernel.Status{kernel.Rejected}},
		{"one ghost key for two payments of a commit", func(w *world, _ *kernel.Transaction) bodies {
			tx, other := w.pay(2), w.spend(kernel.XIN, w.refs(3), w.output(whole(100), 1, 1))
			other.Outputs[0].Keys = tx.Outputs[0].Keys
			return bodies{snapshot(1, 5, 1, w.entries(tx)), snapshot(2, 5, 1, w.entries(w.sign(other)))}
		}, nil, []kernel.Status{kernel.Final, kernel.Rejected}},
		{"one deposit twice in a commit", func(w *world, _ *kernel.Transaction) bodies {
			return bodies{snapshot(1, 5, 1, w.entries(w.deposit(1, whole(5)))), snapshot(2, 5, 1, w.entries(w.deposit(1, whole(6))))}
		}, nil, []kernel.Status{kernel.Final, kernel.Rejected}},
		{"deposits that together reach the ceiling", func(w *world, _ *kernel.Transaction) bodies {
			one, two := bases["deposit"](w), bases["deposit"](w)
			setDeposit(one, whole(9_000))
			setDeposit(two, whole(200))
			two.Inputs[0].Deposit.Index = 2
			return bodies{snapshot(1, 5, 1, w.entries(w.sign(one))), snapshot(2, 5, 1, w.entries(w.sign(two)))}
		}, nil, []kernel.Status{kernel.Final}},
		{"three faults of one kind in one snapshot", func(w *world, _ *kernel.Transaction) bodies {
			bad := w.entries()
			for i := range byte(3) {
				bad.Entries = append(bad.Entries, kernel.Entry{Kind: kernel.EntryTransaction, Bytes: []byte{i}})
			}
			return bodies{snapshot(1, 5, 1, bad), snapshot(1, 6, 1, bad), snapshot(2, 5, 1, bad)}
		}, []FaultKind{FaultInvalid, FaultInvalid, FaultInvalid}, nil},
		{"no body", func(*world, *kernel.Transaction) bodies { return bodies{snapshot(1, 5, 1, nil)} }, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			first := w.pay(0)
			w.settle(first)
			d := w.commit(tt.commit(w, first)...)
			var statuses []kernel.Status
			for _, r := range d.Receipts {
				statuses = append(statuses, r.Status)
			}
			if !slices.Equal(faultKinds(d), tt.faults) || !slices.Equal(statuses, tt.receipts) {
				t.Fatalf("faults %v and receipts %v, want %v and %v", faultKinds(d), statuses, tt.faults, tt.receipts)
			}
		})
	}
}

// TestWinner: inputs in order, then ghost keys in order, then identities; the first names the
// winner and the rule.
func TestWinner(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.pay(0), w.pay(1), w.pay(2)
	w.settle(a, b, c)
	fresh := w.output(whole(100), 1, 1)
	used := func(keys ...kernel.Key) kernel.Output { fresh := fresh; fresh.Keys = keys; return fresh }
	for _, tt := range []struct {
		name   string
		tx     *kernel.Transaction
		rule   kernel.Rule
		winner *kernel.Transaction
	}{
		{"first input first", w.spend(kernel.XIN, w.refs(4, 1, 0), used(c.Outputs[0].Keys[0])), kernel.InputSpent, b},
		{"other order", w.spend(kernel.XIN, w.refs(0, 1), fresh), kernel.InputSpent, a},
		{"first key first", w.spend(kernel.XIN, w.refs(4), used(w.key(), c.Outputs[0].Keys[0], a.Outputs[0].Keys[0])), kernel.GhostKeyUsed, c},
		{"key of the first output", w.spend(kernel.XIN, w.refs(4), used(b.Outputs[0].Keys[0]), used(a.Outputs[0].Keys[0])), kernel.GhostKeyUsed, b},
		{"an unknown input beside", w.spend(kernel.XIN, []kernel.OutputRef{{Index: 9}, w.balances[1]}, fresh), kernel.InputSpent, b},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := w.execute(snapshot(1, 9, 0, w.entries(w.sign(tt.tx))))
			if len(d.Receipts) != 1 {
				t.Fatal("no receipt")
			}
			if r := d.Receipts[0]; r.Rule != tt.rule || r.Winner != tt.winner.Hash() {
				t.Fatalf("lost to %v by %v", r.Winner, r.Rule)
			}
		})
	}
}

// TestCheckAnswersFromReceipts: who submits a loser again learns to whom it lost.
func TestCheckAnswersFromReceipts(t *testing.T) {
	w := newWorld(t)
	winner, loser := w.pay(0), w.pay(0)
	w.commit(snapshot(0, 1, 0, w.entries(winner)), snapshot(1, 1, 0, w.entries(loser)))
	var refusal *Refusal
	if err := w.check(loser); !errors.As(err, &refusal) || refusal.Rule != kernel.InputSpent || refusal.Winner != winner.Hash() {
		t.Fatalf("got %v", err)
	}
	loser.Signatures = nil
	if err := w.check(loser); !errors.Is(err, kernel.InputSpent) {
		t.Fatalf("without signatures: got %v", err)
	}
}

// TestOneReceipt: a storm of copies, of all envelopes of a rejected and of a final transaction,
// changes nothing. [T07]
func TestOneReceipt(t *testing.T) {
	w := newWorld(t)
	lock := w.sign(w.spend(kernel.XIN, w.refs(0), w.output(whole(100), 2, 3)))
	w.settle(lock)
	ref := []kernel.OutputRef{{Hash: lock.Hash()}}
	winner := w.sign(w.spend(kernel.XIN, ref, w.output(whole(100), 1, 1)))
	loser := w.sign(w.spend(kernel.XIN, ref, w.output(whole(100), 1, 1)))
	envelopes := append(w.envelopes(winner), w.envelopes(loser)...)
	for i, e := range envelopes {
		if want := []*kernel.Transaction{winner, loser}[i/3]; e.Hash() != want.Hash() {
			t.Fatal("the authorization changes the hash")
		}
		for _, other := range envelopes[:i] {
			if bytes.Equal(w.raw(e), w.raw(other)) {
				t.Fatal("two envelopes are equal")
			}
		}
	}
	var first []kernel.Receipt
	for round := range kernel.Round(20) {
		var storm []Committed
		for author := range kernel.Author(7) {
			shift := (int(round) + int(author)) % len(envelopes)
			rotated := append(slices.Clone(envelopes[shift:]), envelopes[:shift]...)
			if round == 0 && author == 0 {
				rotated = envelopes
			}
			storm = append(storm, snapshot(author, round+1, w.view.Head().Index, w.entries(rotated...)))
		}
		d := w.commit(storm...)
		if round == 0 {
			first = d.Receipts
		} else if len(d.Receipts)+len(d.Created)+len(d.Spent)+len(d.Assets) != 0 {
			t.Fatal("a copy changed something")
		}
		if len(d.Faults) != 0 {
			t.Fatalf("faults %v", d.Faults)
		}
	}
	if len(first) != 2 || first[0].Status != kernel.Final || first[1].Status != kernel.Rejected || first[1].Winner != winner.Hash() {
		t.Fatalf("receipts %v", first)
	}
}

// envelopes returns three good authorizations of a transaction that spends one 2-of-3 output.
func (w *world) envelopes(tx *kernel.Transaction) []*kernel.Transaction {
	maps, all, aggregate := *tx, *tx, *tx
	w.sign(&maps)
	w.sign(&all)
	keys, _ := w.lock(tx.Inputs[0].OutputRef)
	hash, s := tx.Hash(), w.privates[keys[2]]
	all.Signatures[0] = append(all.Signatures[0], kernel.IndexedSignature{Index: 2, Signature: s.Sign(hash[:])})
	w.aggregate(&aggregate)
	return []*kernel.Transaction{&maps, &all, &aggregate}
}

// TestParseMayRemember: what a shell computed beforehand leads to the same diff.
func TestParseMayRemember(t *testing.T) {
	w := newWorld(t)
	s := snapshot(1, 1, 0, w.entries(w.pay(0), w.pay(0), w.pay(1)))
	want, asked := w.execute(s), 0
	remembered := map[string]*Parsed{}
	for _, e := range s.Body.Entries {
		remembered[string(e.Bytes)] = Parse(e.Bytes)
	}
	w.context.Parse = func(raw []byte) *Parsed { asked++; return remembered[string(raw)] }
	if got := w.execute(s); got.Head != want.Head || asked != 6 {
		t.Fatalf("another diff, or %d of 6 questions", asked)
	}
}

// TestExecuteDemandsTheNextCommit: a gap is a bug of the caller.
func TestExecuteDemandsTheNextCommit(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]*kernel.Commit{
		"gap":    {Index: 2, Timestamp: w.clock},
		"repeat": {Index: 0, Timestamp: w.clock},
		"past":   {Index: 1, Timestamp: w.clock - 1},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic:", name)
				}
			}()
			Execute(w.view, c, nil, w.context)
		}()
	}
}

// TestDigest: it depends on everything it should chain.
func TestDigest(t *testing.T) {
	receipts := []kernel.Receipt{{Transaction: kernel.TxHash{1}, Status: kernel.Final}, {Transaction: kernel.TxHash{2}, Status: kernel.Final}}
	swapped := []kernel.Receipt{receipts[1], receipts[0]}
	var set, other crypto.SetHash
	other.Add([]byte("x"))
	base := digest(kernel.Digest{}, 1, 2, receipts, &set)
	for name, d := range map[string]kernel.Digest{
		"previous":  digest(kernel.Digest{1}, 1, 2, receipts, &set),
		"index":     digest(kernel.Digest{}, 2, 2, receipts, &set),
		"timestamp": digest(kernel.Digest{}, 1, 3, receipts, &set),
		"order":     digest(kernel.Digest{}, 1, 2, swapped, &set),
		"receipts":  digest(kernel.Digest{}, 1, 2, receipts[:1], &set),
		"state":     digest(kernel.Digest{}, 1, 2, receipts, &other),
	} {
		if d == base {
			t.Error("does not depend on", name)
		}
	}
}

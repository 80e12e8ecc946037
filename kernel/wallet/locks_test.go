package wallet

import (
	"context"
	"errors"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/rpc/rpctest"
)

// onePage is a node that lists one lock a page.
type onePage struct{ *client.Client }

func (o onePage) Locks(ctx context.Context, after string, _ int) (client.LockPage, error) {
	return o.Client.Locks(ctx, after, 1)
}

// TestLocks votes with a part of a wallet's XIN over a node's real interface: what votes is shown apart, no payment
// takes it, nodes would refuse one that did, and it is free when the votes have ended.
func TestLocks(t *testing.T) {
	n := rpctest.NewStaked(t, 10) // of 100 XIN
	node := client.New(rpctest.Serve(t, n, rpc.Config{}))
	ctx, network := t.Context(), n.Genesis.NetworkID()
	w := New(AccountKeys(n.Owner), network, 0)
	read := func() {
		t.Helper()
		if _, err := w.Scan(ctx, node); err != nil {
			t.Fatal(err)
		}
		if err := w.ReadLocks(ctx, onePage{node}); err != nil {
			t.Fatal(err)
		}
	}
	read()
	if len(w.Locks()) != 0 {
		t.Fatal("locked before any vote")
	}
	motion := kernel.Motion{Subject: kernel.SubjectCommunity, Title: "Meet in May"}
	id := motion.ID(network)
	p := kernel.Proposal{Motion: motion}
	var err error
	if p.Ballots, _, err = w.Ballots(coins(250), nil, func(b []kernel.Ballot) kernel.Hash { return kernel.BallotHash(network, id, true, b) }); err != nil {
		t.Fatal(err)
	}
	key := kernel.NodeKeyFromSeed([32]byte{200})
	r := &kernel.Record{Kind: kernel.RecordMotion, Network: network, Signer: key.Public(), Payload: p.AppendBinary(nil)}
	hash := r.SigningHash()
	r.Signature = key.Sign(hash[:])
	if _, err := node.SendRecord(ctx, r.AppendBinary(nil)); err != nil {
		t.Fatal(err)
	}
	n.Commit()
	unaware := New(AccountKeys(n.Owner), network, 0)
	if _, err := unaware.Scan(ctx, node); err != nil {
		t.Fatal(err)
	}
	read()
	locks := w.Locks()
	if len(locks) != 3 || len(locks[0].Motions) != 1 || locks[0].Motions[0] != id {
		t.Fatalf("locks %+v, want those of three ballots", locks)
	}
	if b := w.Balances()[0]; b.Final != coins(1000) || b.Spendable != coins(700) || b.Locked != coins(300) || !b.PendingOut.IsZero() {
		t.Fatalf("balance %+v", b)
	}
	pay := func(amount uint64) Request {
		bob := account(9)
		return Request{Asset: kernel.XIN, Pay: []Pay{{To(bob.Address()), coins(amount)}}}
	}
	for seed := range uint64(20) {
		plan, err := w.Plan(pay(700), seeded(seed))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range plan.spends {
			if w.locked(&o) {
				t.Fatalf("a payment takes %s, which votes", o.Ref)
			}
		}
	}
	if _, err := w.Plan(pay(701), seeded(1)); !errors.Is(err, ErrVoting) || !errors.Is(err, ErrInsufficient) {
		t.Fatalf("only locked XIN is left: %v", err)
	}
	if _, err := w.Plan(pay(1001), seeded(1)); errors.Is(err, ErrVoting) || !errors.Is(err, ErrInsufficient) {
		t.Fatalf("there is no such money: %v", err)
	}
	named := pay(1)
	named.Inputs = []Ref{locks[0].Ref}
	if _, err := w.Plan(named, seeded(1)); !errors.Is(err, ErrVoting) {
		t.Fatalf("a locked output that is asked for: %v", err)
	}
	if _, err := unaware.Send(ctx, Network{Source: plainSource{node}, Submitter: node}, "in vain", named); !errors.Is(err, kernel.OutputLocked) {
		t.Fatalf("a wallet that does not ask is refused: %v", err)
	}
	if plan, err := w.Consolidate(kernel.XIN, seeded(1)); err != nil || len(plan.spends) != 7 {
		t.Fatalf("consolidating %v", err)
	}
	for n.Info().Head.Index < locks[0].Until {
		n.Commit()
	}
	if _, err := w.Scan(ctx, node); err != nil {
		t.Fatal(err)
	}
	if len(w.Locks()) != 0 || w.Balances()[0].Spendable != coins(1000) {
		t.Fatalf("still locked after the votes: %+v", w.Balances())
	}
	if _, err := w.Plan(named, seeded(1)); err != nil {
		t.Fatal(err)
	}
	if read(); len(w.Locks()) != 0 {
		t.Fatalf("the node lists what is free: %+v", w.Locks())
	}
}

// A plainSource is a node that lists no locks.
type plainSource struct{ Source }

// TestLocksEndless: a node whose list of locks does not end is no node.
func TestLocksEndless(t *testing.T) {
	w := walletWith(ownedOutputs([]uint64{5}))
	for ref := range w.facts.outputs {
		w.facts.outputs[ref].Asset = kernel.XIN
	}
	if err := w.ReadLocks(t.Context(), endless{}); !errors.Is(err, ErrHistory) {
		t.Fatal(err)
	}
}

type endless struct{}

func (endless) Locks(context.Context, string, int) (client.LockPage, error) {
	return client.LockPage{Next: "same"}, nil
}

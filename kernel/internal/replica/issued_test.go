package replica

import (
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/ceremony"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
)

// withStake gives a world's network stake, so that it mints, and deals its coin key anew.
func (w *world) withStake() {
	w.t.Helper()
	g := w.genesis
	g.Stake = kernel.DefaultStake()
	g.Parameters.Pledge = kernel.NewAmount(1000_00000000)
	total := g.Stake.Pool
	for _, b := range g.Balances {
		total, _ = total.Add(b.Amount)
	}
	for range g.Members {
		total, _ = total.Add(g.Parameters.Pledge)
	}
	g.Stake.Total = total
	var err error
	w.shares, err = ceremony.DealTrusted(g, w.random)
	w.must(err)
	w.must(g.Check())
	txs, err := kernel.GenesisTransactions(g)
	w.must(err)
	w.coins = nil
	for _, tx := range txs {
		for i, out := range tx.Outputs {
			if out.Type == kernel.OutputScript && len(out.Keys) == 1 {
				w.coins = append(w.coins, note{kernel.OutputRef{Hash: tx.Hash(), Index: uint16(i)}, out})
			}
		}
	}
}

// Anybody can compute the keys of a coming mint and pay to one of them. With the commit that mints the payment
// must leave the pool: who carries it later is at fault, and loses his stake for what a client did.
func TestMintBeatsWhatWaits(t *testing.T) {
	w := newWorld(t, 3)
	w.withStake()
	g := w.genesis
	r := w.replica()
	all := kernel.AuthorSet(1<<members - 1)
	position := uint64(0)
	execute := func(index kernel.CommitIndex, at kernel.Timestamp) ([][]byte, engine.Execution) {
		c := &kernel.Commit{Index: index, Timestamp: at, Position: position}
		for a := range kernel.Author(members) {
			id := kernel.SnapshotID{byte(index), byte(a), 77}
			r.bodies.add(id, r.unpack(new(kernel.Body)), 1)
			c.Snapshots = append(c.Snapshots, kernel.CommittedID{Author: a, ID: id, Claim: index - 1, Names: all &^ (1 << a)})
		}
		c.Leader = kernel.Parent{ID: c.Snapshots[0].ID}
		position += members
		x, diff, err := r.Execute(engine.Ordered{Commit: c, Order: []byte{1}})
		w.must(err)
		return diff.Issued, x
	}
	const day = 86_400_000
	midnight := (uint64(g.Timestamp)/day + 1) * day
	execute(1, kernel.Timestamp(midnight-1000))

	// As MNT-7 says, the first member's key of the first batch.
	seed := crypto.Sum([]byte(kernel.PublicAddress(g.Members[0].Key).String() + "MINTKERNELNODE" + "1"))
	secret := crypto.ScalarFromWide([64]byte(append(seed[:], seed[:]...)))
	key, err := crypto.GhostPublic(secret, g.Members[0].Payee.View, g.Members[0].Payee.Spend, 0)
	w.must(err)
	from := w.coins[0]
	tx := &kernel.Transaction{Asset: kernel.XIN, Inputs: []kernel.Input{{OutputRef: from.OutputRef}}}
	tx.Outputs = []kernel.Output{{Amount: from.Amount, Keys: []kernel.Key{key}, Mask: secret.Public(), Script: kernel.NewScript(1)}}
	w.sign(tx, from)
	candidate, err := r.Candidate(w.encode(tx))
	w.must(err)
	pool := mempool.New(mempool.Limits{Count: 10, Bytes: 1 << 20})
	w.must(pool.Add(candidate, 1))
	if len(pool.Pick(1, mempool.Room{Count: 10, Bytes: 1 << 20, Signatures: 10})) != 1 {
		t.Fatal("the payment is not proposed before the mint")
	}

	issued, x := execute(2, kernel.Timestamp(midnight+1))
	if len(issued) != 1 {
		t.Fatalf("%d transactions of the ledger's own at midnight", len(issued))
	}
	if _, err := r.Candidate(w.encode(tx)); err == nil {
		t.Fatal("the mint did not take the key")
	}
	for _, c := range x.Final {
		pool.Settle(c, true)
	}
	if left := pool.Pick(2, mempool.Room{Count: 10, Bytes: 1 << 20, Signatures: 10}); len(left) > 0 {
		t.Error("the payment is still proposed, with a claim to know of the mint")
	}
}

package light

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/merkle"
	"github.com/asterism-network/asterism/kernel"
)

// A world is a network as its members know it: real keys, trees, transactions and certificates,
// without consensus. It only ever certifies what is so; liars are made by the tests.
type world struct {
	t       testing.TB
	random  *rand.Rand
	genesis *kernel.Genesis
	network kernel.NetworkID
	start   int // members of epoch 0

	roster  *kernel.EpochRoster
	keys    []crypto.NodeKey // that sign checkpoints, by author
	changes []kernel.RosterChange
	last    kernel.CheckpointProof

	index        kernel.CommitIndex
	receipts     []kernel.Receipt
	outputs      []*kernel.StateOutput
	receiptTree  *merkle.Tree
	outputTree   *merkle.Tree
	receiptsDone int // leaves that the trees hold
	outputsDone  int
	cleared      []uint64

	transactions [][]byte // of the final receipts, in order
	unspent      []uint64 // places
	spentRef     []spentOutput
	mine         kernel.Account
	mineGets     int // of 16 outputs, how many go to mine
}

// A spentOutput is what a world remembers of a spent output.
type spentOutput struct {
	place  uint64
	output *kernel.StateOutput
}

func nodeKey(kind string, epoch, n int) crypto.NodeKey {
	return crypto.NodeKeyFromSeed(crypto.Sum(fmt.Appendf(nil, "%s %d %d", kind, epoch, n)))
}

var payee = kernel.AccountFromSeed([64]byte{9}).Address()

func newWorld(t testing.TB, members int, seed uint64) *world {
	w := &world{t: t, random: rand.New(rand.NewPCG(seed, 5)), start: members, mineGets: 1, mine: kernel.AccountFromSeed([64]byte{byte(seed), 77})}
	g := &kernel.Genesis{Name: "light", Timestamp: 1_700_000_000_000, Parameters: kernel.DefaultParameters()}
	for i := range members {
		key := nodeKey("node", 0, i)
		g.Members = append(g.Members, kernel.Member{Name: fmt.Sprint("n", i), Key: key.Public(), Payee: payee})
		w.keys = append(w.keys, key)
	}
	g.CoinKey = make([]kernel.Key, (members-1)/3+1)
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
	w.genesis, w.network, w.roster = g, g.NetworkID(), g.EpochRoster()
	w.receiptTree, w.outputTree = merkle.NewTree(0, new(merkle.Memory)), merkle.NewTree(0, new(merkle.Memory))
	return w
}

// pay makes a few commits with a few transactions each; one in eight is rejected.
func (w *world) pay(transactions int) {
	for range transactions {
		if w.random.IntN(3) == 0 || w.index == 0 {
			w.index++
		}
		tx := w.transaction()
		hash := tx.Hash()
		r := kernel.Receipt{Transaction: hash, Status: kernel.Final, Commit: w.index, Snapshot: kernel.SnapshotID{1, byte(w.random.IntN(256))}}
		if w.random.IntN(8) == 0 {
			r.Status, r.Rule, r.Winner = kernel.Rejected, kernel.InputSpent, kernel.TxHash{3}
			w.receipts = append(w.receipts, r)
			continue
		}
		w.receipts = append(w.receipts, r)
		b, err := tx.AppendPayload(nil)
		if err != nil {
			w.t.Fatal(err)
		}
		w.transactions = append(w.transactions, b)
		w.apply(tx, hash)
	}
}

func (w *world) transaction() *kernel.Transaction {
	tx := &kernel.Transaction{Asset: []kernel.AssetID{kernel.XIN, kernel.BTC}[w.random.IntN(2)]}
	n := w.random.IntN(3)
	for range n {
		if len(w.unspent) == 0 || w.random.IntN(3) == 0 {
			break
		}
		o := w.outputs[w.unspent[w.random.IntN(len(w.unspent))]]
		if in := (kernel.Input{OutputRef: o.Ref()}); !slices.ContainsFunc(tx.Inputs, func(i kernel.Input) bool { return i.OutputRef == in.OutputRef }) {
			tx.Inputs = append(tx.Inputs, in)
		}
	}
	tx.Inputs = append(tx.Inputs, kernel.Input{OutputRef: kernel.OutputRef{Hash: kernel.TxHash{byte(w.random.IntN(256)), byte(w.random.IntN(256)), byte(w.random.IntN(256))}}})
	for i := range 1 + w.random.IntN(3) {
		tx.Outputs = append(tx.Outputs, w.output(i))
	}
	return tx
}

func (w *world) output(i int) kernel.Output {
	out := kernel.Output{Type: kernel.OutputScript, Amount: kernel.NewAmount(1 + w.random.Uint64N(1e12)), Script: kernel.NewScript(1)}
	if w.random.IntN(20) == 0 {
		return kernel.Output{Type: kernel.OutputWithdrawalSubmit, Amount: out.Amount, Withdrawal: &kernel.Withdrawal{Address: "x"}}
	}
	var wide [64]byte
	for j := range 8 {
		wide[j] = byte(w.random.IntN(256))
	}
	if w.random.IntN(16) >= w.mineGets {
		out.Keys, out.Mask = []kernel.Key{kernel.Key(wide[:32]), {7}}, kernel.Key{8}
		return out
	}
	r := crypto.ScalarFromWide(wide)
	to := w.mine.Address()
	key, err := crypto.GhostPublic(r, to.View, to.Spend, uint64(i))
	if err != nil {
		w.t.Fatal(err)
	}
	out.Keys, out.Mask = []kernel.Key{key}, crypto.Mask(r)
	switch w.random.IntN(8) {
	case 0:
		out.Keys = []kernel.Key{{byte(i), 9}, key} // shared with somebody
	case 1:
		out.Script = kernel.NewScript(kernel.MaxThreshold) // burned
	}
	return out
}

func (w *world) apply(tx *kernel.Transaction, hash kernel.TxHash) {
	for _, in := range tx.Inputs {
		at := slices.IndexFunc(w.unspent, func(p uint64) bool { return w.outputs[p].Ref() == in.OutputRef })
		if at < 0 {
			continue
		}
		place := w.unspent[at]
		w.unspent = slices.Delete(w.unspent, at, at+1)
		w.spentRef = append(w.spentRef, spentOutput{place, w.outputs[place]})
		w.outputs[place] = nil
		w.cleared = append(w.cleared, place)
	}
	for _, o := range kernel.StateOutputs(tx, hash, w.index) {
		w.unspent = append(w.unspent, uint64(len(w.outputs)))
		w.outputs = append(w.outputs, &o)
	}
}

// brought updates the trees and returns the checkpoint of the newest commit.
func (w *world) brought() kernel.Checkpoint {
	w.index++
	var leaves [][32]byte
	for _, r := range w.receipts[w.receiptsDone:] {
		leaves = append(leaves, r.Leaf())
	}
	w.receiptTree.Update(leaves, nil)
	leaves = nil
	for _, o := range w.outputs[w.outputsDone:] {
		leaves = append(leaves, o.Leaf())
	}
	slices.Sort(w.cleared)
	w.outputTree.Update(leaves, w.cleared)
	w.receiptsDone, w.outputsDone, w.cleared = len(w.receipts), len(w.outputs), nil
	return kernel.Checkpoint{
		Network: w.network, Epoch: w.roster.Epoch, Index: w.index, Timestamp: w.genesis.Timestamp + kernel.Timestamp(w.index)*100,
		Digest:   kernel.Digest{1, byte(w.index)},
		Receipts: kernel.TreeHead{Root: w.receiptTree.Root(), Count: w.receiptTree.Count()},
		Outputs:  kernel.TreeHead{Root: w.outputTree.Root(), Count: w.outputTree.Count()},
		Roster:   w.roster.Hash(w.network),
	}
}

// checkpoint certifies the newest commit.
func (w *world) checkpoint() *kernel.CheckpointProof {
	w.last = *w.certify(w.brought())
	p := w.last
	return &p
}

// certify signs a checkpoint by a random quorum, or a few more.
func (w *world) certify(cp kernel.Checkpoint) *kernel.CheckpointProof {
	var authors []int
	for i, m := range w.roster.Members {
		if !m.Flagged {
			authors = append(authors, i)
		}
	}
	w.random.Shuffle(len(authors), func(i, j int) { authors[i], authors[j] = authors[j], authors[i] })
	q := w.roster.Roster().Quorum()
	authors = authors[:q+w.random.IntN(len(authors)-q+1)]
	slices.Sort(authors)
	return signed(cp, w.keys, authors...)
}

// signed is a certificate by the given authors.
func signed(cp kernel.Checkpoint, keys []crypto.NodeKey, authors ...int) *kernel.CheckpointProof {
	hash := cp.SigningHash()
	p := &kernel.CheckpointProof{Checkpoint: cp}
	for _, a := range authors {
		p.Signatures = append(p.Signatures, kernel.CheckpointSignature{Author: kernel.Author(a), Signature: keys[a].Sign(hash[:])})
	}
	return p
}

// endEpoch certifies the end of the epoch and goes on with another roster: some members flagged,
// some without a checkpoint key of their own.
func (w *world) endEpoch(members, flagged int) *kernel.RosterChange {
	next := &kernel.EpochRoster{Epoch: w.roster.Epoch + 1, CheckpointKeys: make([]kernel.Key, members)}
	keys := make([]crypto.NodeKey, members)
	for i := range members {
		node := nodeKey("node", 0, i)
		next.Members = append(next.Members, kernel.Member{Name: fmt.Sprint("n", i), Key: node.Public(), Payee: payee, Flagged: i%5 == 2 && i/5 < flagged})
		keys[i] = node
		if i%4 != 3 {
			keys[i] = nodeKey("checkpoint", int(next.Epoch), i)
			next.CheckpointKeys[i] = keys[i].Public()
		}
	}
	next.CoinKey = make([]kernel.Key, next.Roster().Faulty()+1)
	cp := w.brought()
	cp.Next = next.Hash(w.network)
	change := kernel.RosterChange{End: *w.certify(cp), Next: *next}
	w.changes = append(w.changes, change)
	w.last = change.End
	w.roster, w.keys = next, keys
	return &change
}

// finality proves receipt i under the last certificate.
func (w *world) finality(i int) *kernel.FinalityProof {
	return &kernel.FinalityProof{Receipt: w.receipts[i], Branch: kernel.BranchOf(w.receiptTree.Prove(uint64(i))), Certificate: w.certificate()}
}

// place proves what stands at a place of the outputs under the last certificate.
func (w *world) place(place uint64) *kernel.OutputProof {
	return &kernel.OutputProof{Output: w.outputs[place], Branch: kernel.BranchOf(w.outputTree.Prove(place)), Certificate: w.certificate()}
}

func (w *world) certificate() kernel.CheckpointProof {
	return kernel.CheckpointProof{Checkpoint: w.last.Checkpoint, Signatures: slices.Clone(w.last.Signatures)}
}

func (w *world) outputRange(from, to int) *kernel.OutputRange {
	return kernel.OutputRangeOf(slices.Clone(w.outputs[from:to]), w.outputTree.ProveRange(uint64(from), uint64(to)))
}

func (w *world) receiptRange(from, to int) *kernel.ReceiptRange {
	return kernel.ReceiptRangeOf(slices.Clone(w.receipts[from:to]), w.receiptTree.ProveRange(uint64(from), uint64(to)))
}

// finalReceipt picks a receipt with the wanted status.
func (w *world) finalReceipt(status kernel.Status) int {
	for {
		if i := w.random.IntN(w.receiptsDone); w.receipts[i].Status == status {
			return i
		}
	}
}

func (w *world) emptyPlace() uint64 {
	for {
		if i := w.random.IntN(w.outputsDone); w.outputs[i] == nil {
			return uint64(i)
		}
	}
}

func (w *world) unspentPlace() uint64 { return w.unspent[w.random.IntN(len(w.unspent))] }

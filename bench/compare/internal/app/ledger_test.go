package app

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/workload"
	"github.com/cometbft/cometbft/abci/types"
)

// A world is a ledger with the coins of a few lanes, and their payments.
type world struct {
	fs       kv.FS
	ledger   *Ledger
	payments [][]byte
}

const lanes = 40

func newWorld(t *testing.T, count int) *world {
	t.Helper()
	w, err := workload.New(workload.Options{Seed: 7, Kind: workload.P2, Lanes: lanes})
	if err != nil {
		t.Fatal(err)
	}
	funding, err := w.Fund(&kernel.Genesis{Name: "test", Timestamp: 1, Assets: []kernel.GenesisAsset{workload.Asset()}, Balances: w.Balances()})
	if err != nil {
		t.Fatal(err)
	}
	x := &world{fs: kv.Memory()}
	for _, p := range w.Make(count) {
		x.payments = append(x.payments, p.Raw)
	}
	x.ledger = x.open(t)
	genesis := make([]*kernel.Transaction, len(funding))
	for i := range funding {
		genesis[i] = decode(t, funding[i].Raw)
	}
	if err := x.ledger.Begin(genesis); err != nil {
		t.Fatal(err)
	}
	return x
}

func (x *world) open(t *testing.T) *Ledger {
	t.Helper()
	l, err := Open(x.fs, "ledger")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func decode(t *testing.T, raw []byte) *kernel.Transaction {
	t.Helper()
	tx := new(kernel.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		t.Fatal(err)
	}
	return tx
}

// changed is a payment with one fact changed and its old signatures.
func changed(t *testing.T, raw []byte, change func(tx *kernel.Transaction)) []byte {
	t.Helper()
	tx := decode(t, slices.Clone(raw))
	change(tx)
	raw, err := tx.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (x *world) commit(t *testing.T, height int64, transactions ...[]byte) *Block {
	t.Helper()
	b := x.ledger.Judge(transactions)
	if err := x.ledger.Commit(b, height); err != nil {
		t.Fatal(err)
	}
	return b
}

// statefulRules are judged after the signatures in a block, before them in the mempool's check:
// there they spare the dear part.
var statefulRules = map[kernel.Rule]bool{kernel.AmountMismatch: true, kernel.InputAsset: true, kernel.GhostKeyUsed: true}

// TestRules: each case breaks one fact of a valid payment, and both ways in name the one rule:
// the mempool's check, and a block whose transactions nobody checked before.
func TestRules(t *testing.T) {
	small := kernel.Key{1} // the identity: on the curve, of small order
	for _, c := range []struct {
		name   string
		want   kernel.Rule
		broken func(x *world, tx *kernel.Transaction)
	}{
		{"other class", kernel.UnknownClass, func(_ *world, tx *kernel.Transaction) { tx.Inputs[0].Genesis = []byte{1} }},
		{"one input twice", kernel.InputDuplicate, func(_ *world, tx *kernel.Transaction) { tx.Inputs[1] = tx.Inputs[0] }},
		{"unknown input", kernel.InputNotFound, func(_ *world, tx *kernel.Transaction) { tx.Inputs[0].Hash[0]++ }},
		{"spent input", kernel.InputSpent, func(x *world, tx *kernel.Transaction) { tx.Inputs[1] = decode(t, x.payments[0]).Inputs[0] }},
		{"no amount", kernel.AmountZero, func(_ *world, tx *kernel.Transaction) { tx.Outputs[0].Amount = kernel.Amount{} }},
		{"sums differ", kernel.AmountMismatch, func(_ *world, tx *kernel.Transaction) {
			tx.Outputs[0].Amount, _ = tx.Outputs[0].Amount.Add(kernel.NewAmount(1))
		}},
		{"sum too large", kernel.AmountOverflow, func(_ *world, tx *kernel.Transaction) {
			tx.Outputs[0].Amount = kernel.AmountFromUnits(1<<64-1, 1<<64-1)
		}},
		{"other asset", kernel.InputAsset, func(_ *world, tx *kernel.Transaction) { tx.Asset = kernel.BTC }},
		{"key is no point", kernel.OutputKeyInvalid, func(_ *world, tx *kernel.Transaction) { tx.Outputs[1].Keys[0] = kernel.Key{2} }},
		{"key of small order", kernel.OutputKeyInvalid, func(_ *world, tx *kernel.Transaction) { tx.Outputs[1].Keys[0] = small }},
		{"mask is no point", kernel.MaskInvalid, func(_ *world, tx *kernel.Transaction) { tx.Outputs[1].Mask = kernel.Key{2} }},
		{"no mask", kernel.MaskInvalid, func(_ *world, tx *kernel.Transaction) { tx.Outputs[1].Mask = kernel.Key{} }},
		{"one key twice", kernel.OutputKeyDuplicate, func(_ *world, tx *kernel.Transaction) { tx.Outputs[1].Keys[0] = tx.Outputs[0].Keys[0] }},
		{"used key", kernel.GhostKeyUsed, func(x *world, tx *kernel.Transaction) {
			tx.Outputs[1].Keys[0] = decode(t, x.payments[0]).Outputs[2].Keys[0]
		}},
		{"two keys", kernel.OutputShape, func(_ *world, tx *kernel.Transaction) {
			tx.Outputs[1].Keys = append(tx.Outputs[1].Keys, tx.Outputs[1].Mask)
		}},
		{"other script", kernel.ScriptInvalid, func(_ *world, tx *kernel.Transaction) { tx.Outputs[1].Script = kernel.NewScript(2) }},
		{"signature missing", kernel.SignatureShape, func(_ *world, tx *kernel.Transaction) { tx.Signatures = tx.Signatures[:1] }},
		{"signature of another key", kernel.SignatureShape, func(_ *world, tx *kernel.Transaction) { tx.Signatures[0][0].Index = 1 }},
		{"bad signature", kernel.SignatureInvalid, func(_ *world, tx *kernel.Transaction) { tx.Signatures[1][0].Signature[40] ^= 1 }},
		{"signatures exchanged", kernel.SignatureInvalid, func(_ *world, tx *kernel.Transaction) {
			tx.Signatures[0], tx.Signatures[1] = tx.Signatures[1], tx.Signatures[0]
		}},
		{"signed something else", kernel.SignatureInvalid, func(_ *world, tx *kernel.Transaction) { tx.Extra = []byte("more") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newWorld(t, 4)
			x.commit(t, 1, x.payments[0])
			if err := x.ledger.Check(x.payments[1]); err != nil {
				t.Fatal("base case is not valid:", err)
			}
			raw := changed(t, x.payments[1], func(tx *kernel.Transaction) { c.broken(x, tx) })
			if err := x.ledger.Check(raw); !errors.Is(err, c.want) {
				t.Errorf("check: got %v, want %v", err, c.want)
			}
			b := x.ledger.Judge([][]byte{x.payments[2], raw, x.payments[3]})
			want := c.want
			if statefulRules[want] { // the changed payment's signatures are bad too, and looked at first
				want = kernel.SignatureInvalid
			}
			if !errors.Is(b.Refused[1], want) || b.Refused[0] != nil || b.Refused[2] != nil || b.Good != 2 {
				t.Errorf("block: got %v, want only the second refused, as %v", b.Refused, want)
			}
		})
	}
}

func TestBytesThatAreNoTransaction(t *testing.T) {
	x := newWorld(t, 1)
	for _, raw := range [][]byte{nil, {0x77}, x.payments[0][:100], append(slices.Clone(x.payments[0]), 0)} {
		if err := x.ledger.Check(raw); !errors.Is(err, kernel.Malformed) {
			t.Errorf("%d bytes: %v", len(raw), err)
		}
	}
}

// TestDoubleSpend: of two payments that spend the same, one is good, in a block and after it.
func TestDoubleSpend(t *testing.T) {
	x := newWorld(t, 2)
	twin := changed(t, x.payments[0], func(tx *kernel.Transaction) { tx.Signatures = decode(t, x.payments[0]).Signatures })
	if !bytes.Equal(twin, x.payments[0]) {
		t.Fatal("a payment that was decoded and encoded is another one")
	}
	b := x.ledger.Judge([][]byte{x.payments[0], x.payments[1], twin})
	if b.Refused[0] != nil || b.Refused[1] != nil || !errors.Is(b.Refused[2], kernel.InputSpent) {
		t.Fatalf("in one block: %v", b.Refused)
	}
	x.commit(t, 1, x.payments...)
	if err := x.ledger.Check(twin); !errors.Is(err, kernel.InputSpent) {
		t.Errorf("after the block: %v", err)
	}
}

// TestChainInOneBlock: a payment may spend what one before it in the block makes, not after it.
func TestChainInOneBlock(t *testing.T) {
	x := newWorld(t, lanes+1)
	first, second := x.payments[0], x.payments[lanes] // of one lane
	if b := x.ledger.Judge([][]byte{second, first}); !errors.Is(b.Refused[0], kernel.InputNotFound) || b.Refused[1] != nil {
		t.Errorf("wrong order: %v", b.Refused)
	}
	if b := x.ledger.Judge([][]byte{first, second}); b.Good != 2 {
		t.Errorf("right order: %v", b.Refused)
	}
}

// TestSameHash: whether transactions were checked before makes no difference to a block, and
// what was committed is there after opening the folder again.
func TestSameHash(t *testing.T) {
	x, y := newWorld(t, 20), newWorld(t, 20)
	for _, raw := range x.payments {
		if err := x.ledger.Check(raw); err != nil {
			t.Fatal(err)
		}
	}
	for height := range int64(2) {
		part := x.payments[10*height : 10*height+10]
		if a, b := x.commit(t, height+1, part...), y.commit(t, height+1, part...); a.hash != b.hash || a.Good != 10 {
			t.Fatalf("block %d: %d good, hashes %x and %x", height+1, a.Good, a.hash, b.hash)
		}
	}
	if b := x.commit(t, 3); b.hash != x.ledger.state.hash {
		t.Error("an empty block changes the hash: CometBFT would make blocks for ever")
	}
	if len(x.ledger.known)+len(x.ledger.order)+len(y.ledger.known) > 0 {
		t.Error("payments are remembered after their block")
	}
	_, hash := x.ledger.Head()
	coins, ghosts := len(x.ledger.state.coins), len(x.ledger.state.ghosts)
	if err := x.ledger.Close(); err != nil {
		t.Fatal(err)
	}
	x.ledger = x.open(t)
	if height, again := x.ledger.Head(); height != 3 || again != hash {
		t.Errorf("opened at height %d, hash %x, want 3 and %x", height, again, hash)
	}
	if len(x.ledger.state.coins) != coins || len(x.ledger.state.ghosts) != ghosts {
		t.Errorf("opened with %d outputs and %d keys, want %d and %d", len(x.ledger.state.coins), len(x.ledger.state.ghosts), coins, ghosts)
	}
	if err := x.ledger.Check(x.payments[3]); !errors.Is(err, kernel.InputSpent) {
		t.Errorf("a payment before the restart: %v", err)
	}
}

// TestABCI: a proposer leaves out what is not valid, others refuse a block with it.
func TestABCI(t *testing.T) {
	x, ctx := newWorld(t, 3), context.Background()
	a := New(x.ledger, nil)
	bad := changed(t, x.payments[1], func(tx *kernel.Transaction) { tx.Signatures[0][0].Signature[3] ^= 1 })
	all := [][]byte{x.payments[0], bad, x.payments[2]}
	if r, _ := a.CheckTx(ctx, &types.RequestCheckTx{Tx: bad}); r.Code != uint32(kernel.SignatureInvalid) {
		t.Errorf("check: code %d", r.Code)
	}
	if r, _ := a.PrepareProposal(ctx, &types.RequestPrepareProposal{Txs: all, MaxTxBytes: 1 << 20}); len(r.Txs) != 2 || !bytes.Equal(r.Txs[1], x.payments[2]) {
		t.Errorf("prepare: %d of the 2 good ones", len(r.Txs))
	}
	if r, _ := a.ProcessProposal(ctx, &types.RequestProcessProposal{Hash: []byte{1}, Height: 1, Txs: all}); r.Status != types.ResponseProcessProposal_REJECT {
		t.Errorf("process: %v", r.Status)
	}
	good := [][]byte{x.payments[0], x.payments[2]}
	if r, _ := a.ProcessProposal(ctx, &types.RequestProcessProposal{Hash: []byte{2}, Height: 1, Txs: good}); r.Status != types.ResponseProcessProposal_ACCEPT {
		t.Errorf("process: %v", r.Status)
	}
	r, err := a.FinalizeBlock(ctx, &types.RequestFinalizeBlock{Hash: []byte{2}, Height: 1, Txs: good})
	if err != nil || len(r.TxResults) != 2 || r.TxResults[0].Code+r.TxResults[1].Code != 0 {
		t.Fatal(r, err)
	}
	if _, err := a.Commit(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if info, _ := a.Info(ctx, nil); info.LastBlockHeight != 1 || !bytes.Equal(info.LastBlockAppHash, r.AppHash) {
		t.Errorf("info: %v", info)
	}
}

// TestKnownIsBounded: what is remembered does not grow with what arrives.
func TestKnownIsBounded(t *testing.T) {
	l := &Ledger{known: map[[32]byte]*Payment{}}
	for i := range maxKnown + 10 {
		l.remember([]byte{byte(i), byte(i >> 8), byte(i >> 16)}, &Payment{})
	}
	if len(l.known) != maxKnown || len(l.order) != maxKnown {
		t.Errorf("%d remembered, at most %d", len(l.known), maxKnown)
	}
}

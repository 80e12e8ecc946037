package ledger

import (
	"bytes"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

func TestGenesis(t *testing.T) {
	w := newWorld(t)
	diff, transactions, err := Genesis(w.genesis)
	if err != nil {
		t.Fatal(err)
	}
	if diff.Head != w.view.Head() || diff.Head.Index != 0 || diff.Head.Timestamp != w.genesis.Timestamp {
		t.Fatalf("head %+v", diff.Head.Digest)
	}
	if len(transactions) != len(diff.Receipts) || len(diff.Created) != 16 || len(diff.Keys) != 16 {
		t.Fatalf("%d transactions, %d outputs, %d keys", len(transactions), len(diff.Created), len(diff.Keys))
	}
	for i, r := range diff.Receipts {
		if r.Transaction != transactions[i].Hash() || r.Status != kernel.Final || r.Commit != 0 {
			t.Fatalf("receipt %+v", r)
		}
	}
	for _, id := range []kernel.AssetID{kernel.XIN, kernel.BTC} {
		if a, ok := w.view.Asset(id); !ok || a.Deposited != whole(800) || a.Unspent != whole(800) || !a.Withdrawn.IsZero() {
			t.Errorf("asset %v: %+v", id, a)
		}
	}
}

// TestGenesisAssetWithoutBalance is registered all the same, with its chain, key and ceiling.
func TestGenesisAssetWithoutBalance(t *testing.T) {
	g := *newWorld(t).genesis
	g.Assets = append(g.Assets, kernel.GenesisAsset{ID: doge, Symbol: "DOGE", Chain: doge, Key: "doge", Ceiling: whole(7)})
	diff, _, err := Genesis(&g)
	if err != nil {
		t.Fatal(err)
	}
	if a := diff.Assets[2]; len(diff.Assets) != 3 || a.ID != doge || a.Asset.Symbol != "DOGE" || a.Asset.Ceiling != whole(7) || !a.Asset.Unspent.IsZero() {
		t.Fatalf("assets %+v", diff.Assets)
	}
}

// TestGenesisIsTheNetworks: another network starts from another digest, even with equal coins.
func TestGenesisIsTheNetworks(t *testing.T) {
	g := *newWorld(t).genesis
	first, _, _ := Genesis(&g)
	g.Name = "other"
	second, _, err := Genesis(&g)
	if err != nil || first.Head.Digest == second.Head.Digest {
		t.Fatal("equal digests:", err)
	}
	g.Members = g.Members[:6]
	if _, _, err := Genesis(&g); err == nil {
		t.Fatal("six members")
	}
}

// TestRefusalTexts: clients of the wider ecosystem look for these beginnings.
func TestRefusalTexts(t *testing.T) {
	w := newWorld(t)
	first := w.pay(0)
	w.settle(first)
	hash := first.Hash().String()
	used := w.spend(kernel.XIN, w.refs(1), w.output(whole(100), 1, 1))
	used.Outputs[0].Keys = first.Outputs[0].Keys
	unknown := w.spend(kernel.XIN, []kernel.OutputRef{{Index: 3}}, w.output(whole(100), 1, 1))
	more := w.spend(kernel.XIN, w.refs(1), w.output(whole(101), 1, 1))
	for _, tt := range []struct {
		tx   *kernel.Transaction
		want string
	}{
		{w.sign(w.spend(kernel.XIN, w.refs(0), w.output(whole(100), 1, 1))), "input_spent: input locked for transaction " + hash},
		{w.sign(used), "ghost_key_used: ghost key " + first.Outputs[0].Keys[0].String() + " locked for transaction " + hash},
		{w.sign(unknown), "input_not_found: input not found " + kernel.TxHash{}.String() + ":3"},
		{w.sign(more), "amount_mismatch: invalid input output amount 100.00000000 101.00000000"},
	} {
		if err := w.check(tt.tx); err == nil || err.Error() != tt.want {
			t.Errorf("got %q, want %q", err, tt.want)
		}
	}
}

// TestTouches: two transactions conflict exactly when what they touch meets.
func TestTouches(t *testing.T) {
	w := newWorld(t)
	tx := w.spend(kernel.XIN, w.refs(2, 0), w.output(whole(1), 1, 2), w.output(whole(2), 1, 1))
	inputs, keys, identities := Touches(tx)
	if len(inputs) != 2 || inputs[0] != w.balances[2] || inputs[1] != w.balances[0] || len(identities) != 0 {
		t.Errorf("inputs %v, identities %v", inputs, identities)
	}
	if len(keys) != 3 || keys[2] != tx.Outputs[1].Keys[0] {
		t.Errorf("keys %v", keys)
	}
	d := w.deposit(3, whole(1))
	if inputs, _, identities := Touches(d); len(inputs) != 0 || len(identities) != 1 || identities[0] != d.Inputs[0].Deposit.Identity() {
		t.Errorf("deposit: inputs %v, identities %v", inputs, identities)
	}
}

// TestSignatureChecks: what a shell batches over many transactions is what Direct verifies.
func TestSignatureChecks(t *testing.T) {
	w := newWorld(t)
	tx := bases["transfer"](w)
	keys, ok := SigningKeys(w.view, tx, w.context)
	if !ok || len(keys) != 2 || len(keys[1]) != 3 {
		t.Fatalf("keys %v", keys)
	}
	hash := tx.Hash()
	checks, aggregate, ok := SignatureChecks(tx, hash, keys)
	if !ok || aggregate != nil || len(checks) != 3 || checks[2].Key != keys[1][1] || !bytes.Equal(checks[2].Message, hash[:]) {
		t.Fatalf("checks %v", checks)
	}
	w.aggregate(tx)
	if checks, aggregate, ok := SignatureChecks(tx, hash, keys); !ok || checks != nil || !aggregate.Verify() {
		t.Fatal("aggregate")
	}
	if _, _, ok := SignatureChecks(tx, hash, keys[:1]); ok {
		t.Fatal("signers without keys")
	}
	deposit := w.deposit(1, whole(1))
	if keys, ok := SigningKeys(w.view, deposit, w.context); !ok || keys[0][0] != *w.context.Custodian {
		t.Fatal("deposit")
	}
	tx.Inputs[0].Hash[0] ^= 1
	if _, ok := SigningKeys(w.view, tx, w.context); ok {
		t.Fatal("unknown input")
	}
}

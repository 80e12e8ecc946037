package wallet

import (
	"errors"
	"testing"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// stakeOf is an unsigned coinstake of an owner.
func stakeOf(owner pillars.Address) *pillars.Transaction {
	plain := pillars.Attachment{Version: pillars.AttachmentPlain}
	return &pillars.Transaction{
		Version: pillars.VersionCurrent,
		Inputs:  []pillars.Input{{Previous: pillars.Outpoint{Tx: pillars.TxID{1}}, Sequence: 0xffffffff}, {Previous: pillars.Outpoint{Tx: pillars.TxID{2}}, Sequence: 0xffffffff}},
		Outputs: []pillars.Output{
			{Attachment: pillars.Attachment{Version: pillars.AttachmentPlain, Payload: pillars.Null{}}},
			{Value: 1000 * pillars.ETP, Script: owner.Script(), Attachment: plain},
		},
	}
}

// TestStakerSignsOnlyStakes: of all that can be put before it, a staker signs coinstakes back to their owner and blocks with these.
func TestStakerSignsOnlyStakes(t *testing.T) {
	p := pillars.Devnet()
	w, err := New([64]byte{7}, p)
	if err != nil {
		t.Fatal(err)
	}
	all, err := w.Staker()
	if err != nil || len(all.Owners()) < 2 {
		t.Fatalf("%v, %d owners", err, len(all.Owners()))
	}
	owner, other := all.Owners()[0], all.Owners()[1]
	s, err := w.Staker(owner)
	if err != nil || len(s.Owners()) != 1 || s.Owners()[0] != owner {
		t.Fatalf("%v, %v", err, s)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	tx := stakeOf(owner)
	if err := s.SignCoinstake(owner, tx); err != nil {
		t.Fatal(err)
	}
	spent := script.Spent{Output: pillars.Output{Value: 500 * pillars.ETP, Script: owner.Script()}, Version: pillars.VersionCurrent}
	if err := script.NewChecker(tx, []script.Spent{spent, spent}, script.Standard).Verify(); err != nil {
		t.Error(err)
	}
	block := func(seal pillars.Seal, tx *pillars.Transaction) *pillars.Block {
		b := &pillars.Block{Header: pillars.Header{Version: pillars.HeaderVersion(seal, true)}, Transactions: []*pillars.Transaction{{}, tx}}
		return b
	}
	good := block(pillars.PoS, tx)
	if err := s.SignBlock(owner, good); err != nil || good.VerifySignature() != nil {
		t.Errorf("%v, %v", err, good.VerifySignature())
	}

	for name, broken := range map[string]func(*pillars.Transaction){
		"pays somebody else": func(tx *pillars.Transaction) { tx.Outputs[1].Script = other.Script() },
		"pays a little elsewhere": func(tx *pillars.Transaction) {
			tx.Outputs = append(tx.Outputs, pillars.Output{Value: 1, Script: other.Script()})
		},
		"is a payment":         func(tx *pillars.Transaction) { tx.Outputs = tx.Outputs[1:] },
		"has a value in front": func(tx *pillars.Transaction) { tx.Outputs[0].Value = 1 },
		"carries an asset": func(tx *pillars.Transaction) {
			tx.Outputs[1].Attachment.Payload = pillars.AssetTransfer{Symbol: "A", Quantity: 1}
		},
		"is of version 5": func(tx *pillars.Transaction) { tx.Version = pillars.VersionSegWit },
	} {
		tx := stakeOf(owner)
		broken(tx)
		if err := s.SignCoinstake(owner, tx); !errors.Is(err, ErrNotStaking) || tx.Inputs[0].Script != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.SignBlock(owner, block(pillars.PoS, tx)); !errors.Is(err, ErrNotStaking) {
			t.Errorf("block that %s: %v", name, err)
		}
	}
	if err := s.SignBlock(owner, block(pillars.PoW, tx)); !errors.Is(err, ErrNotStaking) {
		t.Errorf("block under work: %v", err)
	}
	if err := s.SignCoinstake(other, stakeOf(other)); !errors.Is(err, ErrNoStaker) {
		t.Errorf("an owner that was not asked for: %v", err)
	}
	s.Close()
	if err := s.SignCoinstake(owner, stakeOf(owner)); !errors.Is(err, ErrNoStaker) {
		t.Errorf("after Close: %v", err)
	}
}

// TestStakerOfWhat: addresses that cannot stake, and wallets without keys.
func TestStakerOfWhat(t *testing.T) {
	p := pillars.Devnet()
	w, err := New([64]byte{7}, p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Staker(pillars.PubKeyHashAddress([20]byte{1})); !errors.Is(err, ErrNoStaker) {
		t.Errorf("somebody else's address: %v", err)
	}
	for a := range w.purses {
		if a.Kind() != pillars.ToPubKeyHash {
			if _, err := w.Staker(a); !errors.Is(err, ErrNoStaker) {
				t.Errorf("%s: %v", a.Text(p.Address), err)
			}
		}
	}
	w.master = nil
	if _, err := w.Staker(); !errors.Is(err, ErrWatchOnly) {
		t.Errorf("without keys: %v", err)
	}
}

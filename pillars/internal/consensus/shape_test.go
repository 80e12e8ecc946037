package consensus

import (
	"errors"
	"fmt"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"

	"github.com/asterism-network/asterism/pillars"
)

// signer is the key of the blocks in this file.
var signer, _ = btcec.PrivKeyFromBytes([]byte("the key of a block in these tests"[:32]))

// block makes a block of a kind that has the shape of its kind.
func block(t testing.TB, p *pillars.Params, seal pillars.Seal) *pillars.Block {
	b := &pillars.Block{Header: pillars.Header{Version: pillars.HeaderVersion(seal, true), Timestamp: start, Number: 7}}
	b.Transactions = append(b.Transactions, coinbase(), payment(1))
	if seal == pillars.PoS {
		b.Transactions = []*pillars.Transaction{coinbase(), coinstake(2), payment(1)}
	}
	if seal == pillars.PoW {
		b.MixHash[0], b.Nonce = 1, 1
	}
	if seal == pillars.DPoS {
		b.Nonce = 3 // the turn
	}
	finish(t, b)
	return b
}

// finish makes header and signature agree with the rest again.
func finish(t testing.TB, b *pillars.Block) {
	b.Merkle = b.MerkleRoot()
	if b.Seal() == pillars.PoS {
		b.Extension.Stake = b.Transactions[1].Inputs[0].Previous
	}
	b.ExtensionRoot = b.Extension.Root()
	if b.Seal().Signed() {
		if err := b.Sign(signer); err != nil {
			t.Fatal(err)
		}
	}
}

func coinbase() *pillars.Transaction {
	return &pillars.Transaction{
		Version: pillars.VersionFirst,
		Inputs:  []pillars.Input{{Previous: pillars.NullOutpoint, Script: []byte{1, 7}}},
		Outputs: []pillars.Output{output(100)},
	}
}

func output(value pillars.Amount) pillars.Output {
	var to [20]byte
	return pillars.Output{Value: value, Script: pillars.PubKeyHashAddress(to).Script(), Attachment: pillars.Attachment{Version: pillars.AttachmentPlain}}
}

func payment(from byte) *pillars.Transaction {
	return &pillars.Transaction{
		Version: pillars.VersionCurrent,
		Inputs:  []pillars.Input{{Previous: pillars.Outpoint{Tx: [32]byte{from}}}},
		Outputs: []pillars.Output{output(5), output(6)},
	}
}

func coinstake(from byte) *pillars.Transaction {
	tx := payment(from)
	tx.Outputs[0] = pillars.Output{Attachment: pillars.Attachment{Version: pillars.AttachmentPlain, Payload: pillars.Null{}}}
	return tx
}

// judge asks what a block shows by itself: its form, then its shape.
func judge(p *pillars.Params, b *pillars.Block) error {
	if err := b.Check(p); err != nil {
		return err
	}
	return CheckShape(b)
}

// TestConfusion fills every cell of the table of kinds [PIL-KND-1]: each row is something that a block
// may be made to look like, each column a kind of block, each cell the one rule that notices, or
// nothing where the kind has that by right.
func TestConfusion(t *testing.T) {
	var fine error
	kinds := []pillars.Seal{pillars.PoW, pillars.PoS, pillars.DPoS}
	for _, row := range []struct {
		name  string
		make  func(b *pillars.Block)
		cells [3]error // work, stake, delegate
	}{
		{"untouched", func(b *pillars.Block) {}, [3]error{fine, fine, fine}},
		{"no coinbase", func(b *pillars.Block) { b.Transactions[0] = payment(9) },
			[3]error{pillars.NoCoinbase, pillars.NoCoinbase, pillars.NoCoinbase}},
		{"two coinbases", func(b *pillars.Block) {
			second := coinbase()
			second.Inputs[0].Script = []byte{1, 8}
			b.Transactions = append(b.Transactions, second)
		}, [3]error{pillars.CoinbaseMisplaced, pillars.CoinbaseMisplaced, pillars.CoinbaseMisplaced}},
		{"an input from nowhere beside a real one", func(b *pillars.Block) {
			last := b.Transactions[len(b.Transactions)-1]
			last.Inputs = append(last.Inputs, pillars.Input{Previous: pillars.NullOutpoint})
		}, [3]error{pillars.InputNull, pillars.InputNull, pillars.InputNull}},
		{"a coinstake second", func(b *pillars.Block) { b.Transactions[1] = coinstake(9) },
			[3]error{CoinstakeHere, WrongStake, CoinstakeHere}}, // another one than stated
		{"its own coinstake second", func(b *pillars.Block) { b.Transactions[1] = coinstake(2) },
			[3]error{CoinstakeHere, fine, CoinstakeHere}},
		{"a stake in the extension", func(b *pillars.Block) { setStake(b, 2) }, [3]error{WrongStake, fine, WrongStake}},
		{"another stake in the extension", func(b *pillars.Block) { setStake(b, 3) }, [3]error{WrongStake, WrongStake, WrongStake}},
		{"no stake in the extension", func(b *pillars.Block) { setStake(b, 0) }, [3]error{fine, WrongStake, fine}},
		{"a payment second", func(b *pillars.Block) { b.Transactions[1] = payment(9) },
			[3]error{fine, NoCoinstake, fine}},
		{"a coinstake at the end", func(b *pillars.Block) { b.Transactions = append(b.Transactions, coinstake(9)) },
			[3]error{CoinstakeHere, CoinstakeHere, CoinstakeHere}},
		{"a coinbase alone", func(b *pillars.Block) { b.Transactions = b.Transactions[:1] },
			[3]error{fine, NoCoinstake, fine}},
		{"a coinstake in front", func(b *pillars.Block) { b.Transactions[0] = coinstake(9) },
			[3]error{pillars.NoCoinbase, pillars.NoCoinbase, pillars.NoCoinbase}},
		{"a coinstake without a real input", func(b *pillars.Block) {
			tx := coinstake(9)
			tx.Inputs[0] = pillars.Input{Previous: pillars.NullOutpoint, Script: []byte{1, 9}}
			b.Transactions[1] = tx
		}, [3]error{pillars.CoinbaseMisplaced, pillars.CoinbaseMisplaced, pillars.CoinbaseMisplaced}},
		{"a signature", func(b *pillars.Block) { b.Signature[0] ^= 0x40 }, [3]error{SignatureHere, fine, fine}}, // whether it is good is asked later
		{"no signature", func(b *pillars.Block) { b.Signature = [64]byte{} }, [3]error{fine, NoSignature, NoSignature}},
		{"a key in the extension", func(b *pillars.Block) { setKey(b, 2) }, [3]error{KeyHere, fine, fine}},
		{"no key in the extension", func(b *pillars.Block) { setKey(b, 0) }, [3]error{fine, NoKey, NoKey}},
		{"a key behind the block", func(b *pillars.Block) { b.ClassicKey[1] = 1 }, [3]error{KeyHere, KeyHere, KeyHere}},
		{"a nonce", func(b *pillars.Block) { b.Nonce = 5 }, [3]error{fine, NonceNotZero, fine}},
		{"no nonce", func(b *pillars.Block) { b.Nonce = 0 }, [3]error{fine, fine, fine}},
		{"a mix hash", func(b *pillars.Block) { b.MixHash[9] = 5 }, [3]error{fine, MixNotZero, MixNotZero}},
		{"no mix hash", func(b *pillars.Block) { b.MixHash = [32]byte{} }, [3]error{fine, fine, fine}},
		{"another extension than the header's", func(b *pillars.Block) { b.Extension.Modifier[0] ^= 1 },
			[3]error{pillars.ExtensionMismatch, pillars.ExtensionMismatch, pillars.ExtensionMismatch}},
		{"the classic form", func(b *pillars.Block) { b.Version &^= 0x100 },
			[3]error{pillars.HeaderForm, pillars.HeaderForm, pillars.HeaderForm}},
		{"called work", func(b *pillars.Block) { b.Version = pillars.HeaderVersion(pillars.PoW, true) },
			[3]error{fine, CoinstakeHere, SignatureHere}},
		{"called stake", func(b *pillars.Block) { b.Version = pillars.HeaderVersion(pillars.PoS, true) },
			[3]error{MixNotZero, fine, NonceNotZero}},
		{"called a delegate's", func(b *pillars.Block) { b.Version = pillars.HeaderVersion(pillars.DPoS, true) },
			[3]error{MixNotZero, CoinstakeHere, fine}},
	} {
		for i, seal := range kinds {
			t.Run(fmt.Sprintf("%s/%s", row.name, seal), func(t *testing.T) {
				p := pillars.MainnetLike()
				b := block(t, &p, seal)
				if err := judge(&p, b); err != nil {
					t.Fatal("base case is not valid:", err)
				}
				row.make(b)
				b.Merkle = b.MerkleRoot()
				if err := judge(&p, b); row.cells[i] == nil && err != nil || !errors.Is(err, row.cells[i]) {
					t.Errorf("got %v, want %v", err, row.cells[i])
				}
			})
		}
	}
}

// setStake writes a stake into the extension, which the header commits to.
func setStake(b *pillars.Block, from byte) {
	b.Extension.Stake = pillars.Outpoint{Tx: pillars.TxID{from}}
	b.ExtensionRoot = b.Extension.Root()
}

// setKey writes a key into the extension and makes the header commit to it.
func setKey(b *pillars.Block, first byte) {
	b.Extension.Key = [33]byte{first}
	b.ExtensionRoot = b.Extension.Root()
}

// TestRenamedSignatureFails: a signature over a header does not pass to another version of it.
func TestRenamedSignatureFails(t *testing.T) {
	p := pillars.MainnetLike()
	b := block(t, &p, pillars.PoS)
	if err := b.VerifySignature(); err != nil {
		t.Fatal(err)
	}
	b.Version = pillars.HeaderVersion(pillars.DPoS, true)
	if err := b.VerifySignature(); !errors.Is(err, pillars.BlockSignatureInvalid) {
		t.Error(err)
	}
}

// TestClassicShape: a network without extensions has a delegate's key behind the block, and only
// there.
func TestClassicShape(t *testing.T) {
	p := pillars.MainnetLike()
	for _, tt := range []struct {
		name string
		seal pillars.Seal
		make func(b *pillars.Block)
		want error
	}{
		{"stake", pillars.PoS, func(b *pillars.Block) {}, nil},
		{"delegate", pillars.DPoS, func(b *pillars.Block) { b.ClassicKey[0] = 2 }, nil},
		{"delegate without key", pillars.DPoS, func(b *pillars.Block) {}, NoKey},
		{"stake with key", pillars.PoS, func(b *pillars.Block) { b.ClassicKey[0] = 2 }, KeyHere},
		{"extension", pillars.PoW, func(b *pillars.Block) { b.Extension.Modifier[0] = 2 }, KeyHere},
	} {
		b := block(t, &p, tt.seal)
		b.Version, b.Extension = pillars.HeaderVersion(tt.seal, false), pillars.Extension{}
		tt.make(b)
		if err := CheckShape(b); tt.want == nil && err != nil || !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

// TestExtension holds [PIL-KND-7].
func TestExtension(t *testing.T) {
	c := newChain(t)
	table := pillars.Hash{1}
	good := pillars.Extension{Modifier: c.b.Modifier, Witnesses: table}
	if err := c.b.CheckExtension(&c.p, &good, table); err != nil {
		t.Error(err)
	}
	if err := c.b.CheckExtension(&c.p, &good, pillars.Hash{}); !errors.Is(err, WrongWitnesses) {
		t.Error(err)
	}
	good.Modifier[0] ^= 1
	if err := c.b.CheckExtension(&c.p, &good, table); !errors.Is(err, WrongModifier) {
		t.Error(err)
	}
	if c.p.Extended = false; c.b.CheckExtension(&c.p, &good, table) != nil {
		t.Error("a classic network has no extension to check")
	}
}

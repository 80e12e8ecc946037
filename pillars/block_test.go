package pillars

import (
	"bytes"
	"encoding/hex"
	"testing"
)

type blockVector struct {
	Number       uint32
	ID           BlockID
	Merkle       Hash
	Transactions []TxID
	Bytes        string
}

func publishedBlocks(t testing.TB) (all []blockVector) {
	vectors(t, "pillars_blocks.json", &all)
	if len(all) != 2 {
		t.Fatalf("%d blocks, want 2", len(all))
	}
	return all
}

func (v blockVector) block(t testing.TB) (*Block, []byte) {
	raw, err := hex.DecodeString(v.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	b := new(Block)
	if err := b.UnmarshalBinary(raw); err != nil {
		t.Fatal(err)
	}
	return b, raw
}

// TestPublishedBlocks decodes two blocks of the running test network and recomputes what they say:
// ids, Merkle root and the author's signature [PIL-HDR-2] [PIL-BLK-1] [PIL-BLK-2] [PIL-SIG-2].
func TestPublishedBlocks(t *testing.T) {
	for _, v := range publishedBlocks(t) {
		b, raw := v.block(t)
		if b.ID() != v.ID || b.Number != v.Number {
			t.Errorf("block %d has id %s, want %s", b.Number, b.ID(), v.ID)
		}
		if b.Merkle != v.Merkle || b.MerkleRoot() != v.Merkle {
			t.Errorf("merkle root %s, want %s", b.MerkleRoot(), v.Merkle)
		}
		if len(b.Transactions) != len(v.Transactions) {
			t.Fatalf("%d transactions, want %d", len(b.Transactions), len(v.Transactions))
		}
		for i, tx := range b.Transactions {
			if tx.ID() != v.Transactions[i] {
				t.Errorf("transaction %d has id %s, want %s", i, tx.ID(), v.Transactions[i])
			}
		}
		if !b.Transactions[0].IsCoinbase() || !b.Transactions[1].IsCoinstake() || b.Seal() != PoS {
			t.Error("not recognised as a block under stake")
		}
		if err := b.VerifySignature(); err != nil {
			t.Error(err)
		}
		if !bytes.Equal(b.AppendBinary(nil), raw) {
			t.Error("encodes otherwise")
		}
		b.Signature[5] ^= 1
		if err := b.VerifySignature(); err == nil {
			t.Error("another signature verifies too")
		}
	}
}

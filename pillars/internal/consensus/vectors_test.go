package consensus

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/pillars"
)

// A bytes32 is a hash in hex, as hashed.
type bytes32 [32]byte

func (b *bytes32) UnmarshalText(text []byte) error {
	_, err := hex.Decode(b[:], text)
	return err
}

// TestVectors reads what a program in another language computed from the page of rules.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("../../../testdata/vectors/pillars_consensus.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Retarget []struct {
			Seal           pillars.Seal
			Previous, Next *uint256.Int
			Seconds        uint32
		}
		Modifiers []struct {
			Seal                          pillars.Seal
			Before, Mix, Tx, Proof, After bytes32
			Index                         uint32
		}
		Subsidies []struct {
			Initial, Subsidy uint64 `json:",string"`
			Height           uint32
		}
		Assets []struct {
			Initial, Reward    uint64 `json:",string"`
			Interval, Num, Den uint32
			Age                uint32
			Seats              uint64
		}
		Chain []struct {
			Seal         pillars.Seal
			Seconds      uint32
			Bits, Weight *uint256.Int
		}
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	p := pillars.MainnetLike()
	for _, x := range v.Retarget {
		r := map[pillars.Seal]*pillars.RetargetParams{pillars.PoW: &p.PoW, pillars.PoS: &p.PoS}[x.Seal]
		if got := retarget(r, x.Previous, x.Seconds, false); !got.Eq(x.Next) {
			t.Errorf("%s %s after %d s: %s, want %s", x.Seal, x.Previous.Dec(), x.Seconds, got.Dec(), x.Next.Dec())
		}
	}
	for i, x := range v.Modifiers {
		b := Branch{Modifier: pillars.Hash(x.Before)}
		h := pillars.Header{Version: pillars.HeaderVersion(x.Seal, true), MixHash: x.Mix}
		if got := b.modifierAfter(&h, Reveal{pillars.Outpoint{Tx: pillars.TxID(x.Tx), Index: x.Index}, pillars.Hash(x.Proof)}); got != pillars.Hash(x.After) {
			t.Errorf("modifier %d: %x, want %x", i, got[:], x.After[:])
		}
	}
	for _, x := range v.Subsidies {
		if got := Decayed(&p.Subsidy, pillars.Amount(x.Initial), x.Height); uint64(got) != x.Subsidy {
			t.Errorf("subsidy of %d at %d: %d, want %d", x.Initial, x.Height, got, x.Subsidy)
		}
	}
	for _, x := range v.Assets {
		m := pillars.MiningTerms{Initial: x.Initial, Interval: x.Interval, BaseNum: x.Num, BaseDen: x.Den}
		if got := AssetReward(m, x.Age, x.Seats, ^uint64(0)); got != x.Reward {
			t.Errorf("%+v: %d", x, got)
		}
	}
	c := newChain(t)
	c.p.Runs.Grace = 0
	for _, x := range v.Chain {
		h := c.header(x.Seal, x.Seconds)
		c.add(x.Seal, x.Seconds)
		if !h.Bits.Eq(x.Bits) || !c.b.Weight.Eq(x.Weight) {
			t.Fatalf("block %d: bits %s, want %s; weight %s, want %s", c.b.Number, h.Bits.Dec(), x.Bits.Dec(), c.b.Weight.Dec(), x.Weight.Dec())
		}
	}
	if len(v.Retarget) < 20 || len(v.Modifiers) < 9 || len(v.Subsidies) < 20 || len(v.Assets) < 10 || len(v.Chain) < 100 {
		t.Error("the file is not whole")
	}
}

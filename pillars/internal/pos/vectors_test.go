package pos

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/pillars"
)

// TestVectors reads what a program in another language computed from the page of rules.
func TestVectors(t *testing.T) {
	text, err := os.ReadFile("../../../testdata/vectors/pillars_consensus.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Stakes []struct {
			Modifier, Tx, Hash           string
			Made, Index, Stamp, Maturity uint32
			Value                        uint64 `json:",string"`
			Bits                         *uint256.Int
			Wins                         bool
		}
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	hash := func(s string) (h [32]byte) {
		if _, err := hex.Decode(h[:], []byte(s)); err != nil {
			t.Fatal(err)
		}
		return h
	}
	p, winners := pillars.MainnetLike(), 0
	for i, x := range v.Stakes {
		s := Stake{Outpoint: pillars.Outpoint{Tx: hash(x.Tx), Index: x.Index}, Stamp: x.Made}
		k := Hash(hash(x.Modifier), &s, x.Stamp)
		if k != hash(x.Hash) || Wins(k, pillars.Amount(x.Value), x.Bits) != x.Wins || Maturity(&p.Stake, x.Bits) != x.Maturity {
			t.Errorf("stake %d: hash %x, maturity %d", i, k[:], Maturity(&p.Stake, x.Bits))
		}
		if x.Wins {
			winners++
		}
	}
	if winners == 0 || winners == len(v.Stakes) {
		t.Errorf("%d of %d win: only one side was tried", winners, len(v.Stakes))
	}
}

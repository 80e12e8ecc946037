package pillars

import (
	"encoding/hex"
	"slices"
	"testing"

	"github.com/holiman/uint256"
)

// TestPublishedStakeHash recomputes the stake hash of the published block under stake, by the
// formula of the running network: that its bytes are hashed in the right order shows in a result
// below the target, which one hash in some 92,000 would be by chance.
func TestPublishedStakeHash(t *testing.T) {
	b, _ := publishedBlocks(t)[0].block(t)
	from := b.Transactions[1].Inputs[0].Previous
	msg := rlpUint(nil, uint64(b.Version))
	msg = rlpUint(msg, uint64(b.Number))
	msg = rlpBytes(msg, b.Previous[:])
	msg = rlpUint(msg, uint64(b.Timestamp))
	msg = rlpBytes(msg, from.Tx[:])
	msg = rlpUint(msg, uint64(from.Index))
	hash := DoubleSHA256(msg)
	if got := hex.EncodeToString(reversed(hash[:])); got != wantStakeHash {
		t.Errorf("stake hash %s, want %s", got, wantStakeHash)
	}
	k := new(uint256.Int).SetBytes(reversed(hash[:])) // little-endian
	target := new(uint256.Int).Div(new(uint256.Int).SetAllOne(), &b.Bits)
	weight := uint256.NewInt(30 * 10 * 10 * 10) // of 1,000 ETP: 30 · round(log2 1000)^3
	k.Div(k, weight)
	if k.Gt(target) {
		t.Errorf("%s is above the target %s", k, target)
	}
	thousandths := new(uint256.Int).Div(k.Mul(k, uint256.NewInt(1000)), target)
	if thousandths.Uint64() != 610 {
		t.Errorf("%s thousandths of the target, want 610", thousandths)
	}
}

const wantStakeHash = "00006f646007c0c54ba035637a47a1197843da1a92f5313536777dbae8e1bda1"

// rlpUint appends an integer in the recursive length prefix encoding of Ethereum.
func rlpUint(b []byte, v uint64) []byte {
	if v > 0 && v < 0x80 {
		return append(b, byte(v))
	}
	var digits []byte
	for ; v > 0; v >>= 8 {
		digits = append(digits, byte(v))
	}
	slices.Reverse(digits)
	return append(append(b, 0x80+byte(len(digits))), digits...)
}

// rlpBytes appends the list of the single bytes, which is how the running network encodes a hash.
func rlpBytes(b, hash []byte) []byte {
	var items []byte
	for _, v := range hash {
		items = rlpUint(items, uint64(v))
	}
	if len(items) > 55 {
		return append(append(b, 0xf8, byte(len(items))), items...)
	}
	return append(append(b, 0xc0+byte(len(items))), items...)
}

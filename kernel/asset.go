package kernel

import (
	"crypto/sha3"
	"fmt"
)

// Assets that the rules or the tools name. An id is the SHA3-256 of the asset's UUID in lower
// case, so ids of assets that exist elsewhere are the same here. [FMT-ASSET]
var (
	XIN = mustAssetID("c94ac88f-4671-3976-b60a-09064f1811e8") // pledges, mint and fees
	BTC = mustAssetID("c6d0c728-2624-429b-8e0d-d9d19b6592fa")
	ETH = mustAssetID("43d61dcd-e413-450d-80b8-101d5e903357") // also names the chain of XIN
)

// XINAssetKey is the contract of XIN on its chain, ETH.
const XINAssetKey = "0xa974c709cfb4566686553a20790685a47aceaa33"

// AssetIDFromUUID returns the id of the asset with the given UUID: 36 characters, hex digits in
// groups of 8, 4, 4, 4 and 12, lower case.
func AssetIDFromUUID(uuid string) (AssetID, error) {
	if !isUUID(uuid) {
		return AssetID{}, fmt.Errorf("asset %.40q: want a lower-case UUID like c94ac88f-4671-3976-b60a-09064f1811e8", uuid)
	}
	return sha3.Sum256([]byte(uuid)), nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}

func mustAssetID(uuid string) AssetID {
	id, err := AssetIDFromUUID(uuid)
	if err != nil {
		panic("kernel: " + err.Error())
	}
	return id
}

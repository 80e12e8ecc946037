package state

import (
	"encoding/binary"

	"github.com/asterism-network/asterism/pillars"
)

// A Key names a record: the byte of its table, then what names it there. Keys compare bytewise.
type Key string

// The tables.
const (
	tableHead        = 'h' // Head, one
	tableOutput      = 'o' // outpoint -> Output
	tableAsset       = 'a' // symbol -> Asset
	tableAvatar      = 'v' // symbol -> Avatar
	tableAddress     = 'w' // address -> symbol of its avatar
	tableCertificate = 'c' // type, symbol -> Certificate
	tableToken       = 't' // symbol -> Token
	tableLock        = 'l' // owner, outpoint -> pos.Lock
)

// maxKey is the longest key in bytes, that of a lock.
const maxKey = 1 + 33 + 36

// Named reports whether the record is of something with a name: an asset, an avatar or its address, a certificate
// or a token.
func (k Key) Named() bool {
	if k == "" {
		return false
	}
	switch k[0] {
	case tableAsset, tableAvatar, tableAddress, tableCertificate, tableToken:
		return true
	}
	return false
}

// HeadKey is the key of the record that says where the state stands.
const HeadKey Key = "h"

// OutputKey is the key of an unspent output.
func OutputKey(o pillars.Outpoint) Key {
	return Key(appendOutpoint([]byte{tableOutput}, o))
}

// AssetKey is the key of an asset.
func AssetKey(symbol string) Key { return Key(rune(tableAsset)) + Key(symbol) }

// AvatarKey is the key of an avatar.
func AvatarKey(symbol string) Key { return Key(rune(tableAvatar)) + Key(symbol) }

// AddressKey is the key under which stands which avatar an address has.
func AddressKey(a pillars.Address) Key { return Key(appendAddress([]byte{tableAddress}, a)) }

// CertificateKey is the key of a certificate: there is one of a type and symbol.
func CertificateKey(kind pillars.CertificateType, symbol string) Key {
	return Key(binary.BigEndian.AppendUint32([]byte{tableCertificate}, uint32(kind))) + Key(symbol)
}

// TokenKey is the key of an identifiable token.
func TokenKey(symbol string) Key { return Key(rune(tableToken)) + Key(symbol) }

// locksOf is what the keys of all locks of an owner start with.
func locksOf(owner pillars.Address) Key { return Key(appendAddress([]byte{tableLock}, owner)) }

// LockKey is the key of an output whose lock lets its owner stake.
func LockKey(owner pillars.Address, o pillars.Outpoint) Key {
	return locksOf(owner) + Key(appendOutpoint(nil, o))
}

// appendOutpoint writes the index big-endian, so that the outputs of a transaction are in order.
func appendOutpoint(b []byte, o pillars.Outpoint) []byte {
	return binary.BigEndian.AppendUint32(append(b, o.Tx[:]...), o.Index)
}

// appendAddress writes the kind, which says how many bytes follow, and the hash.
func appendAddress(b []byte, a pillars.Address) []byte {
	return append(append(b, byte(a.Kind())), a.Hash()...)
}

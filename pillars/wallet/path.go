package wallet

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/asterism-network/asterism/pillars"
)

// A Scheme says where an account's keys lie below the master key and what its addresses are.
type Scheme uint8

// The schemes. Direct is what wallets of the running network use: no purpose, no coin, no account,
// no chain of change. The others are for one key each; the two shared ones for multisig.
const (
	Direct        Scheme = iota + 1 // m/index, P2PKH
	BIP44                           // m/44'/coin'/n'/chain/index, P2PKH
	BIP49                           // m/49'/coin'/n'/chain/index, P2WPKH inside P2SH: version 5 only
	BIP84                           // m/84'/coin'/n'/chain/index, P2WPKH
	BIP86                           // m/86'/coin'/n'/chain/index, P2TR, key path
	SharedScript                    // m/48'/coin'/n'/0'/chain/index, multisig in P2SH, versions 1 to 4
	SharedWitness                   // m/48'/coin'/n'/2'/chain/index, multisig in P2WSH, version 5
	schemeEnd
)

var schemeNames = [...]string{
	Direct: "direct", BIP44: "bip44", BIP49: "bip49", BIP84: "bip84", BIP86: "bip86",
	SharedScript: "shared-script", SharedWitness: "shared-witness",
}

// String returns the scheme's name, the first part of an account's id.
func (s Scheme) String() string {
	if s == 0 || s >= schemeEnd {
		return "unknown"
	}
	return schemeNames[s]
}

// ParseScheme reads what String returns.
func ParseScheme(s string) (Scheme, error) {
	for i := Direct; i < schemeEnd; i++ {
		if schemeNames[i] == s {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%w: scheme %.20q", ErrAccount, s)
}

// Shared reports whether accounts of the scheme are multisig.
func (s Scheme) Shared() bool { return s == SharedScript || s == SharedWitness }

// SegWit reports whether outputs to addresses of the scheme are spent by version 5 only. Such
// addresses hold ETP and nothing else.
func (s Scheme) SegWit() bool {
	return s == BIP49 || s == BIP84 || s == BIP86 || s == SharedWitness
}

const (
	hardened = 1 << 31
	// coinETP is the number of ETP in the registry of coin types (SLIP 44), coinTest that of every
	// test network.
	coinETP  = 2302
	coinTest = 1
	// maxAccount bounds the numbers of accounts, maxIndex those of addresses, fingers more than people.
	maxAccount = 1 << 20
	maxIndex   = 1 << 24
	maxDepth   = 10 // steps of a path in a file
)

// extendedNet gives extended keys the prefixes xpub and xprv, which the running network shares
// with Bitcoin.
var extendedNet = &chaincfg.MainNetParams

// coinType is the third part of a path: keys of test networks are others than those of real ones.
func coinType(p *pillars.Params) uint32 {
	if p.Address.PubKeyHash == 0x32 {
		return coinETP
	}
	return coinTest
}

// base returns the path of an account's extended key below the master.
func (s Scheme) base(coin, number uint32) []uint32 {
	purpose := map[Scheme]uint32{BIP44: 44, BIP49: 49, BIP84: 84, BIP86: 86, SharedScript: 48, SharedWitness: 48}[s]
	switch s {
	case Direct:
		return nil
	case SharedScript:
		return []uint32{hardened + purpose, hardened + coin, hardened + number, hardened + 0}
	case SharedWitness:
		return []uint32{hardened + purpose, hardened + coin, hardened + number, hardened + 2}
	}
	return []uint32{hardened + purpose, hardened + coin, hardened + number}
}

// below returns what comes after an account's extended key: chain and index, or the index alone.
func (s Scheme) below(chain, index uint32) []uint32 {
	if s == Direct {
		return []uint32{index}
	}
	return []uint32{chain, index}
}

// A Path leads from a master key to a key.
type Path []uint32

// String returns "m/84'/2302'/0'/0/5".
func (p Path) String() string {
	var b strings.Builder
	b.WriteByte('m')
	for _, step := range p {
		b.WriteByte('/')
		b.WriteString(strconv.FormatUint(uint64(step&^hardened), 10))
		if step >= hardened {
			b.WriteByte('\'')
		}
	}
	return b.String()
}

// ParsePath reads what String returns.
func ParsePath(s string) (Path, error) {
	parts := strings.Split(s, "/")
	if parts[0] != "m" || len(parts) > maxDepth+1 {
		return nil, fmt.Errorf("%w: path %.40q", ErrKeyText, s)
	}
	var p Path
	for _, part := range parts[1:] {
		digits, hard := strings.CutSuffix(part, "'")
		v, err := strconv.ParseUint(digits, 10, 31)
		if err != nil || len(digits) > 1 && digits[0] == '0' {
			return nil, fmt.Errorf("%w: path %.40q", ErrKeyText, s)
		}
		if hard {
			v += hardened
		}
		p = append(p, uint32(v))
	}
	return p, nil
}

// MarshalText returns the form of String.
func (p Path) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the form of String.
func (p *Path) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePath(string(text))
	return err
}

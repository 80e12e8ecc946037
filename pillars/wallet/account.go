package wallet

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// Chains of an account. Direct accounts have one: their change goes to the next index.
const (
	Receive = 0
	Change  = 1
)

// MaxMembers bounds a multisig: what a template of the network holds, and a redeem script of 520
// bytes can say.
const MaxMembers = 15

// An Account is a set of keys whose addresses belong together. Its id is the scheme and the
// number, "bip84/0", or for a multisig the name that its owner gave, "shared-script/savings".
type Account struct {
	ID       string      `json:"id"`
	Required int         `json:"required,omitempty"` // multisig: so many must sign
	Members  []PublicKey `json:"members"`            // one, or the members of a multisig
	Next     [2]uint32   `json:"next"`               // first index of each chain that was not given out
	Used     [2]uint32   `json:"used"`               // first index behind those that were ever paid to

	scheme Scheme
	cache  map[[2]uint32]*Purse
}

// Scheme returns the account's scheme.
func (a *Account) Scheme() Scheme { return a.scheme }

// check judges an account from a file or a caller, and finds its scheme.
func (a *Account) check() error {
	name, rest, ok := strings.Cut(a.ID, "/")
	scheme, err := ParseScheme(name)
	if err != nil || !ok || !validName(rest) || len(a.ID) > 60 {
		return fmt.Errorf("%w: id %.60q", ErrAccount, a.ID)
	}
	a.scheme = scheme
	if max(a.Next[Receive], a.Next[Change], a.Used[Receive], a.Used[Change]) > maxIndex {
		return fmt.Errorf("%w: %s has too many addresses", ErrAccount, a.ID)
	}
	if !scheme.Shared() {
		if len(a.Members) != 1 || a.Required != 0 || a.Members[0].extended == nil {
			return fmt.Errorf("%w: %s wants one extended key", ErrAccount, a.ID)
		}
		return nil
	}
	if len(a.Members) < 1 || len(a.Members) > MaxMembers || a.Required < 1 || a.Required > len(a.Members) {
		return fmt.Errorf("%w: %s is %d of %d, want 1 to %d members", ErrAccount, a.ID, a.Required, len(a.Members), MaxMembers)
	}
	seen := map[string]bool{}
	for _, k := range a.Members {
		if k.extended == nil && k.fixed == nil {
			return fmt.Errorf("%w: %s has a member without key", ErrAccount, a.ID)
		}
		if k.Fixed() != a.Members[0].Fixed() {
			return fmt.Errorf("%w: %s mixes fixed and extended keys", ErrAccount, a.ID)
		}
		id := string(k.fixed)
		if !k.Fixed() {
			id = k.extended.String()
		}
		if seen[id] {
			return fmt.Errorf("%w: a key stands twice in %s", ErrAccount, a.ID)
		}
		seen[id] = true
	}
	return nil
}

// validName reports whether s is 1 to 32 of a-z, 0-9, - and _.
func validName(s string) bool {
	return s != "" && len(s) <= 32 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// fixed reports whether the account has one address only.
func (a *Account) fixed() bool { return a.Members[0].Fixed() }

// chains returns the chains that are scanned.
func (a *Account) chains() []uint32 {
	if a.scheme == Direct || a.fixed() {
		return []uint32{Receive}
	}
	return []uint32{Receive, Change}
}

// changeChain is where change goes.
func (a *Account) changeChain() uint32 { return a.chains()[len(a.chains())-1] }

// A Purse is one address and what it takes to spend from it.
type Purse struct {
	Account  string          `json:"account"`
	Chain    uint32          `json:"chain"`
	Index    uint32          `json:"index"`
	Address  pillars.Address `json:"-"`
	Required int             `json:"-"` // signatures
	Keys     []KeyOrigin     `json:"-"` // in the order of the script
	Redeem   []byte          `json:"-"` // of a P2SH address
	Witness  []byte          `json:"-"` // of a P2WSH address
}

// Purse derives an address.
func (a *Account) Purse(chain, index uint32) (*Purse, error) {
	if chain > Change || index >= maxIndex || chain == Change && len(a.chains()) == 1 || index > 0 && a.fixed() {
		return nil, fmt.Errorf("%w: %s has no address %d/%d", ErrAccount, a.ID, chain, index)
	}
	at := [2]uint32{chain, index}
	if p := a.cache[at]; p != nil {
		return p, nil
	}
	p := &Purse{Account: a.ID, Chain: chain, Index: index, Required: max(a.Required, 1)}
	for i := range a.Members {
		o, err := a.Members[i].at(a.scheme.below(chain, index))
		if err != nil {
			return nil, err
		}
		p.Keys = append(p.Keys, o)
	}
	if err := p.lock(a.scheme); err != nil {
		return nil, err
	}
	if a.cache == nil {
		a.cache = map[[2]uint32]*Purse{}
	}
	a.cache[at] = p
	return p, nil
}

// lock makes the address and the scripts from the keys.
func (p *Purse) lock(s Scheme) error {
	key := p.Keys[0].Key
	switch s {
	case Direct, BIP44:
		p.Address = pillars.PubKeyHashAddress(pillars.Hash160(key))
	case BIP49:
		p.Redeem = pillars.WitnessPubKeyHashAddress(pillars.Hash160(key)).Script()
		p.Address = pillars.ScriptHashAddress(pillars.Hash160(p.Redeem))
	case BIP84:
		p.Address = pillars.WitnessPubKeyHashAddress(pillars.Hash160(key))
	case BIP86:
		internal, err := btcec.ParsePubKey(key)
		if err != nil {
			return err
		}
		output := txscript.ComputeTaprootKeyNoScript(internal)
		p.Address = pillars.TaprootAddress([32]byte(schnorr.SerializePubKey(output)))
	case SharedScript:
		p.Redeem = p.multisig()
		p.Address = pillars.ScriptHashAddress(pillars.Hash160(p.Redeem))
	case SharedWitness:
		p.Witness = p.multisig()
		p.Address = pillars.WitnessScriptHashAddress(sha256.Sum256(p.Witness))
	}
	return nil
}

// multisig sorts the keys (BIP 67, as wallets of the running network do) and writes the script.
func (p *Purse) multisig() []byte {
	slices.SortFunc(p.Keys, func(a, b KeyOrigin) int { return bytes.Compare(a.Key, b.Key) })
	out := script.Output{Template: script.MultiSig, Required: p.Required}
	for _, o := range p.Keys {
		out.Keys = append(out.Keys, o.Key)
	}
	return out.Script()
}

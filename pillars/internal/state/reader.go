package state

import (
	"encoding/binary"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/script"
)

// A Reader reads the records of a View. It is a pos.View: what stakes is asked of the same state.
type Reader struct {
	view   View
	params *pillars.Params
}

var _ pos.View = Reader{}

// At reads a state of a network.
func At(v View, p *pillars.Params) Reader { return Reader{v, p} }

func read[T any](v View, key Key, decode func(*T, *codec.Reader)) (out T, ok bool) {
	value, ok := v.Get(key)
	if !ok {
		return out, false
	}
	return decoded(key, value, decode), true
}

func readHead(v View) (Head, bool) { return read(v, HeadKey, (*Head).decode) }

// Head returns where the state stands; ok is false before the genesis.
func (r Reader) Head() (Head, bool) { return readHead(r.view) }

// Output returns an unspent output.
func (r Reader) Output(o pillars.Outpoint) (Output, bool) {
	return read(r.view, OutputKey(o), (*Output).decode)
}

// Outputs calls with every unspent output, in the order of their keys, until the call returns false. It reads
// the whole state: for who begins to follow an address.
func (r Reader) Outputs(each func(pillars.Outpoint, Output) bool) {
	r.view.Under(Key(rune(tableOutput)), func(key Key, value []byte) bool {
		var o pillars.Outpoint
		copy(o.Tx[:], key[1:])
		o.Index = binary.BigEndian.Uint32([]byte(key[1+len(o.Tx):]))
		return each(o, decoded(key, value, (*Output).decode))
	})
}

// Asset returns what is known of an asset.
func (r Reader) Asset(symbol string) (Asset, bool) {
	return read(r.view, AssetKey(symbol), (*Asset).decode)
}

// Avatar returns an avatar.
func (r Reader) Avatar(symbol string) (Avatar, bool) {
	return read(r.view, AvatarKey(symbol), (*Avatar).decode)
}

// AvatarOf returns the symbol of the avatar that an address has.
func (r Reader) AvatarOf(a pillars.Address) (symbol string, ok bool) {
	value, ok := r.view.Get(AddressKey(a))
	return string(value), ok
}

// Certificate returns a certificate.
func (r Reader) Certificate(kind pillars.CertificateType, symbol string) (Certificate, bool) {
	return read(r.view, CertificateKey(kind, symbol), (*Certificate).decode)
}

// Token returns an identifiable token.
func (r Reader) Token(symbol string) (Token, bool) {
	return read(r.view, TokenKey(symbol), (*Token).decode)
}

// Stake returns an unspent output as staking sees it.
func (r Reader) Stake(o pillars.Outpoint) (pos.Stake, bool) {
	out, ok := r.Output(o)
	if !ok {
		return pos.Stake{}, false
	}
	to := script.Classify(out.Script)
	head, _ := r.Head()
	return pos.Stake{
		Outpoint: o, Value: out.Value, Owner: to.Address, Height: out.Height, Stamp: out.Stamp,
		Plain: out.Attachment.Payload == nil && to.Template == script.PubKeyHash && out.ripe(r.params, head.Number+1),
	}, true
}

// Locks calls with the owner's locks that are long and large enough to let him stake; what they are not
// is not kept.
func (r Reader) Locks(owner pillars.Address, each func(pos.Lock) bool) {
	r.view.Under(locksOf(owner), func(key Key, value []byte) bool {
		return each(decoded(key, value, func(l *pos.Lock, in *codec.Reader) { *l = decodeLock(in) }))
	})
}

// ripe reports whether an output of a coinbase may be spent at a height [PIL-STA-11].
func (o *Output) ripe(p *pillars.Params, height uint32) bool {
	return !o.Reward || uint64(height) >= uint64(o.Height)+uint64(p.Subsidy.Maturity)
}

// stakeLock reads an output as a lock that lets its owner stake [PIL-STA-12]: plain ETP of versions 1 to 4, enough
// and for long enough. In version 5 the same script locks nothing.
func (o *Output) stakeLock(to *script.Output, p *pillars.Params) (owner pillars.Address, lock pos.Lock, ok bool) {
	const disabled, seconds, mask = 1 << 31, 1 << 22, 0xfffff
	if to.Template != script.SequenceLock || o.Version == pillars.VersionSegWit || o.Attachment.Payload != nil || to.Lock&(disabled|seconds) != 0 {
		return owner, lock, false
	}
	lock = pos.Lock{Value: o.Value, Height: o.Height, Blocks: to.Lock & mask}
	return to.Address, lock, lock.Value >= p.Stake.Locked && lock.Blocks >= p.Stake.LockBlocks
}

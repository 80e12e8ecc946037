package state

import (
	"fmt"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/pos"
)

// A Head says after which block a state is, and what of ETP there is then. Issued minus Burned is the
// sum of all unspent outputs.
type Head struct {
	Number  uint32
	Block   pillars.BlockID
	Issued  pillars.Amount // by the genesis and as subsidies, ever
	Burned  pillars.Amount // in outputs that nobody can spend, ever
	Outputs uint64         // unspent
}

// An Output is an unspent output, and what spending it asks to know.
type Output struct {
	pillars.Output
	Version uint32 // of the transaction that made it
	Height  uint32 // of its block
	Stamp   uint32 // of its block
	Median  uint32 // the median time at its block's parent: relative locks count from here
	Reward  bool   // by a coinbase: it ripens
}

// An Asset is what is known of an asset. Supply plus Mined minus Burned is the sum of all unspent outputs.
type Asset struct {
	Supply      uint64 // by all issues
	Mined       uint64 // in coinbases
	Burned      uint64 // in outputs that nobody can spend
	Height      uint32 // of the first issue
	Decimals    uint8
	Threshold   uint8  // of further issues
	Issuer      string // of the first issue, an avatar
	Address     string
	Description string
}

// An Avatar is a name bound to an address.
type Avatar struct {
	Address  pillars.Address
	Outpoint pillars.Outpoint // of the output that holds it
	Height   uint32           // since when it is bound to this address
}

// A Certificate is a right in the hands of an avatar.
type Certificate struct {
	Outpoint pillars.Outpoint // of the output that holds it
	Owner    string
	Address  string
	Content  string
	Height   uint32 // of its issue
	Burned   bool   // the output cannot be spent: nobody has it any more, and nobody can have it again
}

// A Token is one of its kind.
type Token struct {
	Outpoint pillars.Outpoint // of the output that holds it
	Address  string
	Content  string
	Height   uint32 // of its registration
	Burned   bool
}

const flagReward = 1

func (h *Head) bytes() []byte {
	b := codec.AppendU32(make([]byte, 0, 60), h.Number)
	b = append(b, h.Block[:]...)
	b = codec.AppendU64(b, uint64(h.Issued))
	b = codec.AppendU64(b, uint64(h.Burned))
	return codec.AppendU64(b, h.Outputs)
}

func (h *Head) decode(r *codec.Reader) {
	h.Number = r.U32("number")
	r.Fixed(h.Block[:], "block")
	h.Issued, h.Burned = pillars.Amount(r.U64("issued")), pillars.Amount(r.U64("burned"))
	h.Outputs = r.U64("outputs")
}

func (o *Output) bytes() []byte {
	flags := byte(0)
	if o.Reward {
		flags = flagReward
	}
	b := append(make([]byte, 0, 64), flags, byte(o.Version))
	b = codec.AppendU32(b, o.Height)
	b = codec.AppendU32(b, o.Stamp)
	b = codec.AppendU32(b, o.Median)
	return o.Output.AppendBinary(b)
}

func (o *Output) decode(r *codec.Reader) {
	flags := r.U8("flags")
	o.Reward, o.Version = flags == flagReward, uint32(r.U8("version"))
	if flags > flagReward || o.Version > pillars.VersionSegWit {
		r.Fail(codec.BadValue, "flags")
	}
	o.Height, o.Stamp, o.Median = r.U32("height"), r.U32("stamp"), r.U32("median")
	if !r.Failed() && o.Output.UnmarshalBinary(r.View(r.Left(), "output")) != nil {
		r.Fail(codec.BadValue, "output")
	}
}

func (a *Asset) bytes() []byte {
	b := codec.AppendU64(nil, a.Supply)
	b = codec.AppendU64(b, a.Mined)
	b = codec.AppendU64(b, a.Burned)
	b = append(codec.AppendU32(b, a.Height), a.Decimals, a.Threshold)
	return appendTexts(b, a.Issuer, a.Address, a.Description)
}

func (a *Asset) decode(r *codec.Reader) {
	a.Supply, a.Mined, a.Burned = r.U64("supply"), r.U64("mined"), r.U64("burned")
	a.Height, a.Decimals, a.Threshold = r.U32("height"), r.U8("decimals"), r.U8("threshold")
	a.Issuer, a.Address, a.Description = text(r), text(r), text(r)
}

func (a *Avatar) bytes() []byte {
	b := appendOutpoint(appendAddress(nil, a.Address), a.Outpoint)
	return codec.AppendU32(b, a.Height)
}

func (a *Avatar) decode(r *codec.Reader) {
	a.Address, a.Outpoint, a.Height = decodeAddress(r), decodeOutpoint(r), r.U32("height")
}

func (c *Certificate) bytes() []byte {
	b := codec.AppendU32(appendOutpoint(nil, c.Outpoint), c.Height)
	return appendTexts(codec.AppendBool(b, c.Burned), c.Owner, c.Address, c.Content)
}

func (c *Certificate) decode(r *codec.Reader) {
	c.Outpoint, c.Height, c.Burned = decodeOutpoint(r), r.U32("height"), r.Bool("burned")
	c.Owner, c.Address, c.Content = text(r), text(r), text(r)
}

func (t *Token) bytes() []byte {
	b := codec.AppendU32(appendOutpoint(nil, t.Outpoint), t.Height)
	return appendTexts(codec.AppendBool(b, t.Burned), t.Address, t.Content)
}

func (t *Token) decode(r *codec.Reader) {
	t.Outpoint, t.Height, t.Burned = decodeOutpoint(r), r.U32("height"), r.Bool("burned")
	t.Address, t.Content = text(r), text(r)
}

func lockBytes(l pos.Lock) []byte {
	b := codec.AppendU64(nil, uint64(l.Value))
	return codec.AppendU32(codec.AppendU32(b, l.Height), l.Blocks)
}

func decodeLock(r *codec.Reader) pos.Lock {
	return pos.Lock{Value: pillars.Amount(r.U64("value")), Height: r.U32("height"), Blocks: r.U32("blocks")}
}

func appendTexts(b []byte, texts ...string) []byte {
	for _, s := range texts {
		b = codec.AppendBytes16(b, []byte(s))
	}
	return b
}

// text reads one of the texts that attachments hold, the longest of which is a token's content.
func text(r *codec.Reader) string { return string(r.View16(pillars.MaxToken, "text")) }

func decodeOutpoint(r *codec.Reader) (o pillars.Outpoint) {
	r.Fixed(o.Tx[:], "outpoint")
	o.Index = r.U32("outpoint")
	return o
}

func decodeAddress(r *codec.Reader) pillars.Address {
	var short [20]byte
	var long [32]byte
	switch kind := pillars.AddressKind(r.U8("address")); kind {
	case pillars.ToPubKeyHash, pillars.ToScriptHash, pillars.ToWitnessPubKeyHash:
		r.Fixed(short[:], "address")
		switch kind {
		case pillars.ToScriptHash:
			return pillars.ScriptHashAddress(short)
		case pillars.ToWitnessPubKeyHash:
			return pillars.WitnessPubKeyHashAddress(short)
		}
		return pillars.PubKeyHashAddress(short)
	case pillars.ToWitnessScriptHash:
		r.Fixed(long[:], "address")
		return pillars.WitnessScriptHashAddress(long)
	case pillars.ToTaproot:
		r.Fixed(long[:], "address")
		return pillars.TaprootAddress(long)
	case pillars.ToBlackHole:
		r.Fixed(short[:], "address")
		return pillars.BlackHole()
	}
	r.Fail(codec.BadValue, "address")
	return pillars.Address{}
}

// decoded reads one record. Records are written by this package only: bytes that are none are a bug or
// a broken disk, and the process ends.
func decoded[T any](key Key, value []byte, decode func(*T, *codec.Reader)) (v T) {
	r := codec.NewReader(value)
	decode(&v, r)
	if err := r.Done(); err != nil {
		panic(fmt.Sprintf("state: record %x: %v", string(key), err))
	}
	return v
}

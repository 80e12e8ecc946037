// Package wire is what nodes of the public chain say to each other, and its bytes: a header of fixed size, and a
// payload for each kind of message. The formats are numbered in docs/spec/pillars-network.md.
//
// It is pure. Every count and length has a bound that is asked before memory is taken, and each value has one
// encoding.
package wire

import (
	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// Version is that of the protocol which this program speaks. A node talks to all of its own version.
const Version = 1

// A Kind says what a message is.
type Kind uint8

// The kinds, by the byte that stands for them [PIL-MSG-2]. Numbers are never used again.
const (
	KindHello      Kind = 1
	KindGoodbye    Kind = 2
	KindPing       Kind = 3
	KindPong       Kind = 4
	KindGetHeaders Kind = 5
	KindHeaders    Kind = 6
	KindGetBlocks  Kind = 7
	KindBlock      Kind = 8
	KindNotFound   Kind = 9
	KindGetCompact Kind = 10
	KindCompact    Kind = 11
	KindGetMissing Kind = 12
	KindMissing    Kind = 13
	KindPush       Kind = 14
	KindHave       Kind = 15
	KindGetTxs     Kind = 16
	KindTx         Kind = 17
	KindGetPool    Kind = 18
	KindMinFee     Kind = 19
	KindGetPeers   Kind = 20
	KindPeers      Kind = 21
	KindTwins      Kind = 22
)

var kinds = [...]struct {
	name string
	most int // bytes of payload
	make func() Message
}{
	KindHello:      {"hello", 512, func() Message { return new(Hello) }},
	KindGoodbye:    {"goodbye", 1 + MaxReason, func() Message { return new(Goodbye) }},
	KindPing:       {"ping", 8, func() Message { return new(Ping) }},
	KindPong:       {"pong", 8, func() Message { return new(Pong) }},
	KindGetHeaders: {"getheaders", 2 + 32*MaxLocator, func() Message { return new(GetHeaders) }},
	KindHeaders:    {"headers", 2 + headSize*MaxHeaders, func() Message { return new(Headers) }},
	KindGetBlocks:  {"getblocks", 2 + 32*MaxBlocks, func() Message { return new(GetBlocks) }},
	KindBlock:      {"block", pillars.MaxBlockSize, func() Message { return new(Block) }},
	KindNotFound:   {"notfound", 2 + 32*MaxBlocks, func() Message { return new(NotFound) }},
	KindGetCompact: {"getcompact", 32, func() Message { return new(GetCompact) }},
	KindCompact:    {"compact", pillars.MaxBlockSize, func() Message { return new(Compact) }},
	KindGetMissing: {"getmissing", 32 + 4 + 4*MaxShort, func() Message { return new(GetMissing) }},
	KindMissing:    {"missing", pillars.MaxBlockSize, func() Message { return new(Missing) }},
	KindPush:       {"push", 1, func() Message { return new(Push) }},
	KindHave:       {"have", 2 + 32*MaxHave, func() Message { return new(Have) }},
	KindGetTxs:     {"gettxs", 2 + 33*MaxGetTxs, func() Message { return new(GetTxs) }},
	KindTx:         {"tx", pillars.MaxTransactionSize, func() Message { return new(Tx) }},
	KindGetPool:    {"getpool", 0, func() Message { return new(GetPool) }},
	KindMinFee:     {"minfee", 8, func() Message { return new(MinFee) }},
	KindGetPeers:   {"getpeers", 0, func() Message { return new(GetPeers) }},
	KindPeers:      {"peers", 2 + 22*MaxPeers, func() Message { return new(Peers) }},
	KindTwins:      {"twins", 2 * (headSize + 64), func() Message { return new(Twins) }},
}

// Valid reports whether there is such a kind.
func (k Kind) Valid() bool { return int(k) < len(kinds) && kinds[k].make != nil }

// String returns the kind's name.
func (k Kind) String() string {
	if !k.Valid() {
		return "unknown"
	}
	return kinds[k].name
}

// MaxSize is the most bytes of payload of a kind.
func (k Kind) MaxSize() int {
	if !k.Valid() {
		return 0
	}
	return kinds[k].most
}

// Bounds of what stands in messages [PIL-MSG-3].
const (
	MaxLocator = 64
	MaxHeaders = 500
	MaxBlocks  = 64
	MaxHave    = 1000
	MaxGetTxs  = 256
	MaxPeers   = 256
	MaxReason  = 64
	MaxAgent   = 64
	MaxShort   = pillars.MaxBlockSize / minTx // transactions of a block
	minTx      = 10

	headSize = pillars.ExtendedHeaderSize + pillars.ExtensionSize
)

// A Message is one of the types below; there are no others.
type Message interface {
	Kind() Kind
	append(b []byte) []byte
	decode(r *codec.Reader)
}

// A Hello is the first message in each direction: who is there, on which chain, where it stands.
type Hello struct {
	Version uint16
	Genesis pillars.BlockID
	Profile pillars.Hash // of the network's parameters
	Nonce   uint64       // of this process: who meets itself hangs up
	Time    uint32       // seconds of the sender's clock
	Number  uint32       // of its tip
	Tip     pillars.BlockID
	Weight  [32]byte // of its chain, big-endian
	From    uint32   // lowest height whose block it has, the genesis apart
	Port    uint16   // where it listens; 0: it does not
	Agent   string
}

// Goodbye says why the sender hangs up.
type Goodbye struct{ Reason string }

// Ping asks for a Pong with the same number.
type Ping struct{ Nonce uint64 }

// Pong answers a Ping.
type Pong struct{ Nonce uint64 }

// GetHeaders asks for the headers behind the first id that is on the receiver's chain.
type GetHeaders struct{ Locator []pillars.BlockID }

// Headers answers GetHeaders, or announces the newest blocks.
type Headers struct{ Heads []tree.Head }

// GetBlocks asks for blocks; each is answered by a Block, or together in one NotFound.
type GetBlocks struct{ IDs []pillars.BlockID }

// Block is a whole block. One that is sent may be given as the bytes that are stored.
type Block struct {
	Block *pillars.Block
	Raw   []byte
}

// NotFound names what was asked for and is not here: blocks.
type NotFound struct{ IDs []pillars.BlockID }

// GetCompact asks for a block without the transactions that wait with the asker anyway.
type GetCompact struct{ ID pillars.BlockID }

// GetMissing asks for transactions of a compact block, by their places.
type GetMissing struct {
	ID     pillars.BlockID
	Places []uint32 // rising
}

// Missing answers GetMissing, in its order.
type Missing struct {
	ID  pillars.BlockID
	Txs []*pillars.Transaction
}

// Push says whether new blocks should come as Compact at once, without an announcement.
type Push struct{ On bool }

// Have announces transactions by the hashes of all their bytes.
type Have struct{ Leaves []pillars.Hash }

// GetTxs asks for transactions.
type GetTxs struct{ Wants []Want }

// A Want names a transaction: by the hash of all its bytes, or for the parent of another one by its id.
type Want struct {
	ByID bool
	Hash [32]byte
}

// Tx is a transaction.
type Tx struct{ Tx *pillars.Transaction }

// GetPool asks for a Have of what waits.
type GetPool struct{}

// MinFee says what 1,000 bytes must pay to be of interest to the sender.
type MinFee struct{ Fee pillars.Amount }

// GetPeers asks for addresses of nodes.
type GetPeers struct{}

// Peers are addresses of nodes.
type Peers struct{ All []Address }

// An Address is where a node may listen: 16 bytes of IP, as IPv6 has it.
type Address struct {
	IP   [16]byte
	Port uint16
	Seen uint32 // seconds since 1970 when it was last known to be there
}

// Twins are two blocks that use one stake in one second, without their bodies: together they prove that
// whoever signed them made two.
type Twins struct{ One, Two Signed }

// A Signed header is a header under stake with its extension and signature.
type Signed struct {
	Head      tree.Head
	Signature [64]byte
}

// Kind implements Message.
func (*Hello) Kind() Kind      { return KindHello }
func (*Goodbye) Kind() Kind    { return KindGoodbye }
func (*Ping) Kind() Kind       { return KindPing }
func (*Pong) Kind() Kind       { return KindPong }
func (*GetHeaders) Kind() Kind { return KindGetHeaders }
func (*Headers) Kind() Kind    { return KindHeaders }
func (*GetBlocks) Kind() Kind  { return KindGetBlocks }
func (*Block) Kind() Kind      { return KindBlock }
func (*NotFound) Kind() Kind   { return KindNotFound }
func (*GetCompact) Kind() Kind { return KindGetCompact }
func (*Compact) Kind() Kind    { return KindCompact }
func (*GetMissing) Kind() Kind { return KindGetMissing }
func (*Missing) Kind() Kind    { return KindMissing }
func (*Push) Kind() Kind       { return KindPush }
func (*Have) Kind() Kind       { return KindHave }
func (*GetTxs) Kind() Kind     { return KindGetTxs }
func (*Tx) Kind() Kind         { return KindTx }
func (*GetPool) Kind() Kind    { return KindGetPool }
func (*MinFee) Kind() Kind     { return KindMinFee }
func (*GetPeers) Kind() Kind   { return KindGetPeers }
func (*Peers) Kind() Kind      { return KindPeers }
func (*Twins) Kind() Kind      { return KindTwins }

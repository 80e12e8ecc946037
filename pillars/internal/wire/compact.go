package wire

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// A Compact is a block whose transactions are named by six bytes each, under a key of their own for every message; those that
// cannot wait with anybody, coinbase and coinstake, come along [PIL-MSG-5].
type Compact struct {
	Head      tree.Head
	Signature [64]byte // under stake
	Nonce     uint64
	First     []*pillars.Transaction // the first one or two
	Short     []ShortID              // of the others, in order
}

// A ShortID is a transaction's name inside one compact block.
type ShortID [6]byte

// CompactOf makes the compact form of a block.
func CompactOf(b *pillars.Block, nonce uint64) *Compact {
	c := &Compact{Head: tree.HeadOf(b), Signature: b.Signature, Nonce: nonce}
	first := min(firstOf(&b.Header), len(b.Transactions))
	c.First = b.Transactions[:first]
	key := c.Key()
	for _, tx := range b.Transactions[first:] {
		c.Short = append(c.Short, key.Short(tx.Leaf()))
	}
	return c
}

// firstOf is how many transactions of a block come along.
func firstOf(h *pillars.Header) int {
	if h.Seal() == pillars.PoS {
		return 2
	}
	return 1
}

// A Key makes the short ids of one compact block.
type Key struct{ k0, k1 uint64 }

// Key depends on the header and the nonce: nobody finds two transactions that collide for all nodes.
func (c *Compact) Key() Key {
	b := binary.BigEndian.AppendUint64(c.Head.AppendBinary(nil), c.Nonce)
	h := sha256.Sum256(b)
	return Key{binary.LittleEndian.Uint64(h[:]), binary.LittleEndian.Uint64(h[8:])}
}

// Short is a transaction's name, from the hash of all its bytes.
func (k Key) Short(leaf pillars.Hash) (s ShortID) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], SipHash(k.k0, k.k1, leaf[:]))
	copy(s[:], b[:])
	return s
}

// Txs is how many transactions the block has.
func (c *Compact) Txs() int { return len(c.First) + len(c.Short) }

// Kind and the two below implement Message.
func (c *Compact) append(b []byte) []byte {
	b = appendHead(b, &c.Head)
	if c.Head.Seal().Signed() {
		b = append(b, c.Signature[:]...)
	}
	b = codec.AppendU64(b, c.Nonce)
	for _, tx := range c.First {
		b = appendTx(b, tx)
	}
	b = codec.AppendU32(b, uint32(len(c.Short)))
	for i := range c.Short {
		b = append(b, c.Short[i][:]...)
	}
	return b
}

func (c *Compact) decode(r *codec.Reader) {
	decodeHead(r, &c.Head)
	if c.Head.Seal().Signed() {
		r.Fixed(c.Signature[:], "signature")
	}
	c.Nonce = r.U64("nonce")
	for range firstOf(&c.Head.Header) {
		c.First = append(c.First, decodeTx(r))
	}
	c.Short = make([]ShortID, r.Count32(MaxShort, len(ShortID{}), "short ids"))
	for i := range c.Short {
		r.Fixed(c.Short[i][:], "short id")
	}
}

package pillars

import "github.com/asterism-network/asterism/internal/codec"

// MaxBlockSize is the most bytes of a block that a decoder looks at. Profiles may allow less.
const MaxBlockSize = 4_000_000

// An Extension is what a header has no room for and its extension root commits to, so that a
// light client verifies every seal from headers [PIL-HDR-3].
type Extension struct {
	Key       [33]byte // compressed public key that signed the block; zero under PoW
	Witnesses Hash     // Merkle root of the epoch's delegates; zero while there are none
	// Modifier is the stake modifier after the parent: what this block's stake hash, if it has
	// one, is taken over. The block's own modifier may depend on its mix hash and so cannot be here.
	Modifier Hash
	// Stake is the output that a PoS block stakes, the first input of its coinstake: with it the chain of
	// modifiers can be followed from headers. Zero under other seals.
	Stake Outpoint
}

// Root returns the hash that the header carries.
func (e *Extension) Root() Hash {
	return TaggedHash("asterism pillars extension", e.append(nil))
}

// ExtensionSize is the number of bytes of an extension.
const ExtensionSize = 33 + 32 + 32 + 36

// AppendBinary appends the bytes that the root is taken over [PIL-HDR-3].
func (e *Extension) AppendBinary(b []byte) []byte { return e.append(b) }

// UnmarshalBinary reads exactly one extension.
func (e *Extension) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	e.decode(r)
	return r.Done()
}

func (e *Extension) append(b []byte) []byte {
	b = append(b, e.Key[:]...)
	b = append(b, e.Witnesses[:]...)
	b = append(b, e.Modifier[:]...)
	return append(b, e.Stake.Bytes()...)
}

func (e *Extension) decode(r *codec.Reader) {
	r.Fixed(e.Key[:], "signer key")
	r.Fixed(e.Witnesses[:], "witness table")
	r.Fixed(e.Modifier[:], "stake modifier")
	r.Fixed(e.Stake.Tx[:], "stake")
	e.Stake.Index = readU32(r, "stake index")
}

// A Block is a header and what it commits to. The signature and, in a classic DPoS block, the key
// behind it are outside the id [PIL-BLK-1].
type Block struct {
	Header
	Extension    Extension // extended headers only
	Transactions []*Transaction
	Signature    [64]byte // PoS and DPoS only; see VerifySignature
	ClassicKey   [33]byte // classic DPoS only: the compressed public key that signed
}

// MerkleRoot returns the root over the transactions [PIL-BLK-2].
func (b *Block) MerkleRoot() Hash {
	leaves := make([]Hash, len(b.Transactions))
	for i, tx := range b.Transactions {
		leaves[i] = tx.Leaf()
	}
	return MerkleRoot(leaves)
}

// AppendBinary appends the wire form [PIL-BLK-1]: header, extension if the header has its root,
// count and transactions, the signature of a sealed block, the key of a classic DPoS block.
func (b *Block) AppendBinary(to []byte) []byte {
	to = b.Header.AppendBinary(to)
	if b.Extended() {
		to = b.Extension.append(to)
	}
	to = appendCount(to, len(b.Transactions))
	for _, tx := range b.Transactions {
		to = tx.AppendBinary(to)
	}
	if b.Seal().Signed() {
		to = append(to, b.Signature[:]...)
	}
	if b.Seal() == DPoS && !b.Extended() {
		to = append(to, b.ClassicKey[:]...)
	}
	return to
}

// UnmarshalBinary reads exactly one block.
func (b *Block) UnmarshalBinary(from []byte) error {
	if len(from) > MaxBlockSize {
		return &codec.Error{Fault: codec.TooLarge, Field: "block"}
	}
	*b = Block{}
	r := codec.NewReader(from)
	b.Header.decode(r)
	if b.Extended() {
		b.Extension.decode(r)
	}
	n := readCount(r, MaxBlockSize, minTransactionSize, "transactions")
	b.Transactions = make([]*Transaction, 0, n)
	for range n {
		tx := new(Transaction)
		tx.decode(r)
		if r.Failed() {
			return r.Err()
		}
		b.Transactions = append(b.Transactions, tx)
	}
	if b.Seal().Signed() {
		r.Fixed(b.Signature[:], "block signature")
	}
	if b.Seal() == DPoS && !b.Extended() {
		r.Fixed(b.ClassicKey[:], "signer key")
	}
	return r.Done()
}

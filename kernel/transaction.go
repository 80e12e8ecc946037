package kernel

import "github.com/asterism-network/asterism/internal/crypto"

// A Key is a point of the Ed25519 curve: a ghost key, a mask, a view or spend key, a node key.
type Key = crypto.Key

// A Signature is 64 bytes, R || s.
type Signature = crypto.Signature

// A Scalar is a wallet's private key.
type Scalar = crypto.Scalar

// TransactionVersion is the only version this ledger knows.
const TransactionVersion = 5

// A Transaction moves one asset from inputs to outputs. Its binary form is that of the wider
// ecosystem's version 5, byte for byte. [FMT-TX]
type Transaction struct {
	Asset      AssetID
	Inputs     []Input
	Outputs    []Output
	References []TxHash
	Extra      []byte

	// Authorization: either Aggregate, or one map per input (nil while unsigned).
	Signatures []SignatureMap
	Aggregate  *AggregateSignature
}

// An OutputRef names an output of an earlier transaction.
type OutputRef struct {
	Hash  TxHash
	Index uint16
}

// An Input spends an output, or brings value in. At most one of Genesis, Deposit and Mint is set.
type Input struct {
	OutputRef
	Genesis []byte // the network id in a genesis transaction
	Deposit *Deposit
	Mint    *Mint
}

// A Deposit is the external transfer that an input credits.
type Deposit struct {
	Chain       AssetID // asset id of the external chain's native asset
	AssetKey    string  // the asset's name on that chain
	Transaction string  // the external transaction
	Index       uint64  // the output or event inside it
	Amount      Amount
}

// A Mint is the distribution that an input pays out.
type Mint struct {
	Group  string
	Batch  uint64
	Amount Amount
}

// An OutputType says how an output may be spent, and with it the transaction's class.
type OutputType uint8

// The output types on the wire.
const (
	OutputScript           OutputType = 0x00
	OutputWithdrawalSubmit OutputType = 0xa1
	OutputNodePledge       OutputType = 0xa3
	OutputNodeAccept       OutputType = 0xa4
	OutputNodeRemove       OutputType = 0xa6
	OutputWithdrawalClaim  OutputType = 0xa9
	OutputNodeCancel       OutputType = 0xaa
	OutputCustodianUpdate  OutputType = 0xb1
	OutputCustodianSlash   OutputType = 0xb2
)

// An Output locks an amount under one-time keys, or lets it leave the ledger.
type Output struct {
	Type       OutputType
	Amount     Amount
	Keys       []Key
	Mask       Key // R, shared by all keys of the output; zero without keys
	Script     Script
	Withdrawal *Withdrawal
}

// A Withdrawal is the external destination of a withdrawal output.
type Withdrawal struct {
	Address string
	Tag     string
}

// A SignatureMap holds the signatures of one input, by ascending place of the key in the
// output being spent.
type SignatureMap []IndexedSignature

// An IndexedSignature is a signature by the key at Index.
type IndexedSignature struct {
	Index     uint16
	Signature Signature
}

// An AggregateSignature is one signature for all inputs. Signers are strictly increasing
// places in the concatenation of all inputs' key lists.
type AggregateSignature struct {
	Signers   []uint16
	Signature Signature
}

// SignatureCount is how many signatures stand in tx, at least 1: what it costs to verify. A signer of an
// aggregate costs about what a signature does among many, and counts as one. It is a matter of the
// format alone, at most MaxBodySignatures.
func (tx *Transaction) SignatureCount() int {
	n := 0
	if tx.Aggregate != nil {
		n = len(tx.Aggregate.Signers)
	}
	for _, m := range tx.Signatures {
		n += len(m)
	}
	return max(n, 1)
}

// An Address is where payments go: a spend key and a view key. Text form "XIN…". [FMT-ADDR]
type Address struct {
	Spend Key
	View  Key
}

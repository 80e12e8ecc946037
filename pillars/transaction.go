package pillars

import "math"

// Versions of transactions. Versions 1 to 4 are those of the running network, byte for byte;
// SegWit is an envelope around a Bitcoin transaction. The genesis of a classic network has 0.
const (
	VersionGenesis  = 0
	VersionFirst    = 1
	VersionTemplate = 2 // output scripts must match a template; relative locks count
	VersionTest     = 3
	VersionCurrent  = 4 // certificates, locks with scheduled release, strict symbols
	VersionSegWit   = 5
)

// NoIndex is the output index in the input of a coinbase.
const NoIndex = math.MaxUint32

// An Outpoint names one output of one transaction.
type Outpoint struct {
	Tx    TxID   `json:"tx"`
	Index uint32 `json:"index"`
}

// NullOutpoint is what the input of a coinbase names.
var NullOutpoint = Outpoint{Index: NoIndex}

// IsNull reports whether o names no output at all.
func (o Outpoint) IsNull() bool { return o == NullOutpoint }

// Bytes are the 36 bytes of an outpoint as transactions have them.
func (o Outpoint) Bytes() []byte { return appendU32(append(make([]byte, 0, 36), o.Tx[:]...), o.Index) }

// An Input spends an output.
type Input struct {
	Previous Outpoint
	Script   []byte
	Sequence uint32
	Witness  [][]byte // version 5 only
}

// An Output is a value of ETP under a script, and what else its attachment brings along.
type Output struct {
	Value      Amount
	Script     []byte
	Attachment Attachment // version 5: always the zero Attachment of plain ETP
}

// A Transaction of any version [PIL-TX-1]. Once it was hashed or shared it must not change.
type Transaction struct {
	Version  uint32 // 0 to 5
	Bitcoin  int32  // version 5 only: the version of the Bitcoin transaction inside
	Inputs   []Input
	Outputs  []Output
	LockTime uint32
}

// IsSegWit reports whether the transaction is an envelope around a Bitcoin transaction.
func (tx *Transaction) IsSegWit() bool { return tx.Version == VersionSegWit }

// IsCoinbase reports whether the transaction has the shape of a coinbase: one input from nowhere.
func (tx *Transaction) IsCoinbase() bool {
	return len(tx.Inputs) == 1 && tx.Inputs[0].Previous.IsNull() && !tx.IsSegWit()
}

// IsCoinstake reports whether the transaction has the shape of a coinstake: inputs of which the
// first is real, at least two outputs, and the first output is the empty marker.
func (tx *Transaction) IsCoinstake() bool {
	return len(tx.Inputs) > 0 && !tx.Inputs[0].Previous.IsNull() && len(tx.Outputs) > 1 && tx.Outputs[0].isMarker()
}

func (o *Output) isMarker() bool {
	_, null := o.Attachment.Payload.(Null)
	return null && o.Value == 0 && len(o.Script) == 0
}

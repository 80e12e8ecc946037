package kernel

import (
	"encoding/hex"
	"errors"

	"github.com/asterism-network/asterism/internal/codec"
)

// A ProofFile is a proof with all that is needed to verify it beside the genesis file: the chain
// of rosters from epoch 0 to that of the proof's certificate. It can be kept for years. [CHK-9]
type ProofFile struct {
	Network  NetworkID      `json:"network"` // the hash of the genesis
	Rosters  []RosterChange `json:"rosters"` // from epoch 0 on, without gaps
	Finality *FinalityProof `json:"finality,omitempty"`
	Output   *OutputProof   `json:"output,omitempty"` // exactly one of the two

	// Transaction is the signed bytes that Finality is about, so that people can read what was
	// settled; it may be empty.
	Transaction TransactionBytes `json:"transaction,omitempty"`
}

// TransactionBytes are an encoded transaction, in hex where they are text.
type TransactionBytes []byte

// MarshalText returns lower-case hex digits.
func (b TransactionBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

// UnmarshalText reads hex digits.
func (b *TransactionBytes) UnmarshalText(text []byte) (err error) {
	if len(text) > 2*MaxTransactionSize {
		return &codec.Error{Fault: codec.TooLarge, Field: "transaction"}
	}
	*b, err = hex.DecodeString(string(text))
	return err
}

// Limits of a proof file. [LIM]
const (
	MaxRosterChanges = 4096
	MaxProofFile     = 64 << 20

	proofMagic      = "asterism proof 1\n"
	proofOfFinality = 1
	proofOfOutput   = 2
)

// rosterChangeMinimum is less than any encoded change has; it bounds what a count can promise.
const rosterChangeMinimum = CheckpointSize + 8 + len(Signature{}) + 4 + 2 + MinVoting*memberMinimum

// Certificate is the one that the proof rests on; nil if there is no proof.
func (f *ProofFile) Certificate() *CheckpointProof {
	switch {
	case f.Finality != nil:
		return &f.Finality.Certificate
	case f.Output != nil:
		return &f.Output.Certificate
	}
	return nil
}

var errProofFile = errors.New("proof file: want exactly one proof, a transaction only with a proof of finality, and at most 4096 rosters")

func (f *ProofFile) shape() error {
	if (f.Finality == nil) == (f.Output == nil) || f.Finality == nil && len(f.Transaction) > 0 ||
		len(f.Transaction) > MaxTransactionSize || len(f.Rosters) > MaxRosterChanges {
		return errProofFile
	}
	return nil
}

// Encode returns the file.
func (f *ProofFile) Encode() ([]byte, error) {
	if err := f.shape(); err != nil {
		return nil, err
	}
	b := append([]byte(proofMagic), f.Network[:]...)
	b = codec.AppendU16(b, uint16(len(f.Rosters)))
	for i := range f.Rosters {
		b = f.Rosters[i].AppendBinary(b)
	}
	if f.Finality != nil {
		b = f.Finality.AppendBinary(append(b, proofOfFinality))
		b = codec.AppendBytes32(b, f.Transaction)
	} else {
		b = f.Output.AppendBinary(append(b, proofOfOutput))
	}
	if len(b) > MaxProofFile {
		return nil, &codec.Error{Fault: codec.TooLarge, Field: "proof file"}
	}
	return b, nil
}

// DecodeProofFile reads exactly one file. It verifies nothing: package light does. The result
// aliases b.
func DecodeProofFile(b []byte) (*ProofFile, error) {
	if len(b) > MaxProofFile {
		return nil, &codec.Error{Fault: codec.TooLarge, Field: "proof file"}
	}
	f := new(ProofFile)
	r := codec.NewReader(b)
	f.decode(r)
	if err := r.Done(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *ProofFile) decode(r *codec.Reader) {
	if string(r.View(len(proofMagic), "magic")) != proofMagic {
		r.Fail(codec.BadValue, "magic")
	}
	r.Fixed(f.Network[:], "network")
	f.Rosters = make([]RosterChange, r.Count16(MaxRosterChanges, rosterChangeMinimum, "rosters"))
	for i := range f.Rosters {
		f.Rosters[i].decode(r)
	}
	switch r.U8("kind") {
	case proofOfFinality:
		f.Finality = new(FinalityProof)
		f.Finality.decode(r)
		f.Transaction = orNil(r.View32(MaxTransactionSize, "transaction"))
	case proofOfOutput:
		f.Output = new(OutputProof)
		f.Output.decode(r)
	default:
		r.Fail(codec.BadValue, "kind")
	}
}

package kernel

import (
	"encoding/hex"
	"errors"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/merkle"
)

// A FaultNumber is one of the faults that cost a member its stake, E1 to E4.
type FaultNumber uint8

// The faults.
const (
	FaultE1 FaultNumber = 1 // two snapshots signed for one round
	FaultE2 FaultNumber = 2 // carried a spend that its own claim excludes
	FaultE3 FaultNumber = 3 // carried what cannot be right
	FaultE4 FaultNumber = 4 // showed a wrong coin share
)

// An EvidenceFile proves a member's fault to anybody who has the genesis: what the member signed,
// and what makes it a fault. E1 and E4 need nothing else. E2 needs the receipt of the transaction that
// came first; E3 may need the outputs that are spent. [STK-40]
type EvidenceFile struct {
	Network NetworkID      `json:"network"`
	Rosters []RosterChange `json:"rosters"` // from epoch 0 on, to the fault's epoch and those of the certificates
	Fault   FaultNumber    `json:"fault"`

	Equivocation *Equivocation `json:"equivocation,omitempty"` // E1
	Header       HexBytes      `json:"header,omitempty"`       // E2 to E4: what the member signed

	Entry *EvidenceEntry `json:"entry,omitempty"` // E2, E3: what stood in its body

	Winner      *FinalityProof `json:"winner,omitempty"`             // E2: what became of the other transaction
	WinnerBytes HexBytes       `json:"winner_transaction,omitempty"` // E2: its signed bytes
	Spent       []OutputProof  `json:"spent,omitempty"`              // E3: outputs that the transaction spends, in any order
}

// An EvidenceEntry is an entry of a body with the way from it to the body's root.
type EvidenceEntry struct {
	Bytes  HexBytes `json:"bytes"` // of a transaction
	Branch Branch   `json:"branch"`
	Count  uint64   `json:"count"` // entries of the body
}

// HexBytes are bytes that are hex digits where they are text.
type HexBytes []byte

// MarshalText returns lower-case hex digits.
func (b HexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

// UnmarshalText reads hex digits, of a transaction's size at most.
func (b *HexBytes) UnmarshalText(text []byte) (err error) {
	if len(text) > 2*MaxTransactionSize {
		return &codec.Error{Fault: codec.TooLarge, Field: "bytes"}
	}
	*b, err = hex.DecodeString(string(text))
	return err
}

// Limits of an evidence file. [LIM]
const (
	MaxEvidenceFile    = 64 << 20
	maxEvidenceOutputs = 256

	evidenceMagic = "asterism evidence 1\n"
)

// EvidenceEntryOf is the way from the entry at a place of a body to its root. It panics if there is
// no such place.
func EvidenceEntryOf(b *Body, place int) *EvidenceEntry {
	leaves := make([][32]byte, len(b.Entries))
	for i := range b.Entries {
		leaves[i] = EntryHash(b.Entries[i])
	}
	p := merkle.Prove(leaves, place)
	return &EvidenceEntry{Bytes: b.Entries[place].Bytes, Branch: BranchOf(p), Count: uint64(len(leaves))}
}

// StandsIn reports whether the entry is a transaction in the body of a root.
func (e *EvidenceEntry) StandsIn(root Hash) bool {
	leaf := EntryHash(Entry{Kind: EntryTransaction, Bytes: e.Bytes})
	return e.Branch.Verify(TreeHead{Root: root, Count: e.Count}, leaf)
}

var errEvidenceFile = errors.New("evidence file: the parts are not those of its fault")

// Check reports whether the parts are those that the fault asks for.
func (f *EvidenceFile) Check() error {
	statement := f.Equivocation != nil
	header, entry, winner := len(f.Header) > 0, f.Entry != nil, f.Winner != nil && len(f.WinnerBytes) > 0
	none := f.Winner == nil && len(f.WinnerBytes) == 0
	ok := false
	switch f.Fault {
	case FaultE1:
		ok = statement && !header && !entry && none && len(f.Spent) == 0
	case FaultE2:
		ok = !statement && header && entry && winner && len(f.Spent) == 0
	case FaultE3:
		ok = !statement && header && entry && none && len(f.Spent) <= maxEvidenceOutputs
	case FaultE4:
		ok = !statement && header && !entry && none && len(f.Spent) == 0
	}
	if !ok || len(f.Rosters) > MaxRosterChanges || len(f.Header) > MaxHeaderSize || entry && len(f.Entry.Bytes) > MaxTransactionSize || len(f.WinnerBytes) > MaxTransactionSize {
		return errEvidenceFile
	}
	return nil
}

// Encode returns the file.
func (f *EvidenceFile) Encode() ([]byte, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	b := append([]byte(evidenceMagic), f.Network[:]...)
	b = codec.AppendU16(b, uint16(len(f.Rosters)))
	for i := range f.Rosters {
		b = f.Rosters[i].AppendBinary(b)
	}
	b = append(b, byte(f.Fault))
	if f.Fault == FaultE1 {
		b = f.Equivocation.AppendBinary(b)
	} else {
		b = codec.AppendBytes16(b, f.Header)
	}
	if f.Entry != nil {
		b = codec.AppendBytes32(b, f.Entry.Bytes)
		b = codec.AppendU64(f.Entry.Branch.append(b), f.Entry.Count)
	}
	switch f.Fault {
	case FaultE2:
		b = codec.AppendBytes32(f.Winner.AppendBinary(b), f.WinnerBytes)
	case FaultE3:
		b = codec.AppendU16(b, uint16(len(f.Spent)))
		for i := range f.Spent {
			b = f.Spent[i].AppendBinary(b)
		}
	}
	if len(b) > MaxEvidenceFile {
		return nil, &codec.Error{Fault: codec.TooLarge, Field: "evidence file"}
	}
	return b, nil
}

// DecodeEvidenceFile reads exactly one file. It judges nothing: package light does. The result
// aliases b.
func DecodeEvidenceFile(b []byte) (*EvidenceFile, error) {
	if len(b) > MaxEvidenceFile {
		return nil, &codec.Error{Fault: codec.TooLarge, Field: "evidence file"}
	}
	f := new(EvidenceFile)
	r := codec.NewReader(b)
	f.decode(r)
	if err := r.Done(); err != nil {
		return nil, err
	}
	return f, f.Check()
}

func (f *EvidenceFile) decode(r *codec.Reader) {
	if string(r.View(len(evidenceMagic), "magic")) != evidenceMagic {
		r.Fail(codec.BadValue, "magic")
	}
	r.Fixed(f.Network[:], "network")
	f.Rosters = make([]RosterChange, r.Count16(MaxRosterChanges, rosterChangeMinimum, "rosters"))
	for i := range f.Rosters {
		f.Rosters[i].decode(r)
	}
	f.Fault = FaultNumber(r.U8("fault"))
	switch f.Fault {
	case FaultE1:
		f.Equivocation = new(Equivocation)
		if b := r.View(EquivocationSize, "equivocation"); b != nil && f.Equivocation.UnmarshalBinary(b) != nil {
			r.Fail(codec.NonCanonical, "equivocation")
		}
		return
	case FaultE2, FaultE3, FaultE4:
		f.Header = r.View16(MaxHeaderSize, "header")
	default:
		r.Fail(codec.BadValue, "fault")
		return
	}
	if f.Fault == FaultE4 {
		return
	}
	f.Entry = &EvidenceEntry{Bytes: r.View32(MaxTransactionSize, "entry")}
	f.Entry.Branch.decode(r)
	f.Entry.Count = r.U64("count")
	if f.Fault == FaultE2 {
		f.Winner = new(FinalityProof)
		f.Winner.decode(r)
		f.WinnerBytes = r.View32(MaxTransactionSize, "winner")
		return
	}
	f.Spent = make([]OutputProof, r.Count16(maxEvidenceOutputs, outputProofMinimum, "spent"))
	for i := range f.Spent {
		f.Spent[i].decode(r)
	}
}

// outputProofMinimum is less than any encoded proof has.
const outputProofMinimum = 1 + 8 + 2 + CheckpointSize + 8

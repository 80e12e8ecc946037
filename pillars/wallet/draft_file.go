package wallet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/asterism-network/asterism/pillars"
)

// Form of a draft in a file [PIL-WAL-DRAFT].
const (
	draftFormat  = "asterism pillars draft"
	draftVersion = 1
	// MaxDraft bounds the file of a draft, in bytes.
	MaxDraft = 32 << 20

	maxNotes = 32
	maxNote  = 500 // bytes
)

type draftJSON struct {
	Format      string        `json:"format"`
	Version     int           `json:"version"`
	Network     string        `json:"network"`
	Transaction Hex           `json:"transaction"`
	Inputs      []inputJSON   `json:"inputs"`
	Outputs     []DraftOutput `json:"outputs"`
	Notes       []string      `json:"notes,omitempty"`
}

type inputJSON struct {
	Previous   Hex         `json:"previous"`
	Redeem     Hex         `json:"redeem_script,omitempty"`
	Witness    Hex         `json:"witness_script,omitempty"`
	Keys       []KeyOrigin `json:"keys"`
	Signatures []Signature `json:"signatures,omitempty"`
}

// MarshalJSON writes the file. A draft that came from a PSBT without the transactions it spends
// cannot become one.
func (d *Draft) MarshalJSON() ([]byte, error) {
	j := draftJSON{
		Format: draftFormat, Version: draftVersion, Network: d.Network,
		Transaction: d.Tx.AppendBinary(nil), Outputs: d.Outputs, Notes: d.Notes,
	}
	for i := range d.Inputs {
		in := &d.Inputs[i]
		if in.Previous == nil {
			return nil, fmt.Errorf("%w: input %d comes without the transaction that it spends", ErrDraft, i)
		}
		j.Inputs = append(j.Inputs, inputJSON{in.Previous.AppendBinary(nil), in.Redeem, in.Witness, in.Keys, in.Signatures})
	}
	return json.Marshal(j)
}

// ParseDraft reads the file of a draft for a network and judges it, see Check. Unknown members and
// anything behind it are refused.
func ParseDraft(data []byte, p *pillars.Params) (*Draft, error) {
	var j draftJSON
	if err := decodeStrict(data, MaxDraft, &j); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDraft, err)
	}
	switch {
	case j.Format != draftFormat:
		return nil, fmt.Errorf("%w: format %.40q", ErrDraft, j.Format)
	case j.Version != draftVersion:
		return nil, fmt.Errorf("%w: version %d, want %d", ErrDraft, j.Version, draftVersion)
	case len(j.Inputs) > maxInputs || len(j.Notes) > maxNotes:
		return nil, fmt.Errorf("%w: too long a list", ErrDraft)
	}
	for _, note := range j.Notes {
		if len(note) > maxNote {
			return nil, fmt.Errorf("%w: a note of %d bytes", ErrDraft, len(note))
		}
	}
	d := &Draft{Network: j.Network, Tx: new(pillars.Transaction), Outputs: j.Outputs, Notes: j.Notes}
	if err := d.Tx.UnmarshalBinary(j.Transaction); err != nil {
		return nil, fmt.Errorf("%w: transaction: %w", ErrDraft, err)
	}
	for i := range j.Inputs {
		in, err := j.Inputs[i].input()
		if err != nil {
			return nil, fmt.Errorf("input %d: %w", i, err)
		}
		d.Inputs = append(d.Inputs, in)
	}
	return d, d.Check(p)
}

func (j *inputJSON) input() (in DraftInput, err error) {
	in = DraftInput{Previous: new(pillars.Transaction), Redeem: nonEmpty(j.Redeem), Witness: nonEmpty(j.Witness), Keys: j.Keys, Signatures: j.Signatures}
	if err := in.Previous.UnmarshalBinary(j.Previous); err != nil {
		return in, fmt.Errorf("%w: previous transaction: %w", ErrDraft, err)
	}
	return in, in.checkSizes()
}

// checkSizes bounds what an input brings along.
func (in *DraftInput) checkSizes() error {
	if len(in.Keys) > pubKeyLimit || len(in.Signatures) > pubKeyLimit || len(in.Redeem) > pillars.MaxScriptBytes || len(in.Witness) > pillars.MaxScriptBytes {
		return fmt.Errorf("%w: too many keys or too long scripts", ErrDraft)
	}
	for _, o := range in.Keys {
		if len(o.Key) != 33 || len(o.Path) > maxDepth {
			return fmt.Errorf("%w: key %.80s", ErrDraft, o.Key)
		}
	}
	for _, s := range in.Signatures {
		if len(s.Key) != 33 && len(s.Key) != 65 || len(s.Signature) > 73 {
			return fmt.Errorf("%w: signature of %d bytes", ErrDraft, len(s.Signature))
		}
	}
	return nil
}

// pubKeyLimit is the most keys of an input: what one multisig holds.
const pubKeyLimit = 20

func nonEmpty(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// decodeStrict reads exactly one JSON value of at most limit bytes without unknown members.
func decodeStrict(data []byte, limit int, v any) error {
	if len(data) > limit {
		return fmt.Errorf("%d bytes, at most %d", len(data), limit)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("bytes after the end")
	}
	return nil
}

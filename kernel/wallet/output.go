package wallet

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/asterism-network/asterism/kernel"
)

// An Output is an output of the ledger in which one of the wallet's keys stands.
type Output struct {
	Ref       Ref                `json:"ref"`
	Asset     kernel.AssetID     `json:"asset"`
	Amount    kernel.Amount      `json:"amount"`
	Keys      []kernel.Key       `json:"keys"`
	Mask      kernel.Key         `json:"mask"`
	Own       int                `json:"own"` // place of our key in Keys
	Threshold uint8              `json:"threshold"`
	Created   kernel.CommitIndex `json:"created"`
	SpentBy   kernel.TxHash      `json:"spent_by,omitzero"` // zero while unspent
	SpentAt   kernel.CommitIndex `json:"spent_at,omitempty"`
}

// Shared reports whether others hold keys of the output too: it is listed apart and no part of
// the balance, whatever its threshold.
func (o *Output) Shared() bool { return len(o.Keys) > 1 }

// Spent reports whether a final transaction spends the output.
func (o *Output) Spent() bool { return !o.SpentBy.IsZero() }

// A Ref is an OutputRef with a text form: hash, colon, index.
type Ref kernel.OutputRef

// String returns the form "hash:index".
func (r Ref) String() string { return r.Hash.String() + ":" + strconv.Itoa(int(r.Index)) }

// MarshalText returns the form of String.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the form of String.
func (r *Ref) UnmarshalText(text []byte) error {
	hash, index, ok := strings.Cut(string(text), ":")
	n, err := strconv.ParseUint(index, 10, 16)
	if !ok || err != nil || strconv.Itoa(int(n)) != index {
		return fmt.Errorf("output %.80q: want hash:index", text)
	}
	h, err := kernel.ParseTxHash(hash)
	*r = Ref{Hash: h, Index: uint16(n)}
	return err
}

// ParseRef reads the form "hash:index".
func ParseRef(s string) (r Ref, err error) {
	err = r.UnmarshalText([]byte(s))
	return r, err
}

func (r Ref) compare(other Ref) int {
	if c := bytes.Compare(r.Hash[:], other.Hash[:]); c != 0 {
		return c
	}
	return cmp.Compare(r.Index, other.Index)
}

// match returns the outputs of tx that hold one of our keys. Only outputs that the keys can
// ever open count: a threshold above the number of keys burns the amount.
func (k Keys) match(hash kernel.TxHash, tx *kernel.Transaction) []Output {
	var found []Output
	for place := range tx.Outputs {
		out := &tx.Outputs[place]
		threshold, err := out.Script.Threshold()
		if out.Type != kernel.OutputScript && out.Type != kernel.OutputNodeRemove || err != nil || int(threshold) > len(out.Keys) {
			continue
		}
		for own, key := range out.Keys {
			if !k.recognizes(key, out.Mask, place) {
				continue
			}
			found = append(found, Output{
				Ref:   Ref{Hash: hash, Index: uint16(place)},
				Asset: tx.Asset, Amount: out.Amount, Keys: out.Keys, Mask: out.Mask,
				Own: own, Threshold: threshold,
			})
			break // one of our keys is enough; a second one adds nothing to count
		}
	}
	return found
}

// decodeStrict reads one JSON value of a file of ours: unknown members and trailing bytes are
// refused. The caller has bounded the size.
func decodeStrict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return fmt.Errorf("bytes after the value")
	}
	return nil
}

package wallet

import (
	"errors"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// TestBallots: as little as possible is locked, in the order that a record wants, and the statement is
// signed by the outputs' own keys.
func TestBallots(t *testing.T) {
	w := New(AccountKeys(kernel.AccountFromSeed([64]byte{1})), kernel.NetworkID{1}, 0)
	d := &dice{source: zeros{}}
	for i, units := range []uint64{5, 100, 7, 30, 50} {
		out, _, err := scriptOutput(d, To(w.Address()), kernel.NewAmount(units), i)
		if err != nil {
			t.Fatal(err)
		}
		ref := Ref{Hash: kernel.TxHash{31: byte(9 - i)}, Index: uint16(i)}
		w.facts.outputs[ref] = &Output{Ref: ref, Asset: kernel.XIN, Amount: out.Amount, Keys: out.Keys, Mask: out.Mask, Threshold: 1}
	}
	other := Ref{Hash: kernel.TxHash{1}}
	w.facts.outputs[other] = &Output{Ref: other, Asset: kernel.BTC, Amount: kernel.NewAmount(1000), Keys: make([]kernel.Key, 1), Threshold: 1}
	for _, tt := range []struct{ ask, want, count uint64 }{
		{1, 5, 1}, {6, 7, 1}, {8, 30, 1}, {50, 50, 1}, {51, 100, 1}, {101, 150, 2}, {192, 192, 5}, {0, 192, 5},
	} {
		asked := 0
		ballots, sum, err := w.Ballots(kernel.NewAmount(tt.ask), nil, func(b []kernel.Ballot) kernel.Hash { asked = len(b); return kernel.Hash{2} })
		if err != nil || sum != kernel.NewAmount(tt.want) || len(ballots) != int(tt.count) || asked != len(ballots) {
			t.Errorf("at least %d: %d ballots of %v, %v", tt.ask, len(ballots), sum, err)
		}
		v := kernel.Vote{Ballots: ballots}
		if again := new(kernel.Vote); again.UnmarshalBinary(v.AppendBinary(nil)) != nil {
			t.Errorf("at least %d: no record takes these ballots", tt.ask)
		}
	}
	if _, _, err := w.Ballots(kernel.NewAmount(193), nil, nil); !errors.Is(err, ErrInsufficient) {
		t.Errorf("more than there is: %v", err)
	}
}

// zeros is randomness for outputs that nobody pays.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(i + 1)
	}
	return len(b), nil
}

package ledger

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// TestFees: the schedule is genesis' and in force until votes change it; what is paid is the pool's.
func TestFees(t *testing.T) {
	w := newStakeWorld(t, 7)
	state, _ := StakeOf(w.view)
	if state.Fees != w.genesis.Stake.Fees {
		t.Fatalf("fees %+v", state.Fees)
	}
	for _, tt := range []struct {
		kind  FeeKind
		count uint64
		want  kernel.Amount
		ok    bool
	}{
		{FeeAppCreation, 1, state.Fees.AppCreation, true},
		{FeeCall, 0, kernel.Amount{}, true},
		{FeeCall, 3, kernel.NewAmount(30_000), true},
		{FeeCall, 1 << 63, kernel.AmountFromUnits(5000, 0), true},
		{0, 1, kernel.Amount{}, false},
		{9, 1, kernel.Amount{}, false},
	} {
		if got, ok := state.Fee(tt.kind, tt.count); ok != tt.ok || ok && got != tt.want {
			t.Errorf("%d of kind %d: %v %v, want %v", tt.count, tt.kind, got, ok, tt.want)
		}
	}
	dear := StakeState{Fees: kernel.Fees{Call: kernel.AmountFromUnits(1<<60, 0)}}
	if _, ok := dear.Fee(FeeCall, 17); ok {
		t.Error("a fee beyond 2^128 units")
	}
	if got, ok := dear.Fee(FeeCall, 15); !ok || got != kernel.AmountFromUnits(15<<60, 0) {
		t.Error("a fee just below")
	}

	fee, _ := state.Fee(FeeAppCreation, 1)
	rest, _ := whole(testBalance).Sub(fee)
	tx := w.spend(kernel.XIN, w.refs(3), kernel.Output{Type: kernel.OutputNodeCancel, Amount: fee}, w.output(rest, 1, 1))
	w.inside(func(x *execution) { // as a class would that charges for an app
		x.issue(tx)
		x.collect(tx)
	})
	mustAdd(&state.Pool, fee)
	if after, _ := StakeOf(w.view); after != state {
		t.Fatalf("%+v, want %+v", after, state)
	}
}

// TestSupplyIsHeldTogether: coins that leave the outputs and reach neither pool nor escrow stop the process.
func TestSupplyIsHeldTogether(t *testing.T) {
	w := newStakeWorld(t, 7)
	for name, breakIt := range map[string]func(x *execution){
		"lost fee": func(x *execution) {
			x.issue(w.spend(kernel.XIN, w.refs(3), kernel.Output{Type: kernel.OutputNodeCancel, Amount: whole(testBalance)}))
		},
		"pool from nothing":   func(x *execution) { x.toPool(whole(1)) },
		"escrow from nothing": func(x *execution) { x.changeStake(func(s *StakeState) { mustAdd(&s.Escrow, whole(1)) }) },
		"mint from nothing": func(x *execution) {
			x.issue(&kernel.Transaction{Asset: kernel.XIN, Inputs: []kernel.Input{{Mint: &kernel.Mint{Group: "UNIVERSAL", Batch: 1, Amount: whole(1)}}}, Outputs: []kernel.Output{w.output(whole(1), 1, 1)}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("the process goes on")
				}
			}()
			w.inside(breakIt)
		})
	}
}

package store

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// A foundOutput is what never changes of an output that was found: all but its spend.
type foundOutput struct {
	ref    kernel.OutputRef
	row    number // where it stands
	output ledger.Output
}

// foundOutputs remember some of the outputs that were found. An input is looked up when its payment
// arrives, when its signatures are verified, when it is executed and when that is written: only the
// first time is a search. Rows are never removed, so what is remembered stays right; of two outputs
// that share a place the newer question wins. Anyone may use it at any time.
type foundOutputs [foundPlaces]atomic.Pointer[foundOutput]

// foundPlaces are enough for the inputs of the payments on their way. A place taken is about 300 bytes.
const foundPlaces = 1 << 14

func (f *foundOutputs) place(ref kernel.OutputRef) *atomic.Pointer[foundOutput] {
	return &f[(binary.LittleEndian.Uint64(ref.Hash[:])+uint64(ref.Index))%foundPlaces]
}

// get returns nil for what is not remembered.
func (f *foundOutputs) get(ref kernel.OutputRef) *foundOutput {
	if k := f.place(ref).Load(); k != nil && k.ref == ref {
		return k
	}
	return nil
}

func (f *foundOutputs) put(k *foundOutput) { f.place(k.ref).Store(k) }

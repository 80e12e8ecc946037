package ledger

import (
	"math/big"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

var maxUnits = kernel.AmountFromUnits(^uint64(0), ^uint64(0))

// edgeAmount picks an amount at an edge, or one that makes the sum right or almost right.
func edgeAmount(code byte, left kernel.Amount) kernel.Amount {
	one := kernel.NewAmount(1)
	switch code % 10 {
	case 0:
		return kernel.Amount{}
	case 1:
		return one
	case 2:
		return maxUnits
	case 3:
		a, _ := maxUnits.Sub(one)
		return a
	case 4:
		return left
	case 5:
		a, _ := left.Add(one)
		return a
	case 6:
		a, _ := left.Sub(one)
		return a
	case 7: // overflows with itself
		return kernel.AmountFromUnits(1<<63, 0)
	case 8:
		return kernel.AmountFromUnits(0, ^uint64(0))
	}
	return kernel.NewAmount(uint64(code) << 24)
}

// units is an amount as a number without limits.
func units(a kernel.Amount) *big.Int {
	hi, lo := a.Units()
	n := new(big.Int).SetUint64(hi)
	return n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(lo))
}

// FuzzAmounts spends genesis outputs into amounts at every edge, with signatures trusted. What
// checks adds up in exact numbers and has no zero output; what adds up and has none checks; and
// execution says the same as the check. [F16]
func FuzzAmounts(f *testing.F) {
	f.Add(byte(1), []byte{4})
	f.Add(byte(3), []byte{1, 1, 4})
	f.Add(byte(1), []byte{7, 7, 4})
	f.Add(byte(7), []byte{0, 4})
	f.Add(byte(1), []byte{2, 1, 4})
	f.Add(byte(1), []byte{6, 1})
	f.Add(byte(255), []byte{5})
	w := newWorld(f)
	w.context.Verifier = verified{}
	var template []kernel.Output
	for range 6 {
		template = append(template, w.output(whole(1), 1, 1))
	}
	f.Fuzz(func(t *testing.T, mask byte, codes []byte) {
		w.t = t
		var refs []kernel.OutputRef
		in := new(big.Int)
		var left kernel.Amount
		for i := range 8 {
			if mask&(1<<i) != 0 {
				refs = append(refs, w.balances[i])
				in.Add(in, units(whole(100)))
				left, _ = left.Add(whole(100))
			}
		}
		if len(refs) == 0 || len(codes) == 0 || len(codes) > len(template) {
			return
		}
		out, zero := new(big.Int), false
		var outputs []kernel.Output
		for i, c := range codes {
			o := template[i]
			o.Amount = edgeAmount(c, left)
			if rest, ok := left.Sub(o.Amount); ok {
				left = rest
			}
			zero = zero || o.Amount.IsZero()
			out.Add(out, units(o.Amount))
			outputs = append(outputs, o)
		}
		tx := w.spend(kernel.XIN, refs, outputs...)
		tx.Signatures = make([]kernel.SignatureMap, len(refs))
		for i := range tx.Signatures {
			tx.Signatures[i] = kernel.SignatureMap{{}}
		}
		raw, err := tx.AppendBinary(nil)
		if err != nil {
			return // an amount that has no encoding
		}
		err = Check(w.view, tx, raw, w.context)
		if right := in.Cmp(out) == 0 && !zero; (err == nil) != right {
			t.Fatalf("%v units into %v, a zero among them %v: %v", in, out, zero, err)
		}
		body := &kernel.Body{Entries: []kernel.Entry{{Kind: kernel.EntryTransaction, Bytes: raw}}}
		d := w.execute(snapshot(1, 1, 0, body))
		w.mustConserve(d)
		if final := len(d.Receipts) == 1 && d.Receipts[0].Status == kernel.Final; final != (err == nil) {
			t.Fatalf("check says %v, execution %+v", err, d.Receipts)
		}
	})
}

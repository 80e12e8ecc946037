package ledger

import (
	"bytes"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
)

// System rows hold what the ledger keeps beside money: stakes, members, epochs, motions. A row is
// read by its exact key and never found by search: lists are rows that hold lists. Its value is
// canonical bytes, and whoever owns the row has the decoder. [EXE-14]

// Limits of a system row. They bind our own code, which panics: what the outside brings is
// bounded before it becomes a row.
const (
	MaxSystemKey   = 128
	MaxSystemValue = 1 << 20
)

// A SystemRow is a row's new value; nil means that the row is gone.
type SystemRow struct {
	Key   string
	Value []byte
}

// System returns the value of a row. It must not be changed.
func (o *overlay) System(key string) ([]byte, bool) {
	if i, ok := o.system[key]; ok {
		value := o.diff.System[i].Value
		return value, value != nil
	}
	return o.below.System(key)
}

// setSystem gives a row a value, which the caller does not change any more.
func (o *overlay) setSystem(key string, value []byte) {
	if len(value) == 0 || len(value) > MaxSystemValue {
		panic("ledger: a value that system row " + key + " cannot have")
	}
	o.putSystem(key, value)
}

// deleteSystem makes a row that is not there, whether it was or not.
func (o *overlay) deleteSystem(key string) { o.putSystem(key, nil) }

func (o *overlay) putSystem(key string, value []byte) {
	if key == "" || len(key) > MaxSystemKey {
		panic("ledger: a system row cannot have key " + key)
	}
	if i, ok := o.system[key]; ok {
		o.diff.System[i].Value = value
		return
	}
	if o.system == nil {
		o.system = make(map[string]int32)
	}
	o.system[key] = int32(len(o.diff.System))
	o.diff.System = append(o.diff.System, SystemRow{Key: key, Value: value})
}

// closeSystem leaves those rows in the diff that are not what they were before the commit.
func (o *overlay) closeSystem() {
	changed := o.diff.System[:0]
	for _, row := range o.diff.System {
		before, was := o.below.System(row.Key)
		if was == (row.Value != nil) && bytes.Equal(before, row.Value) {
			continue
		}
		if was {
			o.set.remove(elementSystem(nil, row.Key, before))
		}
		if row.Value != nil {
			o.set.add(elementSystem(nil, row.Key, row.Value))
		}
		changed = append(changed, row)
	}
	o.diff.System, o.system = changed, nil
}

func elementSystem(b []byte, key string, value []byte) []byte {
	b = codec.AppendBytes16(append(b, tagSystem), []byte(key))
	return codec.AppendBytes32(b, value)
}

// issue makes a transaction of the ledger's own final: what it spends is spent, its outputs are
// there, and its bytes are in the diff, to be served like any other's. No rule judges it, nobody
// signed it, and its receipt names no snapshot. What its inputs bring in or its outputs of type
// aa take out, the caller moves from or to pool or escrow: the supply is counted at the commit's end. [EXE-15]
func (x *execution) issue(tx *kernel.Transaction) kernel.TxHash {
	raw, err := tx.AppendBinary(nil)
	if err != nil {
		panic("ledger: a transaction of our own has no bytes: " + err.Error())
	}
	hash := tx.Hash()
	if _, judged := x.Receipt(hash); judged {
		panic("ledger: a transaction of our own is final already")
	}
	by := Owner{Transaction: hash, Commit: x.commit.Index}
	asset := x.asset(tx.Asset, Asset{})
	for i := range tx.Inputs {
		if in := &tx.Inputs[i]; in.Mint == nil {
			out, ok := x.Output(in.OutputRef)
			if !ok || !out.SpentBy.IsZero() {
				panic("ledger: a transaction of our own spends what is not there to spend")
			}
			x.spend(in.OutputRef, by)
			mustSub(&asset.Unspent, out.Amount)
		}
	}
	x.createAll(tx, hash, asset)
	x.receipt(kernel.Receipt{Transaction: hash, Status: kernel.Final, Commit: by.Commit})
	x.diff.Issued = append(x.diff.Issued, raw)
	return hash
}

package state

import (
	"bytes"
	"fmt"
	"math"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/pillars"
)

// A Change is what becomes of one record; nil bytes are no record. Before and After differ.
type Change struct {
	Key    Key
	Before []byte
	After  []byte
}

// Changes are all that a block does, by rising keys, each key once. A store writes each After, or
// deletes where it is nil, in one batch.
type Changes []Change

// Inverse returns the changes that undo these.
func (c Changes) Inverse() Changes {
	out := make(Changes, len(c))
	for i, change := range c {
		out[i] = Change{change.Key, change.After, change.Before}
	}
	return out
}

// Hash brings the hash over all records of a state up to date. The hash does not depend on the order of
// blocks in which a state was reached: two nodes with the same records have the same.
func (c Changes) Hash(h *crypto.SetHash) {
	for _, change := range c {
		if change.Before != nil {
			h.Remove(element(change.Key, change.Before))
		}
		if change.After != nil {
			h.Add(element(change.Key, change.After))
		}
	}
}

func element(key Key, value []byte) []byte {
	return append(codec.AppendBytes16(nil, []byte(key)), value...)
}

// A Diff is what a block does to the state, and what must hold besides for it to be valid.
type Diff struct {
	Number  uint32
	Block   pillars.BlockID
	Changes Changes
	Scripts []Scripts // each must verify; none in a block under a trusted checkpoint
	Fees    pillars.Amount
	SigOps  int
}

// An Undo takes a block's changes back: the records as they were before [PIL-STA-3]. A node keeps one
// for each block that a reorganisation may reach.
type Undo struct {
	Number  uint32
	Block   pillars.BlockID // the block that it undoes
	Records []Record        // by rising keys
}

// A Record is a key and its bytes; nil is no record.
type Record struct {
	Key   Key
	Value []byte
}

// Undo returns what takes the diff back.
func (d *Diff) Undo() *Undo {
	u := &Undo{Number: d.Number, Block: d.Block, Records: make([]Record, len(d.Changes))}
	for i, c := range d.Changes {
		u.Records[i] = Record{c.Key, c.Before}
	}
	return u
}

// Changes returns what undoes the block on the state right after it. On any other state it fails:
// then the node's disk mixes two states.
func (u *Undo) Changes(v View) (Changes, error) {
	if head, ok := readHead(v); !ok || head.Block != u.Block {
		return nil, fmt.Errorf("undo of block %d %s on a state after %d %s", u.Number, u.Block.Short(), head.Number, head.Block.Short())
	}
	out := make(Changes, len(u.Records))
	for i, r := range u.Records {
		now, _ := v.Get(r.Key)
		out[i] = Change{r.Key, now, r.Value}
	}
	return out, nil
}

// An undo has no limit of its own: a block of small inputs that spend large outputs has one of hundreds of
// megabytes, and must be undone all the same. What is read takes no more memory than its bytes.
const (
	undoVersion = 1
	recordSize  = 3 // at least, of an undo's bytes
	maxValue    = 1 + pillars.MaxScriptBytes + 4096
)

// AppendBinary appends the one encoding of the undo. It is for a node's own disk.
func (u *Undo) AppendBinary(b []byte) []byte {
	b = append(b, undoVersion)
	b = codec.AppendU32(b, u.Number)
	b = append(b, u.Block[:]...)
	b = codec.AppendU32(b, uint32(len(u.Records)))
	for _, r := range u.Records {
		b = codec.AppendBytes16(b, []byte(r.Key))
		b = codec.AppendBool(b, r.Value != nil)
		if r.Value != nil {
			b = codec.AppendBytes32(b, r.Value)
		}
	}
	return b
}

// UnmarshalBinary reads exactly one undo.
func (u *Undo) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	*u = Undo{}
	if r.U8("undo version") != undoVersion {
		r.Fail(codec.BadValue, "undo version")
	}
	u.Number = r.U32("number")
	r.Fixed(u.Block[:], "block")
	n := r.Count32(math.MaxInt32, recordSize, "records")
	u.Records = make([]Record, 0, n)
	last := Key("")
	for range n {
		rec := Record{Key: Key(r.View16(maxKey, "key"))}
		if r.Bool("record") {
			rec.Value = append([]byte{}, r.View32(maxValue, "value")...)
		}
		if !r.Failed() && rec.Key <= last {
			r.Fail(codec.NonCanonical, "key")
		}
		if r.Failed() {
			return r.Err()
		}
		u.Records, last = append(u.Records, rec), rec.Key
	}
	return r.Done()
}

// same reports whether two records' bytes are equal; no record is not an empty one.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

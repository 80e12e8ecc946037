package state

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/pillars"
)

func someUndo() *Undo {
	return &Undo{Number: 7, Block: pillars.BlockID{1, 2}, Records: []Record{{"a1", []byte("before")}, {"a2", nil}, {"a3", []byte{}}}}
}

func TestUndoBytes(t *testing.T) {
	good := someUndo().AppendBinary(nil)
	for _, tt := range []struct {
		name   string
		broken func(b []byte) []byte
		want   codec.Fault
	}{
		{"another version", func(b []byte) []byte { b[0] = 2; return b }, codec.BadValue},
		{"cut off", func(b []byte) []byte { return b[:len(b)-1] }, codec.Truncated},
		{"more behind", func(b []byte) []byte { return append(b, 0) }, codec.Trailing},
		{"more records than bytes", func(b []byte) []byte { b[37] = 1; return b }, codec.Truncated},
		{"keys not rising", func([]byte) []byte {
			u := someUndo()
			u.Records[0], u.Records[1] = u.Records[1], u.Records[0]
			return u.AppendBinary(nil)
		}, codec.NonCanonical},
		{"a key twice", func([]byte) []byte {
			u := someUndo()
			u.Records[1].Key = u.Records[0].Key
			return u.AppendBinary(nil)
		}, codec.NonCanonical},
		{"a long key", func([]byte) []byte {
			u := someUndo()
			u.Records[2].Key = Key(strings.Repeat("z", maxKey+1))
			return u.AppendBinary(nil)
		}, codec.TooLarge},
		{"a long value", func([]byte) []byte {
			u := someUndo()
			u.Records[2].Value = make([]byte, maxValue+1)
			return u.AppendBinary(nil)
		}, codec.TooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var u Undo
			if err := u.UnmarshalBinary(good); err != nil {
				t.Fatal("the base case is not valid:", err)
			}
			if err := u.UnmarshalBinary(tt.broken(bytes.Clone(good))); !errors.Is(err, &codec.Error{Fault: tt.want}) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func FuzzUndo(f *testing.F) {
	f.Add(someUndo().AppendBinary(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var u Undo
		if u.UnmarshalBinary(b) == nil && !bytes.Equal(u.AppendBinary(nil), b) {
			t.Errorf("%x has another encoding", b)
		}
	})
}

// FuzzRecords reads arbitrary bytes as each kind of record: what reads writes itself again.
func FuzzRecords(f *testing.F) {
	w := scene(f)
	for _, key := range w.mem.Keys() {
		f.Add(byte(key[0]), w.mem.records[key])
	}
	f.Fuzz(func(t *testing.T, table byte, b []byte) {
		r := codec.NewReader(b)
		var again []byte
		switch table {
		case tableHead:
			again = rewritten(r, (*Head).decode, (*Head).bytes)
		case tableOutput:
			again = rewritten(r, (*Output).decode, (*Output).bytes)
		case tableAsset:
			again = rewritten(r, (*Asset).decode, (*Asset).bytes)
		case tableAvatar:
			again = rewritten(r, (*Avatar).decode, (*Avatar).bytes)
		case tableCertificate:
			again = rewritten(r, (*Certificate).decode, (*Certificate).bytes)
		case tableToken:
			again = rewritten(r, (*Token).decode, (*Token).bytes)
		case tableLock:
			again = lockBytes(decodeLock(r))
		default:
			return
		}
		if r.Done() == nil && !bytes.Equal(again, b) {
			t.Errorf("%c: %x is written %x", table, b, again)
		}
	})
}

func rewritten[T any](r *codec.Reader, decode func(*T, *codec.Reader), encode func(*T) []byte) []byte {
	var v T
	decode(&v, r)
	if r.Err() != nil {
		return nil
	}
	return encode(&v)
}

// TestUndoOfAnotherState: a node whose undo data and state do not belong together must not go on.
func TestUndoOfAnotherState(t *testing.T) {
	w := scene(t)
	d := w.connect(w.block(pillars.PoW, w.dave))
	w.mine()
	if _, err := d.Undo().Changes(w.mem); err == nil {
		t.Error("an undo of another block is taken")
	}
	if _, err := d.Undo().Changes(&Memory{}); err == nil {
		t.Error("an undo of nothing is taken")
	}
}

func TestInverse(t *testing.T) {
	w := scene(t)
	before := w.mem.Clone()
	d := w.connect(w.block(pillars.PoW, w.dave, payment(w)))
	w.mem.Write(d.Changes.Inverse())
	if err := equalStates(before, w.mem); err != nil {
		t.Error(err)
	}
	var h, none crypto.SetHash
	d.Changes.Hash(&h)
	d.Changes.Inverse().Hash(&h)
	if h != none {
		t.Error("changes and their inverse leave a hash")
	}
}

// TestMemoryNotices: what a block says was there must be there.
func TestMemoryNotices(t *testing.T) {
	w := scene(t)
	d := w.connect(w.block(pillars.PoW, w.dave))
	defer func() {
		if recover() == nil {
			t.Error("a block was written twice")
		}
	}()
	w.mem.Write(d.Changes)
}

// TestForeignView: judging on a state that is not the parent's is a bug that must not pass.
func TestForeignView(t *testing.T) {
	w := scene(t)
	c := w.context()
	w.mine()
	w.t = t
	defer func() {
		if recover() == nil {
			t.Error("a block was judged on the state of another one")
		}
	}()
	parent := w.tip
	parent.ID = pillars.BlockID{9}
	NewDraft(w.mem, Context{Params: w.p, Parent: &parent, Stamp: c.Stamp})
}

package store

import (
	"bytes"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// FuzzFrame reads any bytes as a frame: what passes is encoded to the same bytes.
func FuzzFrame(f *testing.F) {
	x := newFixture(f, kv.Memory(), 1)
	at := place{segment: 1}
	for range 3 {
		r := x.record(1, 2)
		f.Add(appendRecord(nil, &r, 7, at))
	}
	f.Add(make([]byte, prefixSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		// The checksums would stop the fuzzer at the door: mend them first.
		if mended, ok := mend(b, at); ok {
			b = mended
		}
		var rec found
		size, ok := readFrame(bytes.NewReader(b), at, uint32(len(b)), &rec)
		_ = torn(bytes.NewReader(b), at, size, uint32(len(b)))
		if !ok {
			return
		}
		if again := appendRecord(nil, &rec.Record, rec.sequence, at); !bytes.Equal(again, b[:size]) {
			t.Fatalf("frame\n%x is written as\n%x", b[:size], again)
		}
	})
}

// mend closes the frame in b with right checksums, keeping its lengths where they fit.
func mend(b []byte, at place) ([]byte, bool) {
	if len(b) < prefixSize {
		return nil, false
	}
	b = bytes.Clone(b)
	head := min(int(b[16])<<8|int(b[17]), len(b)-prefixSize)
	sequence := uint64(b[27])
	closeFrame(b, 0, head, frameSnapshot, sequence, at)
	return b, true
}

// FuzzOrigin reads any bytes as the first frame of a segment.
func FuzzOrigin(f *testing.F) {
	o := origin{network: kernel.NetworkID{1}, node: kernel.NodeID{2}, format: formatVersion, before: 9, base: 1}
	f.Add(appendOrigin(nil, o, 5, place{segment: 3}))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, first, ok := decodeOrigin(b, 3)
		if ok && !bytes.Equal(appendOrigin(nil, o, first, place{segment: 3}), b[:initSize]) {
			t.Fatal("origin has two encodings")
		}
	})
}

// FuzzValues reads any bytes as each kind of value: what passes is encoded to the same bytes.
func FuzzValues(f *testing.F) {
	x := newFixture(f, kv.Memory(), 1)
	c := &kernel.Commit{Index: 3, Snapshots: []kernel.CommittedID{{Author: 1, Round: 2}}}
	for range 12 {
		o := x.output(3)
		f.Add(appendOutput(nil, &o))
		f.Add(appendOwner(appendOutput(nil, &o), ledger.Owner{Transaction: kernel.TxHash{1}, Commit: 4}))
	}
	a, fault, receipt := x.asset(), x.fault(2), x.receipt(kernel.TxHash{5}, c)
	f.Add(appendAsset(nil, &a.Asset))
	f.Add(appendFault(nil, &fault))
	f.Add(appendReceipt(nil, &receipt))
	f.Add(appendEntry(nil, entry{place: place{1, 2}, sequence: 3, head: 4, rest: 5}))
	f.Add(appendMark(nil, mark{place{1, 2}, 3}))
	f.Add(appendHead(nil, &ledger.Head{Index: 4}))
	f.Add(c.AppendBinary(nil))
	f.Add(make([]byte, 96))
	f.Fuzz(func(t *testing.T, b []byte) {
		same := func(name string, err error, again []byte) {
			if err == nil && !bytes.Equal(again, b) {
				t.Fatalf("%s\n%x is written as\n%x", name, b, again)
			}
		}
		o, err := readOutput(b)
		again := appendOutput(nil, &o)
		if !o.SpentBy.IsZero() {
			again = appendOwner(again, ledger.Owner{Transaction: o.SpentBy, Commit: o.SpentAt})
		}
		same("output", err, again)
		by, err := readOwner(b)
		same("owner", err, appendOwner(nil, by))
		r, err := readReceipt(kernel.TxHash{5}, b)
		same("receipt", err, appendReceipt(nil, &r))
		a, err := readAsset(b)
		same("asset", err, appendAsset(nil, &a))
		fault, err := readFault(b)
		same("fault", err, appendFault(nil, &fault))
		h, err := readHead(b)
		same("head", err, appendHead(nil, &h))
		e, err := readEntry(b)
		same("entry", err, appendEntry(nil, e))
		m, err := readMark(b)
		same("mark", err, appendMark(nil, m))
		at, err := readCommittedAt(b)
		same("position", err, appendCommittedAt(nil, at))
		folder, err := readFolder(b)
		same("folder", err, appendFolder(nil, folder))
		hashes, err := readHashes(b)
		var joined []byte
		for _, h := range hashes {
			joined = append(joined, h[:]...)
		}
		same("judged", err, joined)
		c, err := readCommit(b)
		same("commit", err, c.AppendBinary(nil))
		_, _, _ = slotOf(b)
		_, _ = decodeMark(b)
		_ = findTransaction(b, kernel.TxHash{1})
	})
}

package store

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/asterism-network/asterism/internal/codec"
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
	for i := range 12 {
		receipt := x.receipt(kernel.TxHash{5}, c)
		var outputs []ledger.CreatedOutput
		for j := range i % 4 {
			o := ledger.CreatedOutput{Ref: kernel.OutputRef{Hash: receipt.Transaction, Index: uint16(i * j)}, Output: x.output(3)}
			if i > 8 {
				o.Output.Keys = append(o.Output.Keys, kernel.Key{1})
				o.Output.Script = kernel.NewScript(2)
			}
			outputs = append(outputs, o)
		}
		here, rest := splitPart(outputs, 0)
		f.Add(appendHeadRow(nil, &receipt, uint64(i*100), partsOf(outputs)-1, &places{uint64(i), 7}, here, fuzzAssetNumber))
		for part := number(1); part < partsOf(outputs); part++ {
			here, rest = splitPart(rest, part)
			f.Add(appendPartRow(nil, &receipt.Transaction, receipt.Commit, part, nil, here, fuzzAssetNumber))
		}
	}
	a, fault := x.asset(), x.fault(2)
	f.Add(appendSpan(nil, span{first: 7, count: 300}))
	f.Add(appendSpan(nil, span{7, 300, true, places{9, 1 << 40}}))
	f.Add(appendAsset(nil, &a.Asset))
	f.Add(appendFault(nil, &fault))
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
		again, err := rewriteRow(b)
		same("transaction", err, again)
		judged, err := readSpan(b)
		same("span", err, appendSpan(nil, judged))
		n, err := readSingleNumber(b)
		same("number", err, appendNumber(nil, n))
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
		c, err := readCommit(b)
		same("commit", err, c.AppendBinary(nil))
		_, _, _ = slotOf(b)
		_, _ = decodeMark(b)
		_ = findTransaction(b, kernel.TxHash{1})
	})
}

// In the fuzzer an asset's number stands in its first bytes.
func fuzzAssetNumber(id kernel.AssetID) uint32 { return binary.BigEndian.Uint32(id[:]) }

func fuzzAssetID(n uint32) (id kernel.AssetID) {
	binary.BigEndian.PutUint32(id[:], n)
	return id
}

// rewriteRow decodes a transaction's row to what the ledger knows and encodes that.
func rewriteRow(b []byte) ([]byte, error) {
	x := readRow(codec.NewReader(b))
	var outputs []ledger.CreatedOutput
	for x.left > 0 && !x.reader.Failed() {
		o := x.output()
		if x.reader.Failed() {
			break
		}
		outputs = append(outputs, ledger.CreatedOutput{
			Ref: kernel.OutputRef{Hash: x.hash, Index: uint16(o.index)}, Output: o.full(fuzzAssetID(o.asset), x.commit),
		})
	}
	if err := x.reader.Done(); err != nil {
		return nil, err
	}
	var at *places
	if x.counted {
		at = &x.at
	}
	if x.part > 0 {
		return appendPartRow(nil, &x.hash, x.commit, x.part, at, outputs, fuzzAssetNumber), nil
	}
	receipt := x.receipt()
	if x.placed {
		receipt.Snapshot = kernel.SnapshotID{1}
	}
	return appendHeadRow(nil, &receipt, x.position, x.more, at, outputs, fuzzAssetNumber), nil
}

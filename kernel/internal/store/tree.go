package store

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/internal/merkle"
	"github.com/asterism-network/asterism/kernel"
)

// The trees of checkpoints on disk. A row holds sixteen nodes side by side, of every fourth level:
// those between are hashed from them when they are needed. So a leaf takes a fifteenth of a row.
// While a tree is brought to the next checkpoint its rows say what they were at the one before, so
// that proofs under both can be read, and a crash in the middle is repaired by doing it again. [STO-21]

// The trees.
const (
	receiptTree = 'r'
	outputTree  = 'o'
)

const (
	rowLevels = 4
	rowNodes  = 1 << rowLevels
)

type hash = [32]byte

// A treeRow is nodes of one level, at index·16 and following; zeros are empty or not there yet.
type treeRow struct {
	version kernel.CommitIndex // of the newest checkpoint that changed it
	nodes   [rowNodes]hash
	changed uint16         // nodes that were not zero, and something else, before that
	before  [rowNodes]hash // they
}

// set changes a node for a checkpoint, after a finished one. What is later than that was set on the way to the same
// checkpoint, now or before a stop: what is kept of before is right.
func (t *treeRow) set(finished, version kernel.CommitIndex, i uint64, h hash) {
	if t.version <= finished {
		t.changed, t.before = 0, [rowNodes]hash{}
	}
	t.version = version
	if old := t.nodes[i]; old != h && old != (hash{}) && t.changed>>i&1 == 0 {
		t.changed |= 1 << i
		t.before[i] = old
	}
	t.nodes[i] = h
}

// at returns the nodes as they were at a checkpoint: the newest, or the one before it.
func (t *treeRow) at(version kernel.CommitIndex) *[rowNodes]hash {
	if t.version <= version {
		return &t.nodes
	}
	old := t.nodes
	for set := t.changed; set != 0; set &= set - 1 {
		i := bits.TrailingZeros16(set)
		old[i] = t.before[i]
	}
	return &old
}

func appendTreeRow(b []byte, t *treeRow) []byte {
	b = codec.AppendU64(b, uint64(t.version))
	var full uint16
	for i := range t.nodes {
		if t.nodes[i] != (hash{}) {
			full |= 1 << i
		}
	}
	b = appendNodes(b, full, &t.nodes)
	return appendNodes(b, t.changed, &t.before)
}

func appendNodes(b []byte, set uint16, nodes *[rowNodes]hash) []byte {
	b = codec.AppendU16(b, set)
	for ; set != 0; set &= set - 1 {
		b = append(b, nodes[bits.TrailingZeros16(set)][:]...)
	}
	return b
}

func readTreeRow(b []byte) (t treeRow, err error) {
	r := codec.NewReader(b)
	t.version = kernel.CommitIndex(r.U64("version"))
	readNodes(r, &t.nodes)
	t.changed = readNodes(r, &t.before)
	return t, r.Done()
}

func readNodes(r *codec.Reader, nodes *[rowNodes]hash) uint16 {
	full := r.U16("nodes")
	for set := full; set != 0; set &= set - 1 {
		i := bits.TrailingZeros16(set)
		if r.Fixed(nodes[i][:], "node"); nodes[i] == (hash{}) {
			r.Fail(codec.NonCanonical, "node")
			return full
		}
	}
	return full
}

// A rowKey names a row of a tree.
type rowKey struct {
	level uint8
	index uint64
}

func (k rowKey) compare(o rowKey) int {
	return cmp.Or(cmp.Compare(k.level, o.level), cmp.Compare(k.index, o.index))
}

func keyTree(b []byte, tree byte, k rowKey) []byte {
	return binary.BigEndian.AppendUint64(append(b, tableTree, tree, k.level), k.index)
}

// placeIn says in which row a node stands, how many levels above the row's own, and where there.
func placeIn(level uint8, index uint64) (k rowKey, above uint8, i uint64) {
	above = level % rowLevels
	wide := rowLevels - above
	return rowKey{level - above, index >> wide}, above, index & (1<<wide - 1)
}

// joined hashes the node that stands so many levels above nodes side by side.
func joined(nodes *[rowNodes]hash, above uint8, i uint64) hash {
	if above == 0 {
		return nodes[i]
	}
	return merkle.Join(joined(nodes, above-1, 2*i), joined(nodes, above-1, 2*i+1))
}

// readTree reads the row of a tree's nodes; not ok if there is none.
func readTree(r kv.Reader, tree byte, k rowKey) (t treeRow, ok bool, err error) {
	var stack [16]byte
	key := keyTree(stack[:0], tree, k)
	b, ok, err := r.Get(nil, key)
	if err != nil || !ok {
		return t, false, err
	}
	if t, err = readTreeRow(b); err != nil {
		return t, false, corrupt(key, err)
	}
	return t, true, nil
}

// oldNodes are the nodes of a tree as they were at a checkpoint. It implements merkle.Nodes for
// whoever proves; a row that cannot be read ends the process.
type oldNodes struct {
	store   *Store
	reader  kv.Reader
	tree    byte
	version kernel.CommitIndex
	last    struct { // row that was read last: proofs ask for neighbours
		rowKey
		nodes *[rowNodes]hash
	}
}

// Node implements merkle.Nodes.
func (o *oldNodes) Node(level uint8, index uint64) [32]byte {
	k, above, i := placeIn(level, index)
	if o.last.nodes == nil || o.last.rowKey != k {
		t, _, err := readTree(o.reader, o.tree, k)
		if err != nil {
			o.store.options.Fatal(err)
		}
		o.last.rowKey, o.last.nodes = k, t.at(o.version)
	}
	return joined(o.last.nodes, above, i)
}

// Set implements merkle.Nodes.
func (o *oldNodes) Set(uint8, uint64, [32]byte) { panic("store: trees of the past do not change") }

// openNodes are the nodes of a tree that is brought to the next checkpoint. Rows that it has read
// or changed stay in memory until they are taken.
type openNodes struct {
	reader   kv.Reader
	tree     byte
	finished kernel.CommitIndex // the checkpoint where the tree stands
	version  kernel.CommitIndex // the one that it is brought to
	count    uint64             // leaves of which there are rows
	rows     map[rowKey]*openRow
	last     struct { // the row that was asked for last: changes come side by side
		rowKey
		row *openRow
	}
	err     error  // of the first read that failed; nodes are zeros then
	breathe func() // called for each row that is looked up and each node set
}

type openRow struct {
	treeRow
	dirty bool
	known uint16 // of upper
	upper [rowNodes]hash
}

func newOpenNodes(r kv.Reader, tree byte, finished, version kernel.CommitIndex, count uint64) *openNodes {
	return &openNodes{reader: r, tree: tree, finished: finished, version: version, count: count, rows: make(map[rowKey]*openRow)}
}

func (o *openNodes) row(k rowKey) *openRow {
	if o.last.row != nil && o.last.rowKey == k {
		return o.last.row
	}
	t := o.rows[k]
	if t == nil {
		t = new(openRow)
		o.rows[k] = t
		o.breathe()
		if k.index*rowNodes<<k.level < o.count { // the first leaf under it is there
			var err error
			if t.treeRow, _, err = readTree(o.reader, o.tree, k); err != nil && o.err == nil {
				o.err = err
			}
			if t.version > o.finished && t.version != o.version { // on the way to another one, which was given up
				t.treeRow = treeRow{version: o.finished, nodes: *t.at(o.finished)}
			}
		}
	}
	o.last.rowKey, o.last.row = k, t
	return t
}

// upperAt is where a node above the row's own stands in upper: 0 to 7, 8 to 11, 12 and 13.
func upperAt(above uint8, i uint64) uint64 { return 16 - 16>>(above-1) + i }

// Node implements merkle.Nodes.
func (o *openNodes) Node(level uint8, index uint64) [32]byte {
	k, above, i := placeIn(level, index)
	return o.row(k).node(above, i)
}

func (t *openRow) node(above uint8, i uint64) hash {
	if above == 0 {
		return t.nodes[i]
	}
	at := upperAt(above, i)
	if t.known>>at&1 == 0 {
		t.upper[at] = merkle.Join(t.node(above-1, 2*i), t.node(above-1, 2*i+1))
		t.known |= 1 << at
	}
	return t.upper[at]
}

// Set implements merkle.Nodes. A tree sets the nodes above a changed one too, so what is known
// stays right.
func (o *openNodes) Set(level uint8, index uint64, h [32]byte) {
	o.breathe()
	k, above, i := placeIn(level, index)
	t := o.row(k)
	if above > 0 {
		at := upperAt(above, i)
		t.upper[at] = h
		t.known |= 1 << at
		return
	}
	t.set(o.finished, o.version, i, h)
	t.dirty = true
}

// changed lists the changed rows, in their order.
func (o *openNodes) changed() (keys []rowKey) {
	for k, t := range o.rows {
		if t.dirty {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, rowKey.compare)
	return keys
}

// put adds rows to a batch.
func (o *openNodes) put(b *kv.Batch, rows []rowKey) {
	var key, value []byte
	for _, k := range rows {
		key, value = keyTree(key[:0], o.tree, k), appendTreeRow(value[:0], &o.rows[k].treeRow)
		b.Set(key, value)
	}
}

// forget lets go of all rows. The tree has so many leaves now.
func (o *openNodes) forget(count uint64) {
	clear(o.rows)
	o.last.row, o.count = nil, count
}

package mempool

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/state"
)

// An Entry is a transaction that waits. Its exported fields do not change and may be read by anybody; the
// others are the pool's.
type Entry struct {
	Tx     *pillars.Transaction
	ID     pillars.TxID
	Leaf   pillars.Hash // over all bytes, witnesses too: its name between nodes
	Size   int          // bytes
	Fee    pillars.Amount
	SigOps int
	Since  uint32 // seconds of the local clock when it came
	Height uint32 // of our chain when it came

	seq     uint64 // of arrival: ancestors have lower ones
	signals bool   // it allows its replacement, or one that it builds on does
	names   []state.Key
	reads   []state.Key // names that its verdict rests on
	parents []*Entry    // that wait too
	next    []*Entry    // that spend from it
	up      totals      // of itself and all that it builds on
	down    totals      // of itself and all that build on it
	at      int         // its place in the heap
}

// totals are the sums over some entries.
type totals struct {
	count, size, sigops int
	fee                 pillars.Amount // far below 2^64: a package has few
}

func (e *Entry) own() totals { return totals{1, e.Size, e.SigOps, e.Fee} }

func (t *totals) add(o totals) {
	t.count, t.size, t.sigops, t.fee = t.count+o.count, t.size+o.size, t.sigops+o.sigops, t.fee+o.fee
}

func (t *totals) sub(o totals) {
	t.count, t.size, t.sigops, t.fee = t.count-o.count, t.size-o.size, t.sigops-o.sigops, t.fee-o.fee
}

func (t totals) rate() rate { return rate{t.fee, t.size} }

// A rate is a fee for some bytes, compared without division.
type rate struct {
	fee  pillars.Amount
	size int // above 0
}

// compare orders rates: -1 if r pays less for a byte than o.
func (r rate) compare(o rate) int {
	h1, l1 := bits.Mul64(uint64(r.fee), uint64(o.size))
	h2, l2 := bits.Mul64(uint64(o.fee), uint64(r.size))
	return cmp.Or(cmp.Compare(h1, h2), cmp.Compare(l1, l2))
}

// perKilo is the fee for 1,000 bytes, rounded up.
func (r rate) perKilo() pillars.Amount {
	return (r.fee*1000 + pillars.Amount(r.size) - 1) / pillars.Amount(r.size)
}

// worth is what the pool loses with the entry: its own rate, or that of all that would go with it, if
// that is more.
func (e *Entry) worth() rate {
	if own, with := e.own().rate(), e.down.rate(); own.compare(with) > 0 {
		return own
	}
	return e.down.rate()
}

// PaysFor reports whether the transaction pays so much for 1,000 bytes.
func (e *Entry) PaysFor(perKilo pillars.Amount) bool {
	return e.Fee >= feeFor(min(perKilo, maxFloor), feeSize(e.Tx, e.Size))
}

// What a waiting transaction takes in memory: its bytes decoded, and a fixed part for maps, keys and links.
const (
	entryCost   = 1536
	entryFactor = 4
)

func (e *Entry) cost() int { return entryCost + entryFactor*e.Size }

// bySeq orders entries by arrival, so that ancestors stand before what builds on them.
func bySeq(a, b *Entry) int { return cmp.Compare(a.seq, b.seq) }

// ancestors are all that the given ones build on, themselves counted, in order.
func ancestors(of []*Entry) []*Entry {
	return closure(of, func(e *Entry) []*Entry { return e.parents })
}

// descendants are all that build on the given ones, themselves counted, in order.
func descendants(of []*Entry) []*Entry {
	return closure(of, func(e *Entry) []*Entry { return e.next })
}

func closure(of []*Entry, more func(*Entry) []*Entry) (all []*Entry) {
	seen := map[*Entry]bool{}
	for todo := slices.Clone(of); len(todo) > 0; todo = todo[1:] {
		if e := todo[0]; !seen[e] {
			seen[e] = true
			all = append(all, e)
			todo = append(todo, more(e)...)
		}
	}
	slices.SortFunc(all, bySeq)
	return all
}

// A heap of entries, the least worth on top. It implements heap.Interface.
type worst []*Entry

func (w worst) Len() int { return len(w) }

func (w worst) Less(i, j int) bool {
	if c := w[i].worth().compare(w[j].worth()); c != 0 {
		return c < 0
	}
	return w[i].seq > w[j].seq // of equals, the newest goes first
}

func (w worst) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].at, w[j].at = i, j
}

// Push implements heap.Interface.
func (w *worst) Push(x any) {
	e := x.(*Entry)
	e.at = len(*w)
	*w = append(*w, e)
}

// Pop implements heap.Interface.
func (w *worst) Pop() any {
	last := len(*w) - 1
	e := (*w)[last]
	(*w)[last] = nil
	*w = (*w)[:last]
	return e
}

package consensus

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/dag"
)

// A loom weaves an endless calm graph: everybody names everybody. With twins, the f last
// authors have equivocated in the first round and stay known for it.
type loom struct {
	k, f      int
	graph     *dag.Graph
	committer *Committer
	order     *Order
	forked    bool // nothing is forgotten, there being no History
	last      []kernel.Parent
	next      []kernel.Parent
	round     kernel.Round
	commits   int
}

func newLoom(k int, forked bool) *loom {
	c := members(k)
	l := &loom{k: k, f: c.F, forked: forked}
	l.graph = dag.New(dag.Epoch{Committee: c, Timestamp: 1, Depth: 50}, noHistory{})
	l.committer = New(Rules{Wave: 5, Horizon: 100}, c, l.graph, coin{seed: 1, k: k, slots: 3})
	l.order = NewOrder(k, 0, 1, 0)
	for a := range kernel.Author(k) {
		l.last = append(l.last, kernel.Parent{Author: a, ID: kernel.GenesisSnapshotID(kernel.Hash{}, a)})
	}
	l.round = 1
	if forked {
		for a := k - 1; a >= k-l.f; a-- {
			h := l.header(a)
			if _, err := l.graph.Check(kernel.SnapshotID{1, byte(a)}, h); err != nil {
				panic(err)
			}
			v, _ := l.graph.Check(kernel.SnapshotID{1, byte(a)}, h)
			l.graph.Insert(v)
			l.committer.Annotate(v)
		}
	}
	return l
}

func (l *loom) header(a int) *kernel.Header {
	h := &kernel.Header{Author: kernel.Author(a), Round: l.round, Timestamp: kernel.Timestamp(l.round), Parents: make([]kernel.Parent, 0, len(l.last))}
	h.Parents = append(h.Parents, l.last[a])
	h.Parents = append(h.Parents, l.last[:a]...)
	h.Parents = append(h.Parents, l.last[a+1:]...)
	return h
}

// vertex accepts the next snapshot.
func (l *loom) vertex() {
	h := l.header(len(l.next))
	var id kernel.SnapshotID
	binary.BigEndian.PutUint64(id[8:], uint64(l.round))
	id[0], id[1] = 2, byte(h.Author)
	v, err := l.graph.Check(id, h)
	if err != nil {
		panic(err)
	}
	v.HasShare = true
	l.graph.Insert(v)
	l.committer.Annotate(v)
	l.next = append(l.next, kernel.Parent{Author: h.Author, Round: h.Round, ID: id})
	if len(l.next) == l.k {
		l.last, l.next = l.next, l.last[:0:0]
		l.round++
	}
}

func (l *loom) extend() {
	l.committer.Extend(l.order, 0, noCoin, func(*kernel.Commit, *Order) { l.commits++ })
	if r := l.order.Progress.Round; r > 200 && !l.forked {
		l.graph.Trim(r - 200)
	}
}

// BenchmarkVertex is the work for one accepted snapshot: place, cut, votes, what its cone
// decides.
func BenchmarkVertex(b *testing.B) {
	for _, k := range []int{7, 50} {
		for _, forked := range []bool{false, true} {
			b.Run(fmt.Sprintf("K=%d/forked=%v", k, forked), func(b *testing.B) {
				l := newLoom(k, forked)
				for range 10 * k {
					l.vertex()
				}
				b.ReportAllocs()
				for b.Loop() {
					l.vertex()
					if len(l.next) == 0 {
						b.StopTimer()
						l.extend()
						b.StartTimer()
					}
				}
			})
		}
	}
}

// BenchmarkRound is reading the order on after one more round.
func BenchmarkRound(b *testing.B) {
	for _, k := range []int{7, 50} {
		b.Run(fmt.Sprintf("K=%d", k), func(b *testing.B) {
			l := newLoom(k, false)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				for range k {
					l.vertex()
				}
				b.StartTimer()
				l.extend()
			}
			if l.commits == 0 && b.N > 10 {
				b.Fatal("nothing committed")
			}
		})
	}
}

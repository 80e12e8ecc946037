package explorer

import (
	"cmp"
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// A graphState is the window of rounds that pages show, as the source sees them.
type graphState struct {
	epoch  kernel.Epoch
	newest kernel.Round
	window kernel.Round // how many rounds are kept
	wave   int
	names  []string
	named  uint64 // version of names
	began  uint64 // version of the last reset
	byID   map[kernel.SnapshotID]*vertex
	places map[placeKey]int // snapshots known of an author's round; two are an equivocation
	slots  map[slotKey]*slot
	times  []sample // finality of committed snapshots, oldest first
}

type placeKey struct {
	author kernel.Author
	round  kernel.Round
}

type slotKey struct {
	round kernel.Round
	rank  int
}

type vertex struct {
	client.GraphVertex
	variant int // 0 is the first one seen of this author's round
	version uint64
}

type slot struct {
	client.GraphSlot
	version uint64
}

// A sample is one finality time in ms.
type sample struct {
	ms   int64
	paid bool // the snapshot carried transactions
}

func (g *graphState) reset(version uint64) {
	*g = graphState{
		window: cmp.Or(g.window, windowRounds), began: version, byID: map[kernel.SnapshotID]*vertex{},
		places: map[placeKey]int{}, slots: map[slotKey]*slot{},
	}
}

// finality is the time from the author's timestamp to the moment when the source learnt that
// the snapshot is committed; false while it is not, or when the source does not know. Two
// clocks are in it: the author's and the source's.
func (v *vertex) finality() (ms int64, ok bool) {
	if v.Status != client.VertexCommitted || v.CommittedAt == 0 || v.CommittedAt < v.Timestamp {
		return 0, false
	}
	return int64(v.CommittedAt - v.Timestamp), true
}

// apply takes an answer over as of version and reports whether anything changed.
func (g *graphState) apply(in *client.Graph, version uint64) (changed bool) {
	if in.Epoch != g.epoch && len(g.byID) > 0 || in.Newest+g.window < g.newest {
		g.reset(version)
		changed = true
	}
	g.epoch, g.wave = in.Epoch, in.Wave
	if !slices.Equal(g.names, in.Names) && len(in.Names) <= kernel.MaxMembers {
		g.names, g.named, changed = in.Names, version, true
	}
	if in.Newest > g.newest {
		g.newest, changed = in.Newest, true
	}
	for i := range in.Vertices {
		if g.applyVertex(&in.Vertices[i], version) {
			changed = true
		}
	}
	for _, s := range in.Slots {
		key := slotKey{s.Round, s.Rank}
		old := g.slots[key]
		if s.Round <= g.newest && s.Round+g.window >= g.newest && (old == nil || old.GraphSlot != s) {
			g.slots[key] = &slot{s, version}
			changed = true
		}
	}
	g.trim()
	return changed
}

// maxTwins bounds what is kept of one author's round.
const maxTwins = 4

func (g *graphState) applyVertex(in *client.GraphVertex, version uint64) bool {
	old := g.byID[in.ID]
	if old == nil {
		place := placeKey{in.Author, in.Round}
		n := g.places[place]
		if in.Round+g.window < g.newest || in.Round > g.newest || int(in.Author) >= kernel.MaxMembers || n >= maxTwins || len(in.Parents) > 2*kernel.MaxMembers {
			return false
		}
		g.places[place] = n + 1
		v := &vertex{*in, n, version}
		g.byID[in.ID] = v
		g.addTime(v)
		return true
	}
	if old.Status == in.Status && old.Commit == in.Commit && old.Transactions == in.Transactions && old.CommittedAt == in.CommittedAt {
		return false
	}
	_, had := old.finality()
	old.GraphVertex, old.version = *in, version
	if !had {
		g.addTime(old)
	}
	return true
}

func (g *graphState) addTime(v *vertex) {
	if ms, ok := v.finality(); ok {
		if len(g.times) >= keptTimes {
			g.times = append(g.times[:0], g.times[keptTimes/4:]...)
		}
		g.times = append(g.times, sample{ms, v.Transactions > 0})
	}
}

func (g *graphState) trim() {
	oldest := max(g.newest, g.window) - g.window
	for id, v := range g.byID {
		if v.Round < oldest {
			delete(g.byID, id)
			delete(g.places, placeKey{v.Author, v.Round})
		}
	}
	for key := range g.slots {
		if key.round < oldest {
			delete(g.slots, key)
		}
	}
}

// openFrom is the oldest round that may still change, or appear.
func (g *graphState) openFrom() kernel.Round {
	from := max(g.newest, 2) - 1
	limit := max(g.newest, openRounds+1) - openRounds
	for _, v := range g.byID {
		if v.Status == client.VertexPending && v.Round < from {
			from = v.Round
		}
	}
	for _, s := range g.slots {
		if s.State == client.SlotUndecided && s.Round < from {
			from = s.Round
		}
	}
	return max(from, limit)
}

// finalities returns the middle and the 99th percentile of the times of snapshots that carried
// transactions, or of all when none did.
func (g *graphState) finalities() (f finalityView) {
	var all, paid []int64
	for _, t := range g.times {
		all = append(all, t.ms)
		if t.paid {
			paid = append(paid, t.ms)
		}
	}
	f.Paid = len(paid) > 0
	if !f.Paid {
		paid = all
	}
	f.Count = len(paid)
	if f.Count > 0 {
		slices.Sort(paid)
		f.P50, f.P99 = percentile(paid, 50), percentile(paid, 99)
	}
	return f
}

// percentile of sorted, nearest rank.
func percentile(sorted []int64, p int) int64 {
	return sorted[(len(sorted)*p+99)/100-1]
}

// A liveGraph is what changed in the graph, as the script in the page wants it.
type liveGraph struct {
	Reset    bool         `json:"reset,omitempty"` // forget everything first
	Epoch    kernel.Epoch `json:"epoch"`
	Newest   kernel.Round `json:"newest"`
	Window   int          `json:"window"`
	Names    []string     `json:"names,omitempty"`
	Vertices []liveVertex `json:"vertices"`
	Slots    []liveSlot   `json:"slots"`
}

type liveVertex struct {
	Author       kernel.Author       `json:"a"`
	Round        kernel.Round        `json:"r"`
	Variant      int                 `json:"v"`
	ID           kernel.SnapshotID   `json:"id"`
	Parents      []uint64            `json:"p"` // author, rounds below, variant; again and again
	Transactions int                 `json:"t"`
	Status       client.VertexStatus `json:"s"`
	Commit       kernel.CommitIndex  `json:"c,omitempty"`
	Timestamp    kernel.Timestamp    `json:"at"`
	Received     kernel.Timestamp    `json:"in,omitempty"`
	Finality     *int64              `json:"f,omitempty"` // ms
}

type liveSlot struct {
	Round  kernel.Round      `json:"r"`
	Rank   int               `json:"k"`
	Author kernel.Author     `json:"a"`
	State  client.SlotState  `json:"s"`
	ID     kernel.SnapshotID `json:"id,omitzero"`
}

// since lists what changed after version; the zero version is everything.
func (g *graphState) since(version uint64) liveGraph {
	out := liveGraph{Reset: version == 0 || g.began > version, Epoch: g.epoch, Newest: g.newest, Window: int(g.window),
		Vertices: []liveVertex{}, Slots: []liveSlot{}}
	if out.Reset {
		version = 0
	}
	if g.named > version || out.Reset {
		out.Names = g.names
	}
	for _, v := range g.byID {
		if v.version > version {
			out.Vertices = append(out.Vertices, g.live(v))
		}
	}
	for _, s := range g.slots {
		if s.version > version {
			out.Slots = append(out.Slots, liveSlot{s.Round, s.Rank, s.Author, s.State, s.ID})
		}
	}
	slices.SortFunc(out.Vertices, func(x, y liveVertex) int {
		return cmp.Or(cmp.Compare(x.Round, y.Round), cmp.Compare(x.Author, y.Author), cmp.Compare(x.Variant, y.Variant))
	})
	slices.SortFunc(out.Slots, func(x, y liveSlot) int {
		return cmp.Or(cmp.Compare(x.Round, y.Round), cmp.Compare(x.Rank, y.Rank))
	})
	return out
}

func (g *graphState) live(v *vertex) liveVertex {
	out := liveVertex{Author: v.Author, Round: v.Round, Variant: v.variant, ID: v.ID, Parents: []uint64{},
		Transactions: v.Transactions, Status: v.Status, Commit: v.Commit, Timestamp: v.Timestamp, Received: v.Received}
	for _, id := range v.Parents {
		if p := g.byID[id]; p != nil && p.Round < v.Round {
			out.Parents = append(out.Parents, uint64(p.Author), uint64(v.Round-p.Round), uint64(p.variant))
		}
	}
	if ms, ok := v.finality(); ok {
		out.Finality = &ms
	}
	return out
}

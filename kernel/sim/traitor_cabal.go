package sim

import (
	"math/rand/v2"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/consensus"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A cabal is what the traitors of a run know together: the graph as far as it reached any of
// them, and their own snapshots at once. It executes nothing. What states there are it learns
// from what honest members name.
type cabal struct {
	w         *world
	dice      *rand.Rand
	members   *committee.Committee
	graph     *dag.Graph
	committer *consensus.Committer
	coins     *openCoins
	seen      map[kernel.Signature]bool // of headers, accepted or waiting
	frames    map[kernel.SnapshotID][]byte
	log       []kernel.SnapshotID // accepted, in order
	states    map[kernel.CommitIndex]kernel.Digest
	waiting   []*stray
	children  map[kernel.SnapshotID][]*stray // by a parent that is missing
	feint     *feint                         // of those that split votes
	splitters []*traitor
}

// A stray is a snapshot that misses parents.
type stray struct {
	by      *traitor // who got it
	from    int
	id      kernel.SnapshotID
	header  *kernel.Header
	frame   []byte
	entries int
	missing int
	askAt   sim.Time
	asked   int
}

func newCabal(w *world) *cabal {
	s := w.stage
	c := &cabal{
		w: w, dice: w.rng.evil, members: committee.New(s.genesis.Roster()), seen: make(map[kernel.Signature]bool),
		frames: make(map[kernel.SnapshotID][]byte), states: make(map[kernel.CommitIndex]kernel.Digest),
		children: make(map[kernel.SnapshotID][]*stray),
	}
	state := s.diff.Head.Digest
	c.graph = dag.New(dag.Epoch{
		Committee: c.members, Genesis: kernel.EpochHash(s.network, 0, state, s.genesis.Roster()),
		Timestamp: s.genesis.Timestamp, Depth: s.genesis.Parameters.Depth, Broken: w.broken,
	}, noHistory{})
	c.coins = &openCoins{cabal: c, slots: int(s.genesis.Parameters.Slots), known: make(map[kernel.Round][]kernel.Author)}
	c.committer = consensus.New(consensus.Rules{
		Wave: kernel.Round(s.genesis.Parameters.Wave), Horizon: s.genesis.Parameters.Horizon, Broken: w.broken,
	}, c.members, c.graph, c.coins)
	return c
}

// noHistory: the cabal keeps its whole graph in memory.
type noHistory struct{}

func (noHistory) Vertex(kernel.SnapshotID) (*dag.Vertex, bool) { return nil, false }
func (noHistory) Variants(kernel.Author, kernel.Round) []kernel.SnapshotID {
	return nil
}

// openCoins knows the leaders of rounds of which f+1 shares are out.
type openCoins struct {
	cabal *cabal
	slots int
	known map[kernel.Round][]kernel.Author
}

// Leaders implements consensus.Coins.
func (o *openCoins) Leaders(d kernel.Round) []kernel.Author {
	if leaders, ok := o.known[d]; ok {
		return leaders
	}
	c := o.cabal
	var shares []coin.AuthorShare
	for _, a := range c.members.Authors() {
		for _, v := range c.graph.Variants(a, d) {
			if v.HasShare && o.Good(v) {
				shares = append(shares, coin.AuthorShare{Author: a, Share: v.Header.Share})
				break
			}
		}
	}
	value, err := c.w.notary.Combine(d, shares)
	if err != nil {
		panic("sim: coin of a decided round: " + err.Error())
	}
	order := coin.Permutation(value, c.members.Authors())
	o.known[d] = order[:min(o.slots, len(order))]
	return o.known[d]
}

// Good implements consensus.Coins.
func (o *openCoins) Good(v *dag.Vertex) bool {
	return o.cabal.w.notary.Share(v.Author, v.Round, v.Header.Share)
}

// take reads a snapshot that reached a traitor.
func (c *cabal) take(by *traitor, from int, frame []byte) {
	s := new(kernel.Snapshot)
	if sig, ok := peekSignature(frame); !ok || c.seen[sig] || s.UnmarshalBinary(frame[1:]) != nil {
		return
	}
	h := s.Header
	if h.Network != c.w.stage.network || h.Epoch != 0 || int(h.Author) >= c.members.Size {
		return
	}
	id := h.ID()
	if !c.w.notary.Snapshot(c.w.stage.keys[h.Author].Public(), id, h.Signature) {
		return
	}
	c.seen[h.Signature] = true
	x := &stray{by: by, from: from, id: id, header: h, frame: frame, entries: len(s.Body.Entries), askAt: c.w.clock.Now() + 30}
	for _, p := range c.graph.Missing(h) {
		x.missing++
		c.children[p.ID] = append(c.children[p.ID], x)
	}
	if x.missing > 0 {
		if len(c.waiting) < 2000 {
			c.waiting = append(c.waiting, x)
		}
		return
	}
	c.accept(x)
}

// accept puts a snapshot and what waited for it into the graph.
func (c *cabal) accept(first *stray) {
	ready := []*stray{first}
	for len(ready) > 0 {
		x := ready[0]
		ready = ready[1:]
		x.missing = -1
		if _, ok := c.insert(x.id, x.header, x.frame, x.entries); !ok {
			continue
		}
		children := c.children[x.id]
		delete(c.children, x.id)
		for _, y := range children {
			if y.missing--; y.missing == 0 {
				ready = append(ready, y)
			}
		}
	}
}

// insert accepts a snapshot if it is valid.
func (c *cabal) insert(id kernel.SnapshotID, h *kernel.Header, frame []byte, entries int) (*dag.Vertex, bool) {
	if v, ok := c.graph.Get(id); ok {
		return v, true
	}
	v, err := c.graph.Check(id, h)
	if err != nil {
		return nil, false
	}
	v.Entries = entries
	v.HasShare = h.Share != nil
	c.graph.Insert(v)
	c.committer.Annotate(v)
	c.seen[h.Signature] = true
	c.frames[id] = frame
	c.log = append(c.log, id)
	if v.Named && !c.w.evil.Has(v.Author) {
		c.states[v.Claim.Index] = v.Claim.Digest
	}
	return v, true
}

// authorsAt counts the authors of whom a snapshot of round r is known.
func (c *cabal) authorsAt(r kernel.Round) (n int) {
	for _, top := range c.graph.Top().Clock {
		if top >= r {
			n++
		}
	}
	return n
}

// honestTop is the highest round of an honest author.
func (c *cabal) honestTop() (top kernel.Round) {
	for a, r := range c.graph.Top().Clock {
		if !c.w.evil.Has(kernel.Author(a)) {
			top = max(top, r)
		}
	}
	return top
}

// some is the frame of an accepted snapshot among the newest n; nil while there is none.
func (c *cabal) some(n int) []byte {
	if len(c.log) == 0 {
		return nil
	}
	n = min(n, len(c.log))
	return c.frames[c.log[len(c.log)-1-c.dice.IntN(n)]]
}

// peekSignature reads the header's signature out of the frame of a snapshot.
func peekSignature(frame []byte) (s kernel.Signature, ok bool) {
	if len(frame) < 3 || frame[0] != 1 {
		return s, false
	}
	end := 3 + int(frame[1])<<8 + int(frame[2])
	if end > len(frame) || end < 3+len(s) {
		return s, false
	}
	return kernel.Signature(frame[end-len(s) : end]), true
}

// receive takes a message as an honest member would, or as the plot says.
func (t *traitor) receive(from int, frame []byte) {
	if t.plot.mute || len(frame) == 0 {
		return
	}
	if frame[0] == 1 {
		t.cabal.take(t, from, frame)
		return
	}
	m, err := wire.Decode(frame)
	if err != nil {
		return
	}
	if t.plot.answer != nil && !t.w.calm && t.plot.answer(from, m) {
		return
	}
	switch m := m.(type) {
	case wire.Want:
		for _, id := range m.IDs {
			if f, ok := t.cabal.frames[id]; ok {
				t.w.send(int(t.author), from, f)
			}
		}
	case wire.Have:
		t.serve(from, m)
	case wire.StartQuery:
		t.say(from, wire.StartAnswer{Newest: t.newestOf(t.w.ends[from].who())})
	}
}

// serveMost bounds what a traitor sends of its own chain at once.
const serveMost = 40

// serve sends a peer what it lacks of the traitor's own chains.
func (t *traitor) serve(to int, m wire.Have) {
	if int(t.author) >= len(m.Clock) {
		return
	}
	top := t.cabal.graph.Top().Clock[t.author]
	for r, n := m.Clock[t.author]+1, 0; r <= top && r > 0 && n < serveMost; r, n = r+1, n+1 {
		for _, v := range t.cabal.graph.Variants(t.author, r) {
			if t.shows(v, t.w.ends[to].who()) {
				t.w.send(int(t.author), to, t.cabal.frames[v.ID])
			}
		}
	}
}

// shows reports whether a snapshot of the traitor's own lies on a branch that talks to a peer.
func (t *traitor) shows(v *dag.Vertex, peer kernel.Author) bool {
	shown := len(t.branches) == 1
	for _, b := range t.branches {
		shown = shown || (b.to == nil || b.to.Has(peer)) && t.cabal.graph.Holds(&b.tip.Cut, v)
	}
	return shown
}

// newestOf is the newest header of a member that the cabal holds, encoded.
func (t *traitor) newestOf(a kernel.Author) []byte {
	v := t.cabal.graph.First(a, t.cabal.graph.Top().Clock[a])
	if v == nil || v.Header == nil {
		return nil
	}
	b, _ := v.Header.AppendBinary(nil)
	return b
}

// ask asks for missing parents, and without progress tells others what it holds.
func (t *traitor) ask() {
	now := t.w.clock.Now()
	kept := t.cabal.waiting[:0]
	for _, x := range t.cabal.waiting {
		if x.missing < 0 || x.asked > 40 {
			continue
		}
		kept = append(kept, x)
		if x.by == t && x.askAt <= now {
			t.want(x)
		}
	}
	clear(t.cabal.waiting[len(kept):])
	t.cabal.waiting = kept
	if sum := t.cabal.graph.Top().Clock[t.author]; sum != t.top {
		t.top, t.told = sum, now
	}
	if now >= t.told+300 {
		t.told = now
		for _, to := range t.some(2) {
			t.have(to)
		}
	}
}

func (t *traitor) want(x *stray) {
	x.askAt = t.w.clock.Now() + 250
	to := x.from
	if x.asked++; x.asked > 1 {
		to = t.victim()
	}
	var ids []kernel.SnapshotID
	for _, p := range t.cabal.graph.Missing(x.header) {
		ids = append(ids, p.ID)
	}
	if to >= 0 && len(ids) > 0 {
		t.say(to, wire.Want{IDs: ids})
	}
}

func (t *traitor) have(to int) {
	clock := append([]kernel.Round(nil), t.cabal.graph.Top().Clock...)
	t.say(to, wire.Have{Clock: clock})
}

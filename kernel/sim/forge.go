package sim

import (
	"bytes"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A branch is one chain of a traitor's snapshots.
type branch struct {
	tip  *dag.Vertex
	to   *audience // whom it talks to; nil is everybody
	dead bool      // goes no further
}

// An audience is a set of members.
type audience struct{ committee.Set }

// A parent is a snapshot that may become one.
type parent = dag.Vertex

// A draft is a snapshot in the making.
type draft struct {
	branch  *branch
	header  *kernel.Header
	entries []kernel.Entry
	id      kernel.SnapshotID
	frame   []byte
	vertex  *dag.Vertex // once adopted
	twin    int         // number of the variant, for what makes variants differ
}

// draft composes the next snapshot of a branch, valid as far as the graph allows a valid one;
// nil if it does not.
func (t *traitor) draft(b *branch) *draft {
	parents := t.parents(b)
	if len(parents) < t.cabal.members.Q {
		return nil
	}
	own := b.tip
	h := &kernel.Header{
		Network: t.w.stage.network, Author: t.author, Round: own.Round + 1,
		Timestamp: max(t.time(), own.Timestamp), Claim: t.claim(own, parents),
	}
	for _, v := range parents {
		h.Parents = append(h.Parents, kernel.Parent{Author: v.Author, Round: v.Round, ID: v.ID})
	}
	h.SortParents()
	if int(h.Round) >= int(t.w.stage.genesis.Parameters.Wave) {
		h.Share = t.w.notary.share(t.author, h.Round)
	}
	return &draft{branch: b, header: h}
}

// time is what the traitor takes for the present.
func (t *traitor) time() kernel.Timestamp {
	return kernel.Timestamp(genesisTime + t.w.clock.Now())
}

// parents chooses the parents of the next snapshot on a branch: its own newest, then others of
// that round in the order of the plot, as many as it names, none of which the cone exposes.
func (t *traitor) parents(b *branch) []*dag.Vertex {
	g := t.cabal.graph
	chosen, cone := []*dag.Vertex{b.tip}, b.tip.Cut.Clone()
	names := committee.Set(0).With(t.author)
	enough := t.cabal.members.Size
	if t.plot.enough > 0 && !t.w.calm {
		enough = t.plot.enough + 1
	}
	for _, u := range t.candidates(b) {
		if len(chosen) >= enough {
			break
		}
		if names.Has(u.Author) {
			continue
		}
		if g.Forked() == 0 {
			chosen, names = append(chosen, u), names.With(u.Author)
			continue
		}
		joined := cone.Clone()
		g.Join(&joined, &u.Cut)
		if !exposes(&joined, names.With(u.Author)) {
			chosen, names, cone = append(chosen, u), names.With(u.Author), joined
		}
	}
	return chosen
}

// candidates lists what a branch may name beside its own tip.
func (t *traitor) candidates(b *branch) []*dag.Vertex {
	if t.plot.choose != nil && !t.w.calm {
		return t.plot.choose(b)
	}
	return t.strong(b)
}

// strong lists every other author's snapshots of a branch's newest round.
func (t *traitor) strong(b *branch) (list []*dag.Vertex) {
	for a := range t.cabal.members.Size {
		if kernel.Author(a) != t.author {
			list = append(list, t.cabal.graph.Variants(kernel.Author(a), b.tip.Round)...)
		}
	}
	return list
}

func exposes(c *dag.Cut, names committee.Set) bool {
	for i := range c.Forks {
		if a := c.Forks[i].Author; names.Has(a) && c.Exposes(a) {
			return true
		}
	}
	return false
}

// claim is the newest commit that the parents' cones decide and whose state an honest member named.
func (t *traitor) claim(own *dag.Vertex, parents []*dag.Vertex) kernel.CommitClaim {
	var k kernel.CommitIndex
	for _, v := range parents {
		k = max(k, v.Decided.Commits)
	}
	for ; k > own.Counted; k-- {
		if digest, ok := t.cabal.states[k]; ok {
			return kernel.CommitClaim{Index: k, Digest: digest}
		}
	}
	return kernel.CommitClaim{Index: own.Counted}
}

// seal fills the body, lets the plot spoil what it wants to, and signs.
func (t *traitor) seal(d *draft) {
	if t.plot.entries != nil && !t.w.calm {
		d.entries = append(d.entries, t.plot.entries(d)...)
	}
	if t.plot.alter != nil && !t.w.calm {
		t.plot.alter(d)
	}
	t.sign(d)
}

// sign puts body and header together and signs.
func (t *traitor) sign(d *draft) {
	body := &kernel.Body{Entries: arrange(d.entries)}
	d.entries = body.Entries
	d.header.BodyRoot = body.Root()
	d.header.BodyLength = uint32(len(body.AppendBinary(nil)))
	t.signAs(d, body)
}

// signAs signs a header as it is, whatever its body.
func (t *traitor) signAs(d *draft, body *kernel.Body) {
	d.id = d.header.ID()
	d.header.Signature = t.w.notary.sign(t.author, d.id)
	s := kernel.Snapshot{Header: d.header, Body: body}
	raw, err := s.AppendBinary(nil)
	if err != nil {
		panic("sim: encode forged snapshot: " + err.Error())
	}
	d.frame = wire.Append(nil, wire.Snapshot{Raw: raw})
}

// adopt puts a signed snapshot into the cabal's graph; false if it is not valid.
func (t *traitor) adopt(d *draft) bool {
	v, ok := t.cabal.insert(d.id, d.header, d.frame, len(d.entries))
	if ok {
		d.vertex = v
		t.cabal.accept(&stray{id: d.id, header: d.header, frame: d.frame, entries: len(d.entries)})
	}
	return ok
}

// arrange brings entries into the order of bodies, each once.
func arrange(entries []kernel.Entry) []kernel.Entry {
	type keyed struct {
		hash  kernel.Hash
		entry kernel.Entry
	}
	list := make([]keyed, len(entries))
	for i, e := range entries {
		list[i] = keyed{kernel.EntryHash(e), e}
	}
	slices.SortFunc(list, func(x, y keyed) int {
		if x.entry.Kind != y.entry.Kind {
			return int(x.entry.Kind) - int(y.entry.Kind)
		}
		return bytes.Compare(x.hash[:], y.hash[:])
	})
	list = slices.CompactFunc(list, func(x, y keyed) bool { return x.hash == y.hash })
	entries = entries[:0]
	for _, k := range list {
		entries = append(entries, k.entry)
	}
	return entries
}

// noise is a made-up hash.
func (t *traitor) noise() [32]byte {
	n := t.dice.Uint64()
	return crypto.SumLabel("simulated noise", []byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24), byte(n >> 32), byte(n >> 40), byte(n >> 48), byte(n >> 56)})
}

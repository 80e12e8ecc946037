package consensus

import (
	"flag"
	"fmt"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/dag"
)

var (
	dags  = flag.Uint64("dags", 150, "random graphs to compare the committer on with the naive rule")
	first = flag.Uint64("first", 1, "seed of the first graph")
)

// TestNaive compares the committer with the naive rule on random graphs: the decisions of what
// every honest node holds, of all there is and of what single snapshots see; the snapshots of
// every commit and their order; and that views only ever differ in how far they got.
func TestNaive(t *testing.T) {
	n := *dags
	if testing.Short() {
		n /= 5
	}
	var total tally
	for seed := *first; seed < *first+n; seed++ {
		if err := compare(seed, faithful, &total); err != nil {
			t.Fatalf("%v\nreplay: go test ./kernel/internal/consensus -run Naive -first %d -dags 1", err, seed)
		}
	}
	t.Logf("%d graphs: %+v", n, total)
	if n >= 100 && (total.skipped == 0 || total.forked == 0 || total.exempt == 0 || total.restarts == 0) {
		t.Errorf("the graphs do not reach every rule: %+v", total)
	}
}

// TestMutants checks the check: every rule made wrong on purpose shows up as a difference.
func TestMutants(t *testing.T) {
	for wrong := faithful + 1; wrong < mutants; wrong++ {
		caught := uint64(0)
		for seed := uint64(1); seed < 3000 && caught == 0; seed++ {
			if compare(seed, wrong, new(tally)) != nil {
				caught = seed
			}
		}
		if caught == 0 {
			t.Errorf("rule %d made wrong is not noticed", wrong)
		}
		t.Logf("rule %d made wrong is noticed by graph %d", wrong, caught)
	}
}

// A tally counts what the graphs exercised.
type tally struct{ commits, skipped, forked, exempt, restarts int }

func compare(seed uint64, wrong mutant, total *tally) error {
	k := []int{4, 7}[seed%2]
	s := makeSchedule(seed, k, 12+int(seed%5)*6)
	if s.fault != "" {
		return fmt.Errorf("seed %d: %s", seed, s.fault)
	}
	var all set
	for _, x := range s.snaps {
		all = all.with(x)
	}
	parts := [][]*snap{s.shuffled(all)}
	for _, m := range s.makers {
		if !m.liar {
			parts = append(parts, m.met)
		}
	}
	var longest []decision
	for i, part := range parts {
		got := s.replay(part, total)
		if got.err != nil {
			return fmt.Errorf("seed %d, view %d: %w", seed, i, got.err)
		}
		var have set
		for _, x := range append(part, s.snaps[:k]...) {
			have = have.with(x)
		}
		if err := got.equal(newJudge(s.world, have, part, wrong), total); err != nil {
			return fmt.Errorf("seed %d, view %d: %w", seed, i, err)
		}
		if i == 0 {
			longest = got.order
		}
		if err := prefix(got.order, longest); err != nil {
			return fmt.Errorf("seed %d, view %d against everything: %w", seed, i, err)
		}
		if err := s.compareCones(got, wrong); err != nil {
			return fmt.Errorf("seed %d, view %d: %w", seed, i, err)
		}
	}
	return nil
}

// A reading is what a node made of a part of the world, by the production code.
type reading struct {
	order    []decision
	progress dag.Progress
	skipped  int
	vertices map[kernel.SnapshotID]*dag.Vertex
	err      error
}

// A memory is a History of everything accepted, in stored form.
type memory struct {
	headers map[kernel.SnapshotID]*kernel.Header
	notes   map[kernel.SnapshotID][]byte
	places  map[kernel.Parent][]kernel.SnapshotID
	order   []kernel.SnapshotID
}

func newMemory() *memory {
	return &memory{make(map[kernel.SnapshotID]*kernel.Header), make(map[kernel.SnapshotID][]byte), make(map[kernel.Parent][]kernel.SnapshotID), nil}
}

func (m *memory) put(v *dag.Vertex) {
	m.headers[v.ID], m.notes[v.ID] = v.Header, v.AppendNotes(nil)
	p := kernel.Parent{Author: v.Author, Round: v.Round}
	m.places[p] = append(m.places[p], v.ID)
	m.order = append(m.order, v.ID)
}

func (m *memory) Vertex(id kernel.SnapshotID) (*dag.Vertex, bool) {
	h, ok := m.headers[id]
	if !ok {
		return nil, false
	}
	v, err := dag.VertexOf(id, h, m.notes[id])
	if err != nil {
		panic(err)
	}
	return v, true
}

func (m *memory) Variants(a kernel.Author, r kernel.Round) []kernel.SnapshotID {
	return m.places[kernel.Parent{Author: a, Round: r}]
}

// replay feeds the part to graph and committer one by one, reads the order on after each, lets
// go of old rounds and restarts from what is stored now and then, as a node does.
func (s *schedule) replay(part []*snap, total *tally) (out reading) {
	history := newMemory()
	graph := dag.New(s.epoch(), history)
	rules := Rules{Wave: kernel.Round(s.wave), Horizon: kernel.Round(s.horizon)}
	committer := New(rules, s.committee(), graph, s)
	order := NewOrder(s.k, 0, 1000, 0)
	stored, _ := order.AppendBinary(nil)
	out.vertices = make(map[kernel.SnapshotID]*dag.Vertex)
	commits := 0
	for _, x := range part {
		v, err := graph.Check(x.id, x.header)
		if err != nil {
			out.err = fmt.Errorf("%s: %w", x.name(), err)
			return out
		}
		v.HasShare = x.share
		graph.Insert(v)
		committer.Annotate(v)
		history.put(v)
		out.vertices[v.ID] = v
		graph.Forget()
		graph.Trim(s.floor(order))
		out.skipped += committer.Extend(order, 0, noCoin, func(c *kernel.Commit, o *Order) {
			commits++
			stored, _ = o.AppendBinary(nil)
			if int(c.Index) != commits || int(o.Progress.Commits) != commits {
				out.err = fmt.Errorf("commit %d is the %dth", c.Index, commits)
			}
			out.order = append(out.order, s.decision(c))
		})
		if s.rng.IntN(60) == 0 {
			total.restarts++
			order = new(Order)
			if err := order.UnmarshalBinary(stored); err != nil {
				out.err = err
				return out
			}
			graph = dag.New(s.epoch(), history)
			graph.Trim(s.floor(order))
			for _, id := range history.order {
				if v, _ := history.Vertex(id); v.Round >= graph.Floor() {
					graph.Restore(v)
				}
			}
			committer = New(rules, s.committee(), graph, s)
		}
	}
	committer.Extend(order, 0, noCoin, func(*kernel.Commit, *Order) { commits++ }) // after a restart at the end
	out.progress = order.Progress
	return out
}

func (s *schedule) floor(o *Order) kernel.Round {
	if g := kernel.Round(s.horizon); o.Progress.Round > 2*g {
		return o.Progress.Round - 2*g
	}
	return 0
}

func noCoin(kernel.Round) kernel.Hash { return kernel.Hash{} }

func (s *schedule) decision(c *kernel.Commit) decision {
	d := decision{leader: s.byID[c.Leader.ID], time: c.Timestamp}
	for _, x := range c.Snapshots {
		d.snaps = append(d.snaps, s.byID[x.ID])
	}
	return d
}

// equal compares a reading with what the naive rule makes of the same part.
func (r *reading) equal(j *judge, total *tally) error {
	want := j.order()
	if len(want) != len(r.order) {
		return fmt.Errorf("%d commits, the naive rule has %d", len(r.order), len(want))
	}
	if err := prefix(r.order, want); err != nil {
		return err
	}
	if _, round, rank := j.read(); r.progress.Round != kernel.Round(round) || r.progress.Rank != rank {
		return fmt.Errorf("undecided from (%d, %d), the naive rule says (%d, %d)", r.progress.Round, r.progress.Rank, round, rank)
	}
	total.commits += len(want)
	total.skipped += r.skipped
	for a := range j.k {
		if j.forkedIn(j.part, a) {
			total.forked++
		}
	}
	for _, d := range want {
		for _, x := range d.snaps {
			if x.round+j.horizon < d.leader.round {
				total.exempt++
			}
		}
	}
	return nil
}

func prefix(x, y []decision) error {
	for i := range min(len(x), len(y)) {
		a, b := x[i], y[i]
		if a.leader != b.leader || a.time != b.time || len(a.snaps) != len(b.snaps) {
			return fmt.Errorf("commit %d: leader %s, %d snapshots, at %d; or %s, %d, at %d", i+1,
				a.leader.name(), len(a.snaps), a.time, b.leader.name(), len(b.snaps), b.time)
		}
		for k := range a.snaps {
			if a.snaps[k] != b.snaps[k] {
				return fmt.Errorf("commit %d settles %s as number %d, or %s", i+1, a.snaps[k].name(), k, b.snaps[k].name())
			}
		}
	}
	return nil
}

// compareCones compares what some snapshots' cones decide, and which claims count.
func (s *schedule) compareCones(r reading, wrong mutant) error {
	for _, x := range s.snaps[s.k:] {
		v := r.vertices[x.id]
		if v == nil {
			continue
		}
		if want, named := s.counted(r, x); v.Counted != want || v.Named != named {
			return fmt.Errorf("%s: claim counts as %d (%v), want %d (%v)", x.name(), v.Counted, v.Named, want, named)
		}
		if s.rng.IntN(12) > 0 {
			continue
		}
		leaders, round, rank := newJudge(s.world, x.cone, s.snaps, wrong).read()
		if want := (dag.Progress{Round: kernel.Round(round), Rank: rank, Commits: kernel.CommitIndex(len(leaders))}); v.Decided != want {
			return fmt.Errorf("the cone of %s decides up to %+v, the naive rule says %+v", x.name(), v.Decided, want)
		}
	}
	return nil
}

// counted is the commit that a snapshot's claim counts as. [DAG-11]
func (s *schedule) counted(r reading, x *snap) (k kernel.CommitIndex, named bool) {
	own := x.parents[0]
	if own.round > 0 {
		k = r.vertices[own.id].Counted
	}
	if x.header.Claim.Index >= k && x.header.Claim.Index <= r.vertices[x.id].Decided.Commits {
		k, named = x.header.Claim.Index, true
	}
	for y := own; y.round > 0; y = y.parents[0] {
		if y.round == x.round-s.horizon && r.vertices[y.id].Decided.Commits > k {
			k, named = r.vertices[y.id].Decided.Commits, false
		}
	}
	return k, named
}

// TestOrderRoundTrip: the stored form of an order reads back as it was.
func TestOrderRoundTrip(t *testing.T) {
	for seed := uint64(1); seed < 6; seed++ {
		s := makeSchedule(seed, 7, 20)
		var order *Order
		graph := dag.New(s.epoch(), noHistory{})
		c := New(Rules{Wave: kernel.Round(s.wave), Horizon: kernel.Round(s.horizon)}, s.committee(), graph, s)
		order = NewOrder(s.k, 3, 1000, 9)
		for _, x := range s.snaps[s.k:] {
			v, err := graph.Check(x.id, x.header)
			if err != nil {
				t.Fatal(err)
			}
			v.HasShare = true
			graph.Insert(v)
			c.Annotate(v)
		}
		c.Extend(order, 0, noCoin, func(*kernel.Commit, *Order) {})
		stored, _ := order.AppendBinary(nil)
		var back Order
		if err := back.UnmarshalBinary(stored); err != nil {
			t.Fatal(err)
		}
		again, _ := back.AppendBinary(nil)
		if string(again) != string(stored) {
			t.Fatal("not the same bytes")
		}
		if err := back.UnmarshalBinary(append(stored, 0)); err == nil {
			t.Fatal("trailing byte accepted")
		}
	}
}

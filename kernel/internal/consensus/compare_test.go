package consensus

import (
	"flag"
	"fmt"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/naive"
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
		if err := compare(seed, naive.Faithful, &total); err != nil {
			t.Fatalf("%v\nreplay: go test ./kernel/internal/consensus -run Naive -first %d -dags 1", err, seed)
		}
	}
	t.Logf("%d graphs: %+v", n, total)
	if n >= 100 && (total.skipped == 0 || total.forked == 0 || total.flagged == 0 || total.restarts == 0) || n >= 1000 && total.exempt == 0 {
		t.Errorf("the graphs do not reach every rule: %+v", total)
	}
	for m, graphs := range total.modes {
		if n >= 100 && graphs == 0 {
			t.Errorf("no graph of a network that is %v", mode(m))
		}
	}
}

// noticed are graphs that show each wrong rule, so that the test need not look for them. What is
// not here only an exhaustive search meets; see TestExhaustiveNoticesVariants.
var noticed = map[naive.Mutant]uint64{
	naive.SmallCertificate: 47, naive.SupportFirst: 25, naive.EarlyReveal: 20, naive.SkipOnFew: 1, naive.SkipBelow: 1, naive.AnchorTooLow: 17,
	naive.UpperMedian: 2, naive.HorizonOfView: 1, naive.ExemptionMissing: 430, naive.ClaimFloorMissing: 8, naive.FlaggedCount: 177,
}

// TestMutants checks the check: every rule made wrong on purpose shows up as a difference.
func TestMutants(t *testing.T) {
	for _, wrong := range naive.Mutants() {
		seed, expected := noticed[wrong]
		if !expected {
			if wrong != naive.VariantsCount {
				t.Errorf("no graph is known that shows %v", wrong)
			}
			continue
		}
		err := compare(seed, wrong, new(tally))
		for seed = 1; err == nil && seed < 3000; seed++ {
			err = compare(seed, wrong, new(tally)) // the graphs have changed
		}
		if err == nil {
			t.Errorf("%v is not noticed", wrong)
		}
		t.Logf("%v: %v", wrong, err)
	}
}

// A tally counts what the graphs exercised.
type tally struct {
	snapshots, views, commits, skipped, forked, exempt, flagged, restarts int
	modes                                                                 [modes]int
}

// sizes are the networks that are compared: f and q of every remainder by three, and small ones
// often, because they go wrong most easily.
var sizes = [...]int{4, 7, 4, 8, 7, 10, 4, 13}

func compare(seed uint64, wrong naive.Mutant, total *tally) error {
	k := sizes[seed%uint64(len(sizes))]
	rounds := 12 + int(seed/8%5)*6
	if k > 7 {
		rounds = 9 + int(seed/8%5)*3
	}
	s := makeSchedule(seed, k, rounds, wrong)
	if s.fault != "" {
		return fmt.Errorf("seed %d: %s", seed, s.fault)
	}
	total.snapshots += len(s.Snaps()) - k
	total.modes[s.mode]++
	total.flagged += k - s.voting
	views := [][]*naive.Snap{s.shuffled()}
	for _, m := range s.makers {
		if !m.liar && len(views) < 6 {
			views = append(views, m.met)
		}
	}
	var longest []naive.Commit
	for i, view := range views {
		total.views++
		got := s.replay(view, total)
		if got.err != nil {
			return fmt.Errorf("seed %d, %v, view %d: %w", seed, s.mode, i, got.err)
		}
		part := s.Start()
		for _, x := range view {
			part.Add(x)
		}
		if err := s.equal(&got, part, total); err != nil {
			return fmt.Errorf("seed %d, view %d: %w", seed, i, err)
		}
		if i == 0 {
			longest = got.order
		}
		if err := prefix(got.order, longest); err != nil {
			return fmt.Errorf("seed %d, view %d against everything: %w", seed, i, err)
		}
		if err := s.compareCones(got); err != nil {
			return fmt.Errorf("seed %d, view %d: %w", seed, i, err)
		}
	}
	return nil
}

// A reading is what a node made of a part of the world, by the production code.
type reading struct {
	order    []naive.Commit
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

// replay feeds the view to graph and committer one by one, reads the order on after each, lets
// go of old rounds and restarts from what is stored now and then, as a node does.
func (s *schedule) replay(view []*naive.Snap, total *tally) (out reading) {
	history := newMemory()
	graph := dag.New(s.epoch(), history)
	committer := s.committer(graph)
	order := NewOrder(s.k, 0, s.rules.Timestamp, 0)
	stored, _ := order.AppendBinary(nil)
	out.vertices = make(map[kernel.SnapshotID]*dag.Vertex)
	commits := 0
	for _, x := range view {
		v, err := graph.Check(x.ID, x.Header)
		if err != nil {
			out.err = fmt.Errorf("%v: %w", x, err)
			return out
		}
		v.HasShare = x.Share
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
			out.order = append(out.order, s.commit(c))
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
			committer = s.committer(graph)
		}
	}
	committer.Extend(order, 0, noCoin, func(*kernel.Commit, *Order) { commits++ }) // after a restart at the end
	out.progress = order.Progress
	return out
}

func (s *schedule) floor(o *Order) kernel.Round {
	if g := s.rules.Horizon; o.Progress.Round > 2*g {
		return o.Progress.Round - 2*g
	}
	return 0
}

func noCoin(kernel.Round) kernel.Hash { return kernel.Hash{} }

// commit says a commit of the product in the words of the naive rule.
func (s *schedule) commit(c *kernel.Commit) naive.Commit {
	out := naive.Commit{Index: c.Index, Timestamp: c.Timestamp}
	out.Leader, _ = s.Get(c.Leader.ID)
	for _, x := range c.Snapshots {
		snap, _ := s.Get(x.ID)
		out.Settled = append(out.Settled, naive.Settled{Snap: snap, Claim: x.Claim})
	}
	return out
}

// equal compares a reading with what the naive rule makes of the same part.
func (s *schedule) equal(r *reading, p naive.Part, total *tally) error {
	want := s.Order(p)
	if len(want) != len(r.order) {
		return fmt.Errorf("%d commits, the naive rule has %d", len(r.order), len(want))
	}
	if err := prefix(r.order, want); err != nil {
		return err
	}
	if _, round, rank := s.Decides(p); r.progress.Round != round || r.progress.Rank != rank {
		return fmt.Errorf("undecided from (%d, %d), the naive rule says (%d, %d)", r.progress.Round, r.progress.Rank, round, rank)
	}
	total.commits += len(want)
	total.skipped += r.skipped
	for a := range kernel.Author(s.k) {
		if s.Forked(p, a) {
			total.forked++
		}
	}
	for _, c := range want {
		for _, x := range c.Settled {
			if x.Round+s.rules.Horizon < c.Leader.Round {
				total.exempt++
			}
		}
	}
	return nil
}

func prefix(x, y []naive.Commit) error {
	for i := range min(len(x), len(y)) {
		a, b := x[i], y[i]
		if a.Index != b.Index || a.Leader != b.Leader || a.Timestamp != b.Timestamp || len(a.Settled) != len(b.Settled) {
			return fmt.Errorf("commit %d: leader %v, %d snapshots, at %d; or %v, %d, at %d", i+1,
				a.Leader, len(a.Settled), a.Timestamp, b.Leader, len(b.Settled), b.Timestamp)
		}
		for k := range a.Settled {
			if x, y := a.Settled[k], b.Settled[k]; x != y {
				return fmt.Errorf("commit %d settles %v as number %d, claiming %d, or %v, claiming %d", i+1, x.Snap, k, x.Claim, y.Snap, y.Claim)
			}
		}
	}
	return nil
}

// compareCones compares what every snapshot's cone decides, and which claims count.
func (s *schedule) compareCones(r reading) error {
	for _, x := range s.Snaps()[s.k:] {
		v := r.vertices[x.ID]
		if v == nil {
			continue
		}
		commits, round, rank := s.ConeDecides(x)
		if want := (dag.Progress{Round: round, Rank: rank, Commits: kernel.CommitIndex(commits)}); v.Decided != want {
			return fmt.Errorf("the cone of %v decides up to %+v, the naive rule says %+v", x, v.Decided, want)
		}
		if want, named := s.Counted(x); v.Counted != want || v.Named != named {
			return fmt.Errorf("%v: claim counts as %d (%v), want %d (%v)", x, v.Counted, v.Named, want, named)
		}
	}
	return nil
}

// TestOrderRoundTrip: the stored form of an order reads back as it was.
func TestOrderRoundTrip(t *testing.T) {
	for seed := uint64(1); seed < 6; seed++ {
		s := makeSchedule(seed, 7, 20, naive.Faithful)
		graph := dag.New(s.epoch(), noHistory{})
		c := s.committer(graph)
		order := NewOrder(s.k, 3, 1000, 9)
		for _, x := range s.Snaps()[s.k:] {
			v, err := graph.Check(x.ID, x.Header)
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

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
)

// A Kind is what a step does to a node.
type Kind string

// The kinds of steps. Every one of them may make its node useless while it lasts.
const (
	Kill     Kind = "kill"     // SIGKILL, and a start after a while
	Freeze   Kind = "freeze"   // SIGSTOP, and SIGCONT after a while
	Restart  Kind = "restart"  // SIGTERM, and a start after a while
	Cut      Kind = "cut"      // connections to some peers reset, new ones refused
	Half     Kind = "half"     // connections to some peers stay open and carry one direction only
	Slow     Kind = "slow"     // every byte to and from some peers arrives later
	Full     Kind = "full"     // the node's disk fills up; started again once there is space
	Restored Kind = "restored" // the node runs on an older copy of its folder
	Copy     Kind = "copy"     // a second process runs on a copy of the folder, with the same key
)

// Kinds lists them all.
var Kinds = []Kind{Kill, Freeze, Restart, Cut, Half, Slow, Full, Restored, Copy}

// Directions of a Half step, seen from its node.
const (
	Inward  = "in"  // the node hears nothing
	Outward = "out" // nobody hears the node
)

// A Step is one perturbation of one node. Times are in milliseconds.
type Step struct {
	At    int64  `json:"at_ms"` // not before, counted from when all nodes took part
	Kind  Kind   `json:"kind"`
	Node  int    `json:"node"`            // 1 to Nodes
	For   int64  `json:"for_ms"`          // how long the trouble lasts, recovery not counted
	Peers []int  `json:"peers,omitempty"` // Cut, Half, Slow: the other ends of the links
	Way   string `json:"way,omitempty"`   // Half
	Delay int64  `json:"delay_ms,omitempty"`
	Left  int64  `json:"left_kib,omitempty"` // Full: what is still free, 0 nothing
	Stay  bool   `json:"stay,omitempty"`     // Restored: the newer folder never comes back
}

// recovery is the time for which the plan counts a node as impaired after the trouble, in
// milliseconds. Running is stricter: a slot is free when the node says that it takes part.
const recovery = 2000

// own is what a step needs beyond For: the starts and waits that belong to its procedure.
var own = map[Kind]int64{Full: 2500, Restored: 3000, Copy: 2500}

// End is when the plan counts the node as sound again; a Stay never ends.
func (s *Step) End() int64 {
	if s.Stay {
		return 1 << 40
	}
	return s.At + s.For + own[s.Kind] + recovery
}

// A Manifest says everything that a run does, but for what the machine adds. Equal options give
// an equal manifest.
type Manifest struct {
	Version int    `json:"version"`
	Seed    uint64 `json:"seed"`
	Nodes   int    `json:"nodes"`
	Seconds int    `json:"seconds"`    // of perturbations, as planned
	Rate    int    `json:"rate"`       // payments a second
	Small   []int  `json:"small_disk"` // nodes with a file system of their own
	Steps   []Step `json:"steps"`      // by At
}

// Options are what a manifest is drawn from.
type Options struct {
	Seed    uint64
	Nodes   int
	Seconds int
	Least   int // steps, even if they take longer than Seconds
	Rate    int
}

// version of the manifest's form.
const version = 1

// Tolerated is f: how many nodes may be impaired at once.
func (m *Manifest) Tolerated() int { return (m.Nodes - 1) / 3 }

// brisk manifests are those of a minute: every trouble is shorter, so that all kinds fit in.
const brisk = 120

// Generate draws a manifest. There are f lanes; each does one step after the other, so that
// never more than f nodes are impaired. Kinds come in bags of all, shuffled: a short run sees each.
func Generate(o Options) *Manifest {
	g := generator{
		m:     &Manifest{Version: version, Seed: o.Seed, Nodes: o.Nodes, Seconds: o.Seconds, Rate: o.Rate},
		dice:  rand.New(rand.NewPCG(o.Seed, 0x736f616b)),
		brisk: o.Seconds < brisk,
	}
	for n := range g.m.Tolerated() {
		g.m.Small = append(g.m.Small, g.dice.IntN(2)+2*n+1) // one of each pair of nodes
	}
	free := make([]int64, g.m.Tolerated()) // when each lane is free
	for {
		lane := 0
		for i := range free {
			if free[i] < free[lane] {
				lane = i
			}
		}
		at := free[lane] + g.between(200, 1500)
		if at >= int64(o.Seconds)*1000 && len(g.m.Steps) >= o.Least {
			g.stay(at)
			break
		}
		s := g.step(at)
		g.m.Steps = append(g.m.Steps, s)
		free[lane] = s.End()
	}
	slices.SortStableFunc(g.m.Steps, func(a, b Step) int { return int(a.At - b.At) })
	return g.m
}

type generator struct {
	m     *Manifest
	dice  *rand.Rand
	bag   []Kind
	brisk bool
}

func (g *generator) between(low, high int64) int64 { return low + g.dice.Int64N(high-low+1) }

// kind takes the next one from the bag.
func (g *generator) kind() Kind {
	if len(g.bag) == 0 {
		g.bag = slices.Clone(Kinds)
		g.dice.Shuffle(len(g.bag), func(i, j int) { g.bag[i], g.bag[j] = g.bag[j], g.bag[i] })
	}
	k := g.bag[0]
	g.bag = g.bag[1:]
	return k
}

// step draws one step that begins at the given time.
func (g *generator) step(at int64) Step {
	s := Step{At: at, Kind: g.kind()}
	switch s.Kind {
	case Kill:
		s.For = g.between(0, 1500)
		if !g.brisk && g.dice.IntN(3) == 0 {
			s.For = g.between(5000, 15000)
		}
	case Restart:
		s.For = g.between(0, 1000)
	case Freeze:
		s.For = g.length(3000, 10000)
	case Half:
		s.Way = []string{Inward, Outward}[g.dice.IntN(2)]
		s.For = g.length(2000, 20000) // the longer ones outlast the 15 s after which a silent connection is given up
	case Slow:
		s.Delay = g.between(20, 400)
		s.For = g.length(2500, 12000)
	case Cut:
		s.For = g.length(2000, 10000)
	case Full:
		s.Left = []int64{0, 16 << 10}[g.dice.IntN(2)] // nothing, or less than a node's reserve of 64 MiB
		s.For = g.between(500, 1500)
	case Restored, Copy:
		s.For = g.length(2000, 8000)
	}
	s.Node = g.victim(&s)
	if s.Kind == Cut || s.Kind == Half || s.Kind == Slow {
		s.Peers = g.peers(s.Node)
	}
	return s
}

// length is a duration up to long, or of up to short if all kinds must fit into a minute.
func (g *generator) length(short, long int64) int64 {
	if g.brisk {
		return g.between(short/2, short)
	}
	return g.between(long/4, long)
}

// victim draws a node that no other step has at that time. A full disk needs a small one.
func (g *generator) victim(s *Step) int {
	var candidates []int
	for n := 1; n <= g.m.Nodes; n++ {
		if s.Kind == Full && !slices.Contains(g.m.Small, n) {
			continue
		}
		if !slices.ContainsFunc(g.m.Steps, func(o Step) bool { return o.Node == n && o.End() > s.At }) {
			candidates = append(candidates, n)
		}
	}
	return candidates[g.dice.IntN(len(candidates))] // f small disks, at most f - 1 of them busy
}

// peers draws the far ends: all others, so that the node is alone, or some.
func (g *generator) peers(node int) []int {
	var all []int
	for n := 1; n <= g.m.Nodes; n++ {
		if n != node {
			all = append(all, n)
		}
	}
	g.dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	if g.dice.IntN(2) == 0 {
		all = all[:1+g.dice.IntN(len(all)-1)]
	}
	slices.Sort(all)
	return all
}

// stay adds, for every second seed, a last step that begins when the first lane is free: a node
// gets an older copy of its folder and keeps it, as after a loss without a newer one.
func (g *generator) stay(at int64) {
	if g.dice.IntN(2) == 0 {
		return
	}
	s := Step{At: at, Kind: Restored, For: g.length(2000, 8000), Stay: true}
	s.Node = g.victim(&s)
	g.m.Steps = append(g.m.Steps, s)
}

// Check refuses a manifest that is not well formed or that impairs more than f nodes at once.
func (m *Manifest) Check() error {
	if m.Version != version {
		return fmt.Errorf("manifest of version %d, this program knows %d", m.Version, version)
	}
	if m.Nodes < 7 || m.Nodes > 50 || m.Rate < 1 || m.Rate > 100 {
		return fmt.Errorf("manifest with %d nodes and %d payments a second: want 7 to 50 and 1 to 100", m.Nodes, m.Rate)
	}
	var at int64
	for i, s := range m.Steps {
		if err := m.checkStep(&s); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		if s.At < at {
			return fmt.Errorf("step %d: steps are not in order", i+1)
		}
		at = s.At
		impaired := 0
		for _, o := range m.Steps[:i+1] {
			if o.End() <= s.At {
				continue
			}
			if impaired++; o.Node == s.Node && !sameStep(&o, &s) {
				return fmt.Errorf("step %d: node %d is in trouble already", i+1, s.Node)
			}
		}
		if impaired > m.Tolerated() {
			return fmt.Errorf("step %d: %d of %d nodes would be impaired, at most %d may be", i+1, impaired, m.Nodes, m.Tolerated())
		}
	}
	return nil
}

func sameStep(a, b *Step) bool { return a.At == b.At && a.Node == b.Node && a.Kind == b.Kind }

func (m *Manifest) checkStep(s *Step) error {
	linked := s.Kind == Cut || s.Kind == Half || s.Kind == Slow
	switch {
	case !slices.Contains(Kinds, s.Kind):
		return fmt.Errorf("unknown kind %q", s.Kind)
	case s.Node < 1 || s.Node > m.Nodes:
		return fmt.Errorf("no node %d", s.Node)
	case s.At < 0 || s.For < 0 || s.For > 3_600_000 || s.Delay < 0 || s.Delay > 60_000 || s.Left < 0:
		return fmt.Errorf("a time or size is out of bounds")
	case linked != (len(s.Peers) > 0):
		return fmt.Errorf("%s with %d peers", s.Kind, len(s.Peers))
	case (s.Kind == Half) != (s.Way == Inward || s.Way == Outward):
		return fmt.Errorf("%s with way %q", s.Kind, s.Way)
	case s.Kind == Full && !slices.Contains(m.Small, s.Node):
		return fmt.Errorf("node %d has no disk of its own", s.Node)
	}
	for _, p := range s.Peers {
		if p < 1 || p > m.Nodes || p == s.Node {
			return fmt.Errorf("no link to node %d", p)
		}
	}
	return nil
}

// maxManifest bounds a manifest file.
const maxManifest = 16 << 20

// ReadManifest reads and checks a manifest file.
func ReadManifest(name string) (*Manifest, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d := json.NewDecoder(io.LimitReader(f, maxManifest))
	d.DisallowUnknownFields()
	m := new(Manifest)
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// Write writes the manifest, a step a line.
func (m *Manifest) Write(name string) error {
	head := *m
	head.Steps = nil
	b, err := json.Marshal(head)
	if err != nil {
		return err
	}
	b = append(b[:len(b)-len(`null}`)], '[')
	for i := range m.Steps {
		s, err := json.Marshal(&m.Steps[i])
		if err != nil {
			return err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, "\n  "...), s...)
	}
	return os.WriteFile(name, append(b, "\n]}\n"...), 0o600)
}

package consensus

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/naive"
)

var rewrite = flag.Bool("rewrite", false, "write what the scenarios print into their files")

// TestScenarios runs testdata/*.txt: a graph as text, a line of dashes, and what the commit
// rule makes of it.
//
//	dag K=4 wave=4 slots=1 G=100
//	leaders 1:B 2:A      the slots of rounds, by the coin; round r has leader A otherwise
//	1: A B C D           one snapshot each, on all unprimed ones of the round before
//	2: A<-BC B B' C!     on its own and the named ones; a twin; one without a coin share
//	5: D<-AB,C@2         and an older parent
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text, want, _ := strings.Cut(string(raw), "----\n")
			got := newScenario(t, text).describe()
			if *rewrite {
				if err := os.WriteFile(file, []byte(text+"----\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

type scenario struct {
	t                     *testing.T
	k, wave, slots, depth int
	horizon               int
	leaders               map[int]string
	graph                 *dag.Graph
	committer             *Committer
	naive                 *naive.World
	names                 map[string]*dag.Vertex // "B'@3"
	rounds                int
}

func newScenario(t *testing.T, text string) *scenario {
	s := &scenario{t: t, k: 4, wave: 4, slots: 1, horizon: 100, depth: 50, leaders: make(map[int]string), names: make(map[string]*dag.Vertex)}
	for _, line := range strings.Split(text, "\n") {
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "dag "):
			for _, field := range strings.Fields(line)[1:] {
				key, value, _ := strings.Cut(field, "=")
				target := map[string]*int{"K": &s.k, "wave": &s.wave, "slots": &s.slots, "G": &s.horizon}[key]
				if _, err := fmt.Sscan(value, target); err != nil {
					t.Fatal(line, err)
				}
			}
		case strings.HasPrefix(line, "leaders "):
			for _, field := range strings.Fields(line)[1:] {
				var r int
				var who string
				if _, err := fmt.Sscanf(strings.Replace(field, ":", " ", 1), "%d %s", &r, &who); err != nil {
					t.Fatal(line, err)
				}
				s.leaders[r] = who
			}
		default:
			s.round(line)
		}
	}
	return s
}

// Leaders implements Coins.
func (s *scenario) Leaders(d kernel.Round) (out []kernel.Author) {
	who := s.leaders[int(d)-s.wave+1]
	for i := range s.slots {
		if i < len(who) {
			out = append(out, kernel.Author(who[i]-'A'))
		} else {
			out = append(out, kernel.Author(i))
		}
	}
	return out
}

// Good implements Coins.
func (*scenario) Good(*dag.Vertex) bool { return true }

func (s *scenario) round(line string) {
	if s.graph == nil {
		c := committee.New(&kernel.Roster{Members: make([]kernel.Member, s.k)})
		s.graph = dag.New(dag.Epoch{Committee: c, Timestamp: 1, Depth: kernel.Round(s.depth)}, noHistory{})
		s.committer = New(Rules{Wave: kernel.Round(s.wave), Horizon: kernel.Round(s.horizon)}, c, s.graph, s)
		rules := naive.Of(s.k, kernel.Parameters{Wave: uint8(s.wave), Horizon: kernel.Round(s.horizon), Depth: kernel.Round(s.depth)})
		rules.Leaders, rules.Timestamp = s.Leaders, 1
		s.naive = naive.New(rules)
		for a := range s.k {
			s.names[fmt.Sprintf("%c@0", 'A'+a)], _ = s.graph.Get(kernel.GenesisSnapshotID(kernel.Hash{}, kernel.Author(a)))
		}
	}
	head, rest, _ := strings.Cut(line, ":")
	var r int
	if _, err := fmt.Sscan(head, &r); err != nil {
		s.t.Fatal(line, err)
	}
	s.rounds = max(s.rounds, r)
	for _, field := range strings.Fields(rest) {
		s.snapshot(r, field)
	}
}

func (s *scenario) snapshot(r int, field string) {
	share := !strings.HasSuffix(field, "!")
	name, parents, chosen := strings.Cut(strings.TrimSuffix(field, "!"), "<-")
	if !chosen {
		for a := range s.k {
			if p := string(rune('A' + a)); s.names[fmt.Sprintf("%s@%d", p, r-1)] != nil {
				parents += p
			}
		}
	}
	author := kernel.Author(name[0] - 'A')
	h := &kernel.Header{Author: author, Round: kernel.Round(r), Timestamp: kernel.Timestamp(r)}
	strong, older, _ := strings.Cut(parents, ",")
	named := strings.Split(older, ",")
	for i := 0; i < len(strong); i++ {
		p := strong[i : i+1]
		for i+1 < len(strong) && strong[i+1] == '\'' {
			p, i = p+"'", i+1
		}
		named = append(named, fmt.Sprintf("%s@%d", p, r-1))
	}
	own := false
	for _, p := range named {
		if v := s.names[p]; v != nil {
			h.Parents = append(h.Parents, kernel.Parent{Author: v.Author, Round: v.Round, ID: v.ID})
			own = own || v.Author == author
		} else if p != "" {
			s.t.Fatalf("%s in round %d names %s, which is not there", name, r, p)
		}
	}
	if !own {
		v := s.names[fmt.Sprintf("%c@%d", name[0], r-1)]
		h.Parents = append(h.Parents, kernel.Parent{Author: v.Author, Round: v.Round, ID: v.ID})
	}
	h.SortParents()
	id := kernel.SnapshotID{byte(len(name)), byte(author), byte(r)} // twins are larger than what they copy
	v, err := s.graph.Check(id, h)
	if err != nil {
		s.t.Fatalf("%s in round %d: %v", name, r, err)
	}
	if _, err := s.naive.Add(id, h, share); err != nil {
		s.t.Fatalf("%s in round %d, by the naive rule: %v", name, r, err)
	}
	v.HasShare = share
	s.graph.Insert(v)
	s.committer.Annotate(v)
	s.names[fmt.Sprintf("%s@%d", name, r)] = v
}

func (s *scenario) name(id kernel.SnapshotID) string {
	return fmt.Sprintf("%c%s@%d", 'A'+id[1], strings.Repeat("'", int(id[0])-1), id[2])
}

// at lists the snapshots of one round by name.
func (s *scenario) at(r int) (out []*dag.Vertex) {
	for a := range s.k {
		out = append(out, s.graph.Variants(kernel.Author(a), kernel.Round(r))...)
	}
	return out
}

func (s *scenario) describe() string {
	var b bytes.Buffer
	slots := s.committer.Slots(s.graph.Top(), 1, kernel.Round(s.rounds))
	for _, slot := range slots {
		author := string(rune('A' + slot.Author))
		fmt.Fprintf(&b, "slot (%d,%s): %s", slot.Round, author, slot.State)
		if slot.Leader != nil {
			fmt.Fprintf(&b, " %s", s.name(slot.Leader.ID))
		}
		b.WriteString(s.votes(slot))
		b.WriteString("\n")
	}
	order, second := NewOrder(s.k, 0, 1, 0), s.naive.Order(s.naive.All())
	s.committer.Extend(order, 0, noCoin, func(c *kernel.Commit, _ *Order) {
		if err := sameCommit(c, second); err != nil {
			s.t.Errorf("%v", err)
		}
		second = second[1:]
		fmt.Fprintf(&b, "commit %d at %d by %s:", c.Index, c.Timestamp, s.name(c.Leader.ID))
		for _, x := range c.Snapshots {
			fmt.Fprintf(&b, " %s", s.name(x.ID))
		}
		b.WriteString("\n")
	})
	if len(second) > 0 {
		s.t.Errorf("the naive rule has %d commits more", len(second))
	}
	fmt.Fprintf(&b, "undecided from slot (%d,%d)", order.Progress.Round, order.Progress.Rank)
	if len(order.Limbo) > 0 {
		b.WriteString(", waiting below the horizon:")
		for _, id := range order.Limbo {
			fmt.Fprintf(&b, " %s", s.name(id))
		}
	}
	b.WriteString("\n")
	return b.String()
}

// sameCommit compares a commit with the first of those that the naive rule has left.
func sameCommit(c *kernel.Commit, left []naive.Commit) error {
	if len(left) == 0 {
		return fmt.Errorf("commit %d: the naive rule has none", c.Index)
	}
	n := left[0]
	same := c.Index == n.Index && c.Leader.ID == n.Leader.ID && c.Timestamp == n.Timestamp && len(c.Snapshots) == len(n.Settled)
	for i := 0; same && i < len(c.Snapshots); i++ {
		same = c.Snapshots[i].ID == n.Settled[i].ID && c.Snapshots[i].Claim == n.Settled[i].Claim
	}
	if !same {
		return fmt.Errorf("commit %d: the naive rule settles %v by %v at %d", c.Index, n.Settled, n.Leader, n.Timestamp)
	}
	return nil
}

func (s *scenario) votes(slot Slot) (out string) {
	voters, blames, certs := "", "", ""
	for _, v := range s.at(int(slot.Round) + s.wave - 2) {
		if l := s.graph.Support(&v.Cut, slot.Author, slot.Round); l != nil {
			voters += " " + s.name(v.ID) + "→" + s.name(l.ID)
		} else {
			blames += " " + s.name(v.ID)
		}
	}
	for _, v := range s.at(int(slot.Round) + s.wave - 1) {
		if l := s.committer.certifies(v, slot.Author, slot.Round); l != nil {
			certs += " " + s.name(v.ID) + "→" + s.name(l.ID)
		}
	}
	for _, part := range [][2]string{{"vote", voters}, {"blame", blames}, {"certify", certs}} {
		if part[1] != "" {
			out += "\n  " + part[0] + part[1]
		}
	}
	return out
}

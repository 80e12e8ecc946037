package node

import (
	"sync"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/p2p"
	"github.com/asterism-network/asterism/kernel/internal/replica"
)

// Peers are node keys; authors are places in the roster of one epoch.

// A standing is what the engine of the epoch in force says of itself, and which epoch that is.
type standing struct {
	engine.Status
	seat     *replica.Seat
	stranded bool // nobody who is connected keeps what this node needs next
}

// isMember reports whether this node is a member of the epoch in force.
func (s *standing) isMember() bool { return s.seat.Self != engine.Nobody }

// quorum is the number of members that decide.
func (s *standing) quorum() int { return s.seat.Roster.Quorum() }

// nameOf is what people call a node.
func (n *Node) nameOf(key kernel.Key) string {
	if s := n.status.Load(); s != nil {
		if a, ok := s.seat.Place(key); ok {
			return s.seat.Name(a)
		}
	}
	for i := range n.config.Genesis.Members {
		if n.config.Genesis.Members[i].Key == key {
			return n.config.Genesis.Members[i].Name
		}
	}
	return kernel.NodeIDOf(n.network, key).Short()
}

// authorName is what people call an author of an epoch.
func (n *Node) authorName(epoch kernel.Epoch, a kernel.Author) string {
	if s := n.status.Load(); s != nil && s.seat.Epoch == epoch {
		return s.seat.Name(a)
	}
	if epoch == 0 && int(a) < len(n.config.Genesis.Members) {
		return n.config.Genesis.Members[a].Name
	}
	view := n.store.View()
	defer view.Close()
	if f, ok := ledger.FactsOf(view, epoch); ok && int(a) < len(f.Roster.Members) {
		return f.Roster.Members[a].Name
	}
	return "a former member"
}

// meshMembers are those that connections are kept with: the members of the epoch in force and of the
// one before, of the next roster, and whoever has a pledge: who joins follows before it is a member.
func (n *Node) meshMembers() []p2p.Member {
	view := n.store.View()
	defer view.Close()
	var list []p2p.Member
	seen := map[kernel.Key]bool{}
	add := func(key kernel.Key, name string) {
		if !seen[key] && len(list) < p2p.MaxPeers {
			seen[key] = true
			list = append(list, p2p.Member{Key: key, Name: name, Address: n.config.address(key)})
		}
	}
	addAll := func(members []kernel.Member) {
		for i := range members {
			add(members[i].Key, members[i].Name)
		}
	}
	if e, ok := ledger.EpochOf(view); ok {
		addAll(e.Facts.Roster.Members)
		if e.Next != nil {
			addAll(e.Next.Members)
		}
		if e.Number > 0 {
			if before, ok := ledger.FactsOf(view, e.Number-1); ok {
				addAll(before.Roster.Members)
			}
		}
		for _, m := range ledger.MembersOf(view) {
			if m.State == kernel.MemberPledging || m.State == kernel.MemberJoining {
				add(m.Member.Key, m.Member.Name)
			}
		}
	}
	if len(list) == 0 || !seen[n.key.Public()] {
		addAll(n.config.Genesis.Members) // whoever joins begins with those that its genesis names
	}
	return list
}

// address is where a node is reached, "" if the configuration does not say.
func (c *Config) address(key kernel.Key) string {
	if address := c.Peers[key]; address != "" {
		return address
	}
	for a := range c.Genesis.Members {
		if c.Genesis.Members[a].Key == key && a < len(c.Addresses) {
			return c.Addresses[a]
		}
	}
	return ""
}

// regroup connects with whom the newest state says.
func (n *Node) regroup() {
	if err := n.mesh.SetMembers(n.meshMembers()); err != nil {
		n.log.Error("connections", "err", err)
	}
}

// connected lists the peers there are connections with.
func (n *Node) connected() (keys []kernel.Key) {
	for _, p := range n.mesh.Peers() {
		if p.Connected {
			keys = append(keys, p.Key)
		}
	}
	return keys
}

// connectedMembers counts the members of the epoch in force among them.
func (n *Node) connectedMembers(s *standing) (count int) {
	for _, key := range n.connected() {
		if _, ok := s.seat.Place(key); ok {
			count++
		}
	}
	return count
}

// servings counts the answers that wait for each peer.
type servings struct {
	mu    sync.Mutex
	count map[kernel.Key]int
}

// take counts one more, up to most.
func (s *servings) take(to kernel.Key, most int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count[to] >= most {
		return false
	}
	if s.count == nil {
		s.count = make(map[kernel.Key]int)
	}
	s.count[to]++
	return true
}

func (s *servings) give(to kernel.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count[to]--; s.count[to] == 0 {
		delete(s.count, to)
	}
}

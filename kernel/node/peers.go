package node

import (
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/p2p"
)

// Peers are node keys; authors are places in a roster. These are the ways between them.

// authorOf is the author that a peer is; not ok if it is no member.
func (n *Node) authorOf(peer kernel.Key) (kernel.Author, bool) {
	for a := range n.config.Genesis.Members {
		if n.config.Genesis.Members[a].Key == peer {
			return kernel.Author(a), true
		}
	}
	return 0, false
}

// keyOf is the peer that an author is.
func (n *Node) keyOf(a kernel.Author) kernel.Key { return n.config.Genesis.Members[a].Key }

// nameOf is what people call a peer.
func (n *Node) nameOf(peer kernel.Key) string {
	if a, ok := n.authorOf(peer); ok {
		return n.config.Genesis.Members[a].Name
	}
	return peer.String()[:8]
}

// meshMembers are those that connections are kept with.
func (n *Node) meshMembers() (list []p2p.Member) {
	for a, m := range n.config.Genesis.Members {
		member := p2p.Member{Key: m.Key, Name: m.Name}
		if a < len(n.config.Addresses) {
			member.Address = n.config.Addresses[a]
		}
		list = append(list, member)
	}
	return list
}

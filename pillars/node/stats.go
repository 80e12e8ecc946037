package node

import (
	"time"

	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/gossip"
	"github.com/asterism-network/asterism/pillars/internal/mempool"
	"github.com/asterism-network/asterism/pillars/internal/p2p"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// Stats are what operators look at, not older than a second.
type Stats struct {
	At        time.Time
	Tip       consensus.Branch
	Headers   uint32 // height of the heaviest header
	Behind    bool   // headers say that there is much more to come
	DiskFull  bool   // blocks are refused until there is room
	Inbound   int
	Outbound  int
	Known     int // addresses of other nodes
	Pool      mempool.Sizes
	Tree      tree.Sizes
	Talk      gossip.Counters
	Wire      p2p.Counters
	Reorgs    uint64 // since the start
	Connected uint64 // blocks since the start
}

// Stats returns the newest figures.
func (n *Node) Stats() Stats { return *n.stats.Load() }

// publishStats is called by the owner every second.
func (n *Node) publishStats() {
	inbound, outbound := n.mesh.Counts()
	t := n.chain.Tree()
	lead := t.Lead().Number
	n.stats.Store(&Stats{
		At: time.Now(), Tip: n.chain.Tip(), Headers: lead, Behind: n.core.Behind(), DiskFull: n.stalled != nil,
		Inbound: inbound, Outbound: outbound, Known: n.core.Book().Len(),
		Pool: n.pool.Sizes(), Tree: t.Sizes(), Talk: n.core.Counters(), Wire: n.mesh.Counters(),
		Reorgs: n.reorgs, Connected: n.connected,
	})
}

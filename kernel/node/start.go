package node

import (
	"fmt"
	"slices"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/replica"
)

// newEngine builds replica and engine from what the folder holds.
func (n *Node) newEngine() (err error) {
	n.replica, err = replica.New(replica.Config{Genesis: n.config.Genesis, Self: n.self, Store: n.store, Each: onAllCores, Later: true})
	if err != nil {
		return fmt.Errorf("folder %s: %w", n.config.Home, err)
	}
	n.desk.judge, n.door.trip = n.replica.Candidates, n.trip
	restored, err := n.replica.Restored()
	if err != nil {
		return err
	}
	c := n.replica.EngineConfig(signer{n})
	c.BatchWindow = kernel.Timestamp(n.config.BatchWindow.Milliseconds())
	c.IdlePeriod = kernel.Timestamp(n.config.IdlePeriod.Milliseconds())
	c.Fanout = n.config.Fanout
	n.engine = engine.New(c, restored)
	n.certifier = replica.NewCertifier(n.store, n.config.Genesis, signer{n})
	return nil
}

// trip is how long a message takes to the slowest of the members that make a quorum with this node, and
// back; of those that are connected, if they are fewer.
func (n *Node) trip() time.Duration {
	var all []time.Duration
	for _, p := range n.mesh.Peers() {
		if p.Connected {
			all = append(all, p.RTT)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(n.config.Genesis.Roster().Quorum()-1, len(all))-1]
}

// signer makes the node's own signatures and coin shares.
type signer struct{ n *Node }

func (s signer) Sign(id kernel.SnapshotID) kernel.Signature { return s.n.key.Sign(id[:]) }

func (s signer) SignRecord(h kernel.Hash) kernel.Signature { return s.n.key.Sign(h[:]) }

func (s signer) Share(r kernel.Round) *kernel.CoinShare { return s.n.coin.Share(r) }

// SignCheckpoint implements replica.CheckpointSigner.
func (s signer) SignCheckpoint(roster *kernel.EpochRoster, h kernel.Hash) (kernel.Author, kernel.Signature, bool) {
	for i := range roster.Members {
		if roster.Members[i].Key == s.n.key.Public() && roster.CheckpointKey(kernel.Author(i)) == s.n.key.Public() {
			return kernel.Author(i), s.n.key.Sign(h[:]), true
		}
	}
	return 0, kernel.Signature{}, false
}

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
	n.replica, err = replica.New(replica.Config{Genesis: n.config.Genesis, Key: n.key.Public(), Store: n.store, Each: onAllCores, Later: true})
	if err != nil {
		return fmt.Errorf("folder %s: %w", n.config.Home, err)
	}
	n.desk.judge, n.door.trip = n.replica.Candidates, n.trip
	n.keyring, err = openKeyring(n.config.keyringFile())
	if err != nil {
		return err
	}
	n.host, err = replica.NewHost(n.replica, replica.HostConfig{
		Node: n.key, CoinShare: n.config.Identity.CoinShare, CheckpointKey: n.keyring.public, Tune: n.tune,
	})
	n.certifier = replica.NewCertifier(n.store, n.config.Genesis, checkpointSigner{n.key, n.keyring})
	if err != nil {
		return err
	}
	return n.checkVersion(n.host.Seat().Epoch)
}

// tune says how fast an engine goes.
func (n *Node) tune(c *engine.Config) {
	c.BatchWindow = kernel.Timestamp(n.config.BatchWindow.Milliseconds())
	c.IdlePeriod = kernel.Timestamp(n.config.IdlePeriod.Milliseconds())
	c.Fanout = n.config.Fanout
}

// trip is how long a message takes to the slowest of the members that make a quorum with this node, and
// back; of those that are connected, if they are fewer.
func (n *Node) trip() time.Duration {
	var all []time.Duration
	s := n.status.Load()
	for _, p := range n.mesh.Peers() {
		if _, member := s.seat.Place(p.Key); member && p.Connected {
			all = append(all, p.RTT)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(s.quorum()-1, len(all))-1]
}

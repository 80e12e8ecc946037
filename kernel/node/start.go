package node

import (
	"fmt"

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
	restored, err := n.replica.Restored()
	if err != nil {
		return err
	}
	c := n.replica.EngineConfig(signer{n})
	c.BatchWindow = kernel.Timestamp(n.config.BatchWindow.Milliseconds())
	c.IdlePeriod = kernel.Timestamp(n.config.IdlePeriod.Milliseconds())
	c.Fanout = n.config.Fanout
	n.engine = engine.New(c, restored)
	return nil
}

// signer makes the node's own signatures and coin shares.
type signer struct{ n *Node }

func (s signer) Sign(id kernel.SnapshotID) kernel.Signature { return s.n.key.Sign(id[:]) }

func (s signer) SignRecord(h kernel.Hash) kernel.Signature { return s.n.key.Sign(h[:]) }

func (s signer) Share(r kernel.Round) *kernel.CoinShare { return s.n.coin.Share(r) }

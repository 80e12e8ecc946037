package node

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
	"github.com/asterism-network/asterism/kernel/internal/replica"
)

// misdeedEvery is how often a node that carries what no honest member carries tries to: the state may not offer what
// it needs, and a commit may overtake it.
const misdeedEvery = 300 * time.Millisecond

// misdeedAhead is how many commits may come before the engine has taken a misdeed; it waits for them.
const misdeedAhead = 10

// misdeeds puts transactions into this node's own snapshots that it should have refused, while it votes.
func (n *Node) misdeeds(ctx context.Context) error {
	tick := time.NewTicker(misdeedEvery)
	defer tick.Stop()
	transactions, err := kernel.GenesisTransactions(n.config.Genesis)
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		s := n.status.Load()
		if !s.isMember() || s.Phase != engine.Active || s.seat.Roster.Members[s.seat.Self].Flagged {
			continue
		}
		c, ok := n.misdeed(transactions)
		if !ok {
			continue
		}
		n.misdone.Store(string(c.Raw), true)
		n.log.Warn("misbehaving on purpose: a transaction that should be refused", "transaction", c.Hash.Short(), "commit", c.Checked)
		if !n.push(ctx, replica.Input{Admitted: []mempool.Candidate{c}}) {
			return nil
		}
	}
}

// innocent leaves out misdeeds of what is sent around: others end the connection with whoever sends such, and this is
// about what a member carries.
func (n *Node) innocent(raws [][]byte) [][]byte {
	return slices.DeleteFunc(slices.Clone(raws), func(raw []byte) bool {
		_, bad := n.misdone.Load(string(raw))
		return bad
	})
}

// misdeed makes a payment of a genesis output with a signature that is not its owner's. Of an output that is spent
// already the order of judgement finds a double spend (E2), of another the signature (E3).
func (n *Node) misdeed(genesis []*kernel.Transaction) (c mempool.Candidate, ok bool) {
	view := n.store.View()
	defer view.Close()
	var from kernel.OutputRef
	var most kernel.Output
	var asset kernel.AssetID
	for _, tx := range genesis {
		for i := range tx.Outputs {
			ref := kernel.OutputRef{Hash: tx.Hash(), Index: uint16(i)}
			out, known := view.Output(ref)
			if known && out.Type == kernel.OutputScript && out.SpentBy.IsZero() == (n.config.Misbehave == BadBody) && out.Amount.Compare(most.Amount) >= 0 {
				from, most, asset = ref, out.Output, out.Asset // the largest, and the last of them: the least likely to move meanwhile
			}
		}
	}
	if most.Amount.IsZero() {
		return c, false
	}
	var seeds [2][32]byte
	rand.Read(seeds[0][:])
	rand.Read(seeds[1][:])
	tx := &kernel.Transaction{
		Asset: asset, Inputs: []kernel.Input{{OutputRef: from}},
		Outputs: []kernel.Output{{
			Amount: most.Amount, Script: kernel.NewScript(1),
			Keys: []kernel.Key{crypto.NodeKeyFromSeed(seeds[0]).Public()}, Mask: crypto.NodeKeyFromSeed(seeds[1]).Public(),
		}},
	}
	hash := tx.Hash()
	tx.Signatures = []kernel.SignatureMap{{{Signature: n.key.Sign(hash[:])}}}
	raw, err := tx.AppendBinary(nil)
	return mempool.Candidate{Claim: mempool.Claim{Hash: hash}, Raw: raw, Signatures: 1, Checked: view.Head().Index + misdeedAhead}, err == nil
}

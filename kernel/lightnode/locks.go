package lightnode

import (
	"context"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// locksAtOnce is how many locks one call asks for; maxLockPages bounds what a node can make of it.
const (
	locksAtOnce  = 500
	maxLockPages = 10_000
)

// readLocks learns which outputs cannot be spent because they vote. No checkpoint covers that: it is shown apart, as
// what a node says, and nothing follows from it. The node lists all locks and is not told whose are looked for.
func (n *Node) readLocks(ctx context.Context, good []*client.Client) {
	n.locked = nil
	own := n.ownXIN()
	if len(own) == 0 {
		return
	}
	for _, node := range good {
		if n.locked = locksOf(ctx, node, own); n.locked != nil {
			return
		}
	}
}

// locksOf takes those of the given outputs that a node says are locked; nil if it does not say.
func locksOf(ctx context.Context, node *client.Client, own map[kernel.OutputRef]bool) map[kernel.OutputRef]bool {
	found := map[kernel.OutputRef]bool{}
	after := ""
	for range maxLockPages {
		page, err := node.Locks(ctx, after, locksAtOnce)
		if err != nil {
			return nil
		}
		for i := range page.Items {
			if ref := (kernel.OutputRef{Hash: page.Items[i].Hash, Index: page.Items[i].Index}); own[ref] {
				found[ref] = true
			}
		}
		if page.Next == "" {
			return found
		}
		if page.Next <= after {
			return nil
		}
		after = page.Next
	}
	return nil
}

func (n *Node) ownXIN() map[kernel.OutputRef]bool {
	own := map[kernel.OutputRef]bool{}
	list := n.account.Own()
	for i := range list {
		if o := &list[i]; !o.Spent && o.Output.Asset == kernel.XIN {
			own[kernel.OutputRef{Hash: o.Output.Transaction, Index: o.Output.Index}] = true
		}
	}
	return own
}

// Locked is how much of the account's XIN votes or stands behind a light witness, and cannot be spent yet. known is
// false where no node has told; what one tells is not proved.
func (n *Node) Locked() (amount kernel.Amount, known bool) {
	if n.account == nil || n.locked == nil {
		return amount, false
	}
	return n.account.Locked(func(ref kernel.OutputRef) bool { return n.locked[ref] })
}

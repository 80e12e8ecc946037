package devnet

import (
	"context"
	"sync"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// A feed is the total order as the nodes have shown it, kept for the simulated users: ten
// wallets on one machine need not each ask for the same commits. It is a wallet.Source.
type feed struct {
	mu      sync.Mutex // guards all below
	commits []client.Commit
}

// add appends the next commit; whichever node shows it first is heard.
func (f *feed) add(c *client.Commit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if int(c.Index) == len(f.commits) {
		f.commits = append(f.commits, *c)
	}
}

// CommitsPage returns the commits that are known from an index on.
func (f *feed) CommitsPage(_ context.Context, from kernel.CommitIndex, limit int) (client.CommitPage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := kernel.CommitIndex(len(f.commits))
	page := client.CommitPage{Next: from}
	if n > 0 {
		page.Head = n - 1
	}
	if from < n {
		page.Items = f.commits[from:min(n, from+kernel.CommitIndex(limit))]
		page.Next = from + kernel.CommitIndex(len(page.Items))
	}
	return page, nil
}

// Transaction is never needed: the client completes every commit of a stream.
func (f *feed) Transaction(context.Context, kernel.TxHash) (*client.Transaction, error) {
	return nil, nil
}

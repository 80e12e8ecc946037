package explorer

import (
	"context"
	"errors"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

const (
	infoPeriod   = time.Second
	graphPeriod  = 250 * time.Millisecond
	assetsPeriod = 20 * time.Second
	callTimeout  = 4 * time.Second
	patience     = 3 * time.Second // a source that does not answer for so long is replaced

	openRounds  = 60  // how far back a poll looks for what is still open
	firstCommit = 100 // how many past commits a new stream begins with
)

// watchNode asks one node how it is, until ctx ends.
func (e *Explorer) watchNode(ctx context.Context, i int) {
	var assets time.Time
	for {
		call, cancel := context.WithTimeout(ctx, callTimeout)
		begun := time.Now()
		info, err := e.clients[i].Info(call)
		if ctx.Err() == nil {
			e.state.setInfo(i, info, err, time.Since(begun))
		}
		if err == nil && i == e.state.sourceIndex() && time.Since(assets) > assetsPeriod {
			if list, err := e.clients[i].Assets(call); err == nil {
				e.state.setAssets(list)
				assets = time.Now()
			}
		}
		cancel()
		if !pause(ctx, infoPeriod) {
			return
		}
	}
}

// watchGraph keeps the newest rounds as the source sees them and replaces a silent source.
func (e *Explorer) watchGraph(ctx context.Context) {
	for {
		i := e.state.sourceIndex()
		call, cancel := context.WithTimeout(ctx, callTimeout)
		err := e.readGraph(call, e.clients[i])
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && e.state.silentFor() > patience, e.state.unfitFor() > patience:
			if e.state.nextSource() {
				e.log.Warn("another node is the source now", "left", e.config.Nodes[i], "err", err)
			}
		}
		if !pause(ctx, graphPeriod) {
			return
		}
	}
}

// readGraph reads from the oldest round that may still change to the newest one.
func (e *Explorer) readGraph(ctx context.Context, node *client.Client) error {
	from, known := e.state.graphFrom()
	if known {
		g, err := node.Graph(ctx, from, from+maxSpan-1)
		if err != nil || g.Newest <= g.To && g.Epoch == e.state.graphEpoch() {
			return e.took(g, err)
		}
	}
	g, err := node.Graph(ctx, 0, 0)
	if err != nil {
		return err
	}
	from = max(g.Newest, windowRounds) - windowRounds
	return e.took(node.Graph(ctx, max(from, 1), max(g.Newest, 1)))
}

func (e *Explorer) took(g client.Graph, err error) error {
	if err == nil {
		e.state.applyGraph(&g)
	}
	return err
}

// maxSpan is the most rounds that a node gives in one answer.
const maxSpan = 500

var errNewSource = errors.New("another node is the source now")

// watchCommits follows the total order. The index of a commit is the same on all nodes, so
// another source continues where the last one stopped.
func (e *Explorer) watchCommits(ctx context.Context) {
	for ctx.Err() == nil {
		i := e.state.sourceIndex()
		from, ok := e.commitsFrom(ctx, i)
		if ok {
			e.followCommits(ctx, i, from)
		}
		if !pause(ctx, time.Second) {
			return
		}
	}
}

func (e *Explorer) commitsFrom(ctx context.Context, source int) (kernel.CommitIndex, bool) {
	if last, ok := e.state.lastCommit(); ok {
		return last + 1, true
	}
	call, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	info, err := e.clients[source].Info(call)
	if err != nil {
		return 0, false
	}
	return max(info.Head.Index, firstCommit) - firstCommit, true
}

// followCommits reads the stream until it fails for good or the source changes.
func (e *Explorer) followCommits(ctx context.Context, source int, from kernel.CommitIndex) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		for pause(ctx, time.Second) {
			if e.state.sourceIndex() != source {
				cancel(errNewSource)
			}
		}
	}()
	for commit, err := range e.clients[source].Commits(ctx, from) {
		if err != nil {
			if context.Cause(ctx) == nil {
				e.log.Warn("commit stream ended", "node", e.config.Nodes[source], "err", err)
				e.state.forgetCommits() // pruned, or a network that began anew: from the head again
			}
			return
		}
		e.state.applyCommit(commit)
	}
}

// pause waits; false when ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

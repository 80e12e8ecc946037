package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// An offer is the state that a node has.
type offer struct {
	node *client.Client
	at   kernel.CommitIndex
}

// InitFromNodes is InitFrom with the newest certified state that some nodes have: it reads the beginning of each, verifies the
// rosters from the genesis on, and takes the newest whole; where that is not what was certified, or breaks off, the next.
// progress is told the bytes that have come. Nothing that a node says is taken for granted. [CHK-60]
func InitFromNodes(ctx context.Context, home string, c InitConfig, nodes []*client.Client, progress func(bytes int64)) (*kernel.Checkpoint, error) {
	if HasFolder(home) {
		return nil, fmt.Errorf("%s: %w", home, ErrHasFolder)
	}
	return fromNodes(ctx, c.Genesis, nodes, progress, func(in io.Reader) (*kernel.Checkpoint, error) { return InitFrom(home, c, in) })
}

// RenewFromNodes is Renew with the newest certified state that some nodes have, as InitFromNodes takes it.
func RenewFromNodes(ctx context.Context, home string, c InitConfig, nodes []*client.Client, progress func(bytes int64)) (cp *kernel.Checkpoint, aside string, err error) {
	cp, err = fromNodes(ctx, c.Genesis, nodes, progress, func(in io.Reader) (cp *kernel.Checkpoint, err error) {
		cp, aside, err = Renew(home, c, in)
		return cp, err
	})
	return cp, aside, err
}

// fromNodes tries the states that nodes have, the newest first.
func fromNodes(ctx context.Context, g *kernel.Genesis, nodes []*client.Client, progress func(int64), take func(io.Reader) (*kernel.Checkpoint, error)) (*kernel.Checkpoint, error) {
	var offers []offer
	var failed error
	for _, n := range nodes {
		at, err := offered(ctx, n, g)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", n.URL(), err))
			continue
		}
		offers = append(offers, offer{n, at})
	}
	slices.SortStableFunc(offers, func(a, b offer) int { return cmp.Compare(b.at, a.at) })
	for _, o := range offers {
		cp, err := fromNode(ctx, o.node, progress, take)
		if err == nil || ctx.Err() != nil || !errors.Is(err, ErrState) && !errors.Is(err, errBrokenOff) {
			return cp, err // what failed here would fail with another state too
		}
		failed = errors.Join(failed, fmt.Errorf("%s: %w", o.node.URL(), err))
	}
	return nil, failed
}

// errBrokenOff says that a node was not there any more.
var errBrokenOff = errors.New("the node does not give its state")

// ErrHasFolder refuses to make a folder where one is.
var ErrHasFolder = store.ErrExists

// offered reads the beginning of a node's state.
func offered(ctx context.Context, n *client.Client, g *kernel.Genesis) (kernel.CommitIndex, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // the rest is not wanted
	in, err := n.State(ctx)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	cp, err := replica.ReadState(g, in)
	if err != nil {
		return 0, err
	}
	return cp.Index, nil
}

func fromNode(ctx context.Context, n *client.Client, progress func(int64), take func(io.Reader) (*kernel.Checkpoint, error)) (*kernel.Checkpoint, error) {
	in, err := n.State(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBrokenOff, err)
	}
	defer in.Close()
	return take(&counted{Reader: in, told: progress})
}

// counted tells how much was read.
type counted struct {
	io.Reader
	bytes int64
	told  func(int64)
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.bytes += int64(n)
	c.told(c.bytes)
	return n, err
}

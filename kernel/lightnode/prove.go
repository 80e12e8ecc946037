package lightnode

import (
	"context"
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/light"
)

// ErrNoProof says that no node gave a proof that holds.
var ErrNoProof = errors.New("no node gives a proof that holds")

// ProveTransaction fetches a proof that a transaction is final, with all that is needed to verify it
// beside the genesis file, and verifies it. The chain goes on to the proof's checkpoint.
func ProveTransaction(ctx context.Context, g *kernel.Genesis, nodes []*client.Client, hash kernel.TxHash) (*kernel.ProofFile, error) {
	return prove(ctx, g, nodes, func(node *client.Client) (*kernel.ProofFile, error) {
		p, raw, err := node.FinalityProof(ctx, hash)
		if err != nil || p == nil {
			return nil, missingProof(err)
		}
		return &kernel.ProofFile{Finality: p, Transaction: raw}, nil
	})
}

// ProveOutput fetches a proof that an output is unspent, or spent.
func ProveOutput(ctx context.Context, g *kernel.Genesis, nodes []*client.Client, ref kernel.OutputRef) (*kernel.ProofFile, error) {
	return prove(ctx, g, nodes, func(node *client.Client) (*kernel.ProofFile, error) {
		p, err := node.OutputProof(ctx, ref)
		if err != nil || p == nil {
			return nil, missingProof(err)
		}
		if p.Output != nil && p.Output.Ref() != ref {
			return nil, fmt.Errorf("%w: of another output", light.BranchInvalid)
		}
		return &kernel.ProofFile{Output: p}, nil
	})
}

func missingProof(err error) error {
	if err == nil {
		err = errors.New("it knows nothing of it")
	}
	return err
}

// prove asks one node after the other until one gives a proof that holds.
func prove(ctx context.Context, g *kernel.Genesis, nodes []*client.Client, ask func(*client.Client) (*kernel.ProofFile, error)) (*kernel.ProofFile, error) {
	failed := ErrNoProof
	for _, node := range nodes {
		f, err := ask(node)
		if err == nil {
			f.Network = g.NetworkID()
			if f.Rosters, err = allRosters(ctx, node, f.Certificate().Checkpoint.Epoch); err == nil {
				err = light.VerifyFile(g, f)
			}
		}
		if err == nil {
			return f, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		failed = fmt.Errorf("%w; %s: %w", failed, node.URL(), err)
	}
	return nil, failed
}

// allRosters are the changes from the genesis to an epoch.
func allRosters(ctx context.Context, node *client.Client, to kernel.Epoch) (all []kernel.RosterChange, err error) {
	for kernel.Epoch(len(all)) < to {
		more, err := node.RosterChanges(ctx, kernel.Epoch(len(all)), rostersAtOnce)
		if err != nil {
			return nil, err
		}
		if len(more) == 0 {
			return nil, fmt.Errorf("%w: the node does not show how epoch %d came about", light.WrongEpoch, to)
		}
		all = append(all, more[:min(len(more), int(to)-len(all))]...)
	}
	return all, nil
}

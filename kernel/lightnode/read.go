package lightnode

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/light"
)

const (
	placesAtOnce   = 2048 // of the tree of outputs: half a megabyte
	receiptsAtOnce = 512  // with their transactions
	turns          = 8    // of reading, while the head moves on
	saveEvery      = 64   // ranges
)

// read brings the account to the head. Each node is used until it fails or lies.
func (n *Node) read(ctx context.Context, good []*client.Client, progress func(Progress)) error {
	var failed error
	for _, node := range good {
		err := n.readFrom(ctx, node, progress)
		var alarm *light.Alarm
		if err == nil || errors.As(err, &alarm) || errors.Is(err, ErrFile) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n.refuse(node, err)
		failed = errors.Join(failed, fmt.Errorf("%s: %w", node.URL(), err))
	}
	return fmt.Errorf("%w: %w", ErrUnfinished, failed)
}

func (n *Node) readFrom(ctx context.Context, node *client.Client, progress func(Progress)) error {
	for range turns {
		var err error
		if n.config.History {
			err = n.replay(ctx, node, progress)
		} else if err = n.scan(ctx, node, progress); err == nil {
			err = n.look(ctx, node)
		}
		if err != nil || n.Complete() {
			return err
		}
	}
	return errors.New("the ledger goes on faster than it can be read")
}

// A page is a range on its way from a node.
type page[T any] struct {
	content     T
	certificate *kernel.CheckpointProof
	err         error
}

// ahead asks for a page while another one is worked on.
func ahead[T any](ask func() page[T]) <-chan page[T] {
	c := make(chan page[T], 1)
	go func() { c <- ask() }()
	return c
}

// under believes what a page is proved under and says whether that is the head now.
func (n *Node) under(ctx context.Context, node *client.Client, p *kernel.CheckpointProof) error {
	if head, _ := n.chain.Head(); p.Checkpoint == head {
		return nil
	}
	if err := n.accept(ctx, node, p); err != nil {
		return err
	}
	if head, _ := n.chain.Head(); p.Checkpoint != head {
		return fmt.Errorf("%w: the node proves under commit %d", light.Older, p.Checkpoint.Index)
	}
	return nil
}

// scan looks through the outputs behind those that were looked at.
func (n *Node) scan(ctx context.Context, node *client.Client, progress func(Progress)) error {
	ask := func(from uint64) <-chan page[*kernel.OutputRange] {
		return ahead(func() (p page[*kernel.OutputRange]) {
			p.content, p.certificate, p.err = node.OutputRange(ctx, from, placesAtOnce)
			return p
		})
	}
	head, _ := n.chain.Head()
	if n.account.NextOutput() >= head.Outputs.Count {
		return nil
	}
	coming := ask(n.account.NextOutput())
	for ranges := 1; ; ranges++ {
		p := <-coming
		if p.err != nil {
			return p.err
		}
		if p.content == nil {
			return fmt.Errorf("%w: nothing from place %d on", light.RangeIncomplete, n.account.NextOutput())
		}
		if err := n.under(ctx, node, p.certificate); err != nil {
			return err
		}
		head, _ = n.chain.Head()
		next := p.content.From + uint64(len(p.content.Outputs))
		if next < head.Outputs.Count {
			coming = ask(next)
		}
		if err := n.chain.Outputs(p.content); err != nil {
			return err
		}
		if err := n.account.Take(&head, p.content, n.recognize(p.content)); err != nil {
			return err
		}
		n.saved = false
		progress(Progress{head.Index, next, head.Outputs.Count})
		if next >= head.Outputs.Count {
			return nil
		}
		if ranges%saveEvery == 0 {
			if err := n.save(); err != nil {
				return err
			}
		}
	}
}

// recognize finds the account's outputs in a range on all cores.
func (n *Node) recognize(r *kernel.OutputRange) (found []light.Own) {
	parts := make([][]light.Own, n.cores)
	size := (len(r.Outputs) + n.cores - 1) / n.cores
	var group sync.WaitGroup
	for i := range parts {
		from, to := min(i*size, len(r.Outputs)), min((i+1)*size, len(r.Outputs))
		group.Go(func() { parts[i] = n.account.Recognize(r.From+uint64(from), r.Outputs[from:to]) })
	}
	group.Wait()
	for _, part := range parts {
		found = append(found, part...)
	}
	return found
}

// look asks for the places of own outputs that were seen under an older checkpoint. [CHK-32]
func (n *Node) look(ctx context.Context, node *client.Client) error {
	head, _ := n.chain.Head()
	for _, place := range n.account.Stale(&head) {
		p, err := node.PlaceProof(ctx, place)
		if err != nil {
			return err
		}
		if p == nil || p.Branch.Place != place {
			return fmt.Errorf("%w: nothing of place %d", light.BranchInvalid, place)
		}
		if err := n.under(ctx, node, &p.Certificate); err != nil {
			return err
		}
		head, _ = n.chain.Head()
		if err := n.account.Look(&head, &p.Branch); err != nil {
			return err
		}
		n.saved = false
	}
	return nil
}

// replay reads the receipts behind those that were read, with their transactions.
func (n *Node) replay(ctx context.Context, node *client.Client, progress func(Progress)) error {
	for ranges := 1; ; ranges++ {
		head, _ := n.chain.Head()
		if n.account.NextReceipt() >= head.Receipts.Count {
			if n.Complete() {
				return nil
			}
			n.saved = false
			return n.account.Idle(&head) // the checkpoint is newer, and nothing was paid since
		}
		r, raws, certificate, err := node.ReceiptRange(ctx, n.account.NextReceipt(), receiptsAtOnce)
		if err != nil {
			return err
		}
		if r == nil || len(raws) != len(r.Receipts) {
			return fmt.Errorf("%w: nothing from receipt %d on", light.RangeIncomplete, n.account.NextReceipt())
		}
		if err := n.under(ctx, node, certificate); err != nil {
			return err
		}
		var final [][]byte
		for i := range raws {
			if r.Receipts[i].Status == kernel.Final {
				final = append(final, raws[i])
			}
		}
		head, _ = n.chain.Head()
		if err := n.account.Replay(&head, r, final); err != nil {
			return err
		}
		n.saved = false
		progress(Progress{head.Index, n.account.NextReceipt(), head.Receipts.Count})
		if ranges%saveEvery == 0 {
			if err := n.save(); err != nil {
				return err
			}
		}
	}
}

package wallet

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
)

// A Node answers a wallet from a daemon's public interface. It is a Source, a Sender and a Directory.
type Node struct {
	client *client.Client
	params *pillars.Params
}

// From asks the daemon that c calls, which must be of the network with the profile.
func From(c *client.Client, p *pillars.Params) Node { return Node{c, p} }

var (
	_ Source    = Node{}
	_ Sender    = Node{}
	_ Directory = Node{}
)

// historyPage is how many touches are asked for at once.
const historyPage = 500

// Tip returns the last block.
func (n Node) Tip(ctx context.Context) (Tip, error) {
	t, err := n.client.Tip(ctx)
	return Tip{Height: t.Height, ID: t.Hash, Median: t.Median}, err
}

// Outputs reads all that ever touched the addresses, and returns one page.
func (n Node) Outputs(ctx context.Context, to []pillars.Address, _ string) ([]Output, string, error) {
	var all collected
	texts := make([]string, len(to))
	for i, a := range to {
		texts[i] = a.Text(n.params.Address)
	}
	from := ""
	for range maxPages {
		page, err := n.client.History(ctx, texts, from, historyPage)
		if err != nil {
			return nil, "", err
		}
		for i := range page.Items {
			if err := all.take(&page.Items[i]); err != nil {
				return nil, "", err
			}
		}
		switch {
		case page.Next == "":
			return all.list, "", nil
		case page.Next == from:
			return nil, "", fmt.Errorf("%w: a page leads to itself", ErrSource)
		case len(all.list) > maxOutputs:
			return nil, "", fmt.Errorf("%w: more than %d outputs", ErrSource, maxOutputs)
		}
		from = page.Next
	}
	return nil, "", fmt.Errorf("%w: more than %d pages", ErrSource, maxPages)
}

// collected are outputs, found again when they are spent.
type collected struct {
	list []Output
	at   map[pillars.Outpoint]int
}

func (c *collected) take(t *client.Touch) error {
	if c.at == nil {
		c.at = map[pillars.Outpoint]int{}
	}
	height := uint32(Unconfirmed)
	if t.Height != nil {
		height = *t.Height
	}
	for i := range t.Received {
		point := pillars.Outpoint{Tx: t.Tx, Index: t.Received[i].Index}
		o := Output{Point: point, Version: t.Version, Height: height, Time: t.Time, Median: t.Median, Generated: t.Generated}
		raw, err := hex.DecodeString(t.Received[i].Hex)
		if err == nil {
			err = o.Output.UnmarshalBinary(raw)
		}
		if err != nil {
			return fmt.Errorf("%w: output %s:%d: %w", ErrSource, t.Tx, point.Index, err)
		}
		if _, known := c.at[point]; !known {
			c.at[point] = len(c.list)
			c.list = append(c.list, o)
		}
	}
	for _, point := range t.Spent {
		if i, known := c.at[point]; known {
			o := &c.list[i]
			o.Spent, o.SpentBy, o.SpentHeight, o.SpentTime = true, t.Tx, height, t.Time
		}
	}
	return nil
}

// Transaction returns a transaction whole.
func (n Node) Transaction(ctx context.Context, id pillars.TxID) (*pillars.Transaction, error) {
	return n.client.RawTransaction(ctx, id)
}

// Submit gives a signed transaction to the network.
func (n Node) Submit(ctx context.Context, tx *pillars.Transaction) error {
	id, err := n.client.Send(ctx, tx)
	if err == nil && id != tx.ID() {
		return fmt.Errorf("%w: sent %s, the node answers %s", ErrSource, tx.ID(), id)
	}
	return err
}

// Avatar returns the address that an avatar is bound to.
func (n Node) Avatar(ctx context.Context, symbol string) (at pillars.Address, ok bool, err error) {
	found, err := n.client.Avatar(ctx, symbol)
	if errors.Is(err, client.ErrNotFound) {
		return at, false, nil
	}
	if err != nil {
		return at, false, err
	}
	at, err = pillars.ParseAddress(found.Address, n.params.Address)
	if err == nil && found.Symbol != symbol {
		err = fmt.Errorf("%w: asked for avatar %s, got %s", ErrSource, symbol, found.Symbol)
	}
	return at, err == nil, err
}

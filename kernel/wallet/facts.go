package wallet

import (
	"fmt"

	"github.com/asterism-network/asterism/kernel"
)

// A Cursor is how far a wallet has read the total order.
type Cursor struct {
	Next   kernel.CommitIndex `json:"next"`            // first commit not read
	Digest kernel.Digest      `json:"digest,omitzero"` // of commit Next-1; zero before any was read
}

// facts are what the ledger says about one wallet. They change by whole changes only, and the
// cursor moves with the outputs it accounts for.
type facts struct {
	cursor   Cursor
	outputs  map[Ref]*Output
	keys     map[kernel.Key]Ref // each of our one-time keys and the output that counts for it
	burned   []Ref              // outputs to a key that was used before
	items    []Item
	byHash   map[kernel.TxHash]int // place in items
	rejected map[kernel.TxHash]kernel.Receipt
}

func newFacts(birthday kernel.CommitIndex) facts {
	return facts{
		cursor:  Cursor{Next: birthday},
		outputs: map[Ref]*Output{}, keys: map[kernel.Key]Ref{},
		byHash: map[kernel.TxHash]int{}, rejected: map[kernel.TxHash]kernel.Receipt{},
	}
}

// A change is what some commits in a row mean for a wallet: one entry of the scan file.
type change struct {
	Cursor   Cursor           `json:"cursor,omitzero"` // zero: it does not move, more belongs to it
	Created  []Output         `json:"created,omitempty"`
	Burned   []Ref            `json:"burned,omitempty"`
	Spent    []spending       `json:"spent,omitempty"`
	Items    []Item           `json:"items,omitempty"`
	Rejected []kernel.Receipt `json:"rejected,omitempty"` // of our own payments
}

type spending struct {
	Ref Ref                `json:"ref"`
	By  kernel.TxHash      `json:"by"`
	At  kernel.CommitIndex `json:"at"`
}

func (c *change) empty() bool {
	return len(c.Created)+len(c.Burned)+len(c.Spent)+len(c.Items)+len(c.Rejected) == 0
}

// apply moves the facts on. It checks everything before it changes anything: an entry that
// would count something twice is damage, whatever its checksum says.
func (f *facts) apply(c *change) error {
	if err := f.check(c); err != nil {
		return fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	for i := range c.Created {
		o := &c.Created[i]
		f.outputs[o.Ref] = o
		f.keys[o.Keys[o.Own]] = o.Ref
	}
	for _, s := range c.Spent {
		o := f.outputs[s.Ref]
		o.SpentBy, o.SpentAt = s.By, s.At
	}
	for _, item := range c.Items {
		f.byHash[item.Transaction] = len(f.items)
		f.items = append(f.items, item)
	}
	for _, r := range c.Rejected {
		f.rejected[r.Transaction] = r
	}
	f.burned = append(f.burned, c.Burned...)
	if c.Cursor != (Cursor{}) {
		f.cursor = c.Cursor
	}
	return nil
}

func (f *facts) check(c *change) error {
	if c.Cursor != (Cursor{}) && c.Cursor.Next < f.cursor.Next {
		return fmt.Errorf("cursor goes back from %d to %d", f.cursor.Next, c.Cursor.Next)
	}
	created := map[Ref]*Output{}
	keys := map[kernel.Key]bool{}
	sums := map[kernel.AssetID]kernel.Amount{}
	for i := range c.Created {
		o := &c.Created[i]
		if o.Own < 0 || o.Own >= len(o.Keys) || o.Amount.IsZero() {
			return fmt.Errorf("output %s has no key of ours or no amount", o.Ref)
		}
		key := o.Keys[o.Own]
		if _, known := f.keys[key]; known || keys[key] || f.outputs[o.Ref] != nil || created[o.Ref] != nil {
			return fmt.Errorf("output %s counts twice", o.Ref)
		}
		sum, ok := sums[o.Asset].Add(o.Amount)
		if !ok {
			return fmt.Errorf("sum of asset %s overflows", o.Asset)
		}
		sums[o.Asset], created[o.Ref], keys[key] = sum, o, true
	}
	for _, o := range f.outputs { // balances add up without asking again
		if _, touched := sums[o.Asset]; touched && !o.Spent() {
			sum, ok := sums[o.Asset].Add(o.Amount)
			if !ok {
				return fmt.Errorf("sum of asset %s overflows", o.Asset)
			}
			sums[o.Asset] = sum
		}
	}
	spent := map[Ref]bool{}
	for _, s := range c.Spent {
		o := f.outputs[s.Ref]
		if o == nil {
			o = created[s.Ref]
		}
		if o == nil || o.Spent() || spent[s.Ref] || s.By.IsZero() {
			return fmt.Errorf("output %s is unknown or spent twice", s.Ref)
		}
		spent[s.Ref] = true
	}
	for _, item := range c.Items {
		if _, known := f.byHash[item.Transaction]; known {
			return fmt.Errorf("transaction %s is listed twice", item.Transaction)
		}
	}
	return nil
}

// everything is the facts as changes that rebuild them from nothing, the cursor in the last.
func (f *facts) everything() []any {
	const step = 4096
	all := f.list(func(*Output) bool { return true })
	var out []any
	for len(all) > step {
		out = append(out, change{Created: all[:step:step]})
		all = all[step:]
	}
	items := f.items
	for len(items) > step {
		out = append(out, change{Items: items[:step:step]})
		items = items[step:]
	}
	last := change{Cursor: f.cursor, Created: all, Items: items, Burned: f.burned}
	for _, r := range f.rejected {
		last.Rejected = append(last.Rejected, r)
	}
	return append(out, last)
}

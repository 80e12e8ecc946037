package wallet

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/asterism-network/asterism/pillars"
)

// An Entry is one transaction as it changed the wallet: one line of its history.
type Entry struct {
	ID       pillars.TxID     `json:"id"`
	Height   uint32           `json:"height"` // or Unconfirmed
	Time     uint32           `json:"time"`
	Received pillars.Amount   `json:"received"` // by own addresses
	Paid     pillars.Amount   `json:"paid"`     // from own addresses; what is not received again is for others and the fee
	Assets   map[string]int64 `json:"assets,omitempty"`
	Kind     string           `json:"kind"`
	Label    string           `json:"label,omitempty"`
}

// History returns what the last scan found, oldest first, what is unconfirmed last.
func (w *Wallet) History() []Entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[pillars.TxID]*Entry{}
	at := func(id pillars.TxID, height, time uint32) *Entry {
		if all[id] == nil {
			all[id] = &Entry{ID: id, Height: height, Time: time, Label: w.book.Labels[id.String()]}
		}
		return all[id]
	}
	for _, o := range w.outputs {
		made := at(o.Point.Tx, o.Height, o.Time)
		made.Received += o.Output.Value
		made.count(&o.Output, 1)
		made.call(o)
		if o.Spent {
			spent := at(o.SpentBy, o.SpentHeight, o.SpentTime)
			spent.Paid += o.Output.Value
			spent.count(&o.Output, -1)
		}
	}
	list := make([]Entry, 0, len(all))
	for _, e := range all {
		e.finish()
		list = append(list, *e)
	}
	slices.SortFunc(list, func(a, b Entry) int {
		if a.Height != b.Height {
			if a.Height < b.Height {
				return -1
			}
			return 1
		}
		return a.ID.Compare(b.ID)
	})
	return list
}

func (e *Entry) count(o *pillars.Output, sign int64) {
	symbol, quantity, ok := o.Asset()
	if !ok || quantity > 1<<63-1 {
		return // more than a signed number holds is left out, not shown wrong
	}
	if e.Assets == nil {
		e.Assets = map[string]int64{}
	}
	e.Assets[symbol] += sign * int64(quantity)
}

// call names the transaction by the most telling thing in it.
func (e *Entry) call(o *Output) {
	kind := ""
	switch v := o.Output.Attachment.Payload.(type) {
	case pillars.AssetIssue:
		kind = "issue"
	case pillars.Avatar:
		kind = "avatar"
	case pillars.Certificate:
		if v.Status != pillars.CertNormal && e.Kind != "issue" {
			kind = "certificate"
		}
	case pillars.Token:
		kind = "token"
	}
	if o.Generated {
		kind = "reward"
	}
	if kind != "" {
		e.Kind = kind
	}
}

func (e *Entry) finish() {
	for symbol, v := range e.Assets {
		if v == 0 {
			delete(e.Assets, symbol)
		}
	}
	if e.Kind != "" {
		return
	}
	switch {
	case e.Paid == 0:
		e.Kind = "received"
	case e.Received < e.Paid || len(e.Assets) > 0:
		e.Kind = "sent"
	default:
		e.Kind = "mixed" // others paid too
	}
}

// WriteCSV writes a history: one line for ETP and one for each asset that a transaction moved.
func WriteCSV(to io.Writer, list []Entry) error {
	c := csv.NewWriter(to)
	c.Write([]string{"time", "height", "kind", "symbol", "in", "out", "label", "transaction"})
	for _, e := range list {
		height, when := "", ""
		if e.Height != Unconfirmed {
			height, when = strconv.FormatUint(uint64(e.Height), 10), time.Unix(int64(e.Time), 0).UTC().Format(time.RFC3339)
		}
		if e.Received != e.Paid || len(e.Assets) == 0 {
			in, out := e.Received-min(e.Received, e.Paid), e.Paid-min(e.Received, e.Paid)
			c.Write([]string{when, height, e.Kind, etp, in.String(), out.String(), e.Label, e.ID.String()})
		}
		var symbols []string
		for symbol := range e.Assets {
			symbols = append(symbols, symbol)
		}
		slices.Sort(symbols)
		for _, symbol := range symbols {
			in, out := e.Assets[symbol], -e.Assets[symbol]
			c.Write([]string{when, height, e.Kind, symbol, strconv.FormatInt(max(in, 0), 10), strconv.FormatInt(max(out, 0), 10), e.Label, e.ID.String()})
		}
	}
	c.Flush()
	return c.Error()
}

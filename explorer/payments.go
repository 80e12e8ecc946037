package explorer

import (
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// shownPayments is how many of the newest the first page lists.
const shownPayments = 20

// A payment is one row of the latest transactions.
type payment struct {
	Hash     kernel.TxHash      `json:"hash"`
	Status   string             `json:"status"` // final, rejected
	Rule     string             `json:"rule,omitempty"`
	Class    string             `json:"class,omitempty"`
	Amount   string             `json:"amount,omitempty"` // sum of the outputs
	Asset    string             `json:"asset,omitempty"`  // symbol, or the id shortened
	Outputs  int                `json:"outputs,omitempty"`
	Commit   kernel.CommitIndex `json:"commit"`
	Snapshot kernel.SnapshotID  `json:"snapshot"`
	Author   string             `json:"author,omitempty"` // who carried it
	At       kernel.Timestamp   `json:"at_ms"`            // of the commit, as the protocol says
	Finality *int64             `json:"finality_ms,omitempty"`

	waitsForTime bool
	seen         time.Time
}

// timeWait is how long a payment waits for the graph to tell its finality time.
const timeWait = 10 * time.Second

// applyCommit adds the receipts of a commit on top of the list.
func (s *state) applyCommit(c *client.Commit) {
	rows := make([]payment, 0, len(c.Receipts))
	bodies := make(map[kernel.TxHash]*client.FinalTransaction, len(c.Transactions))
	for i := range c.Transactions {
		bodies[c.Transactions[i].Hash] = &c.Transactions[i]
	}
	authors := make(map[kernel.SnapshotID]kernel.Author, len(c.Snapshots))
	for _, v := range c.Snapshots {
		authors[v.ID] = v.Author
	}
	first := max(len(c.Receipts), keptPayments) - keptPayments
	for _, r := range c.Receipts[first:] {
		rows = append(rows, s.row(c, r, bodies[r.Transaction], authors))
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.commit, s.committed = c.Index, time.Now()
	version := s.touch()
	if len(rows) == 0 {
		return
	}
	kept := make([]payment, 0, keptPayments)
	for i := range rows {
		kept = append(kept, rows[len(rows)-1-i])
	}
	s.payments = append(kept, s.payments[:min(len(s.payments), keptPayments-len(kept))]...)
	s.paid = version
	s.timePayments()
}

func (s *state) row(c *client.Commit, r kernel.Receipt, body *client.FinalTransaction, authors map[kernel.SnapshotID]kernel.Author) payment {
	p := payment{Hash: r.Transaction, Status: r.Status.String(), Commit: c.Index, Snapshot: r.Snapshot, At: c.Timestamp,
		waitsForTime: r.Status == kernel.Final, seen: time.Now()}
	if r.Status == kernel.Rejected {
		p.Rule = r.Rule.String()
	}
	if author, ok := authors[r.Snapshot]; ok {
		p.Author = s.memberName(author)
	}
	if body == nil {
		return p
	}
	if tx, err := body.Decode(); err == nil {
		p.Class = tx.Class().String()
		p.Asset = s.symbol(tx.Asset)
		p.Outputs = len(tx.Outputs)
		if sum, ok := sumOutputs(tx.Outputs); ok {
			p.Amount = trimAmount(sum)
		}
	}
	return p
}

func sumOutputs(outputs []kernel.Output) (sum kernel.Amount, ok bool) {
	for i := range outputs {
		if sum, ok = sum.Add(outputs[i].Amount); !ok {
			return sum, false
		}
	}
	return sum, true
}

// timePayments fills in finality times that the graph tells by now. The caller holds mu.
func (s *state) timePayments() {
	filled := false
	for i := range s.payments {
		p := &s.payments[i]
		if !p.waitsForTime {
			continue
		}
		if v := s.graph.byID[p.Snapshot]; v != nil {
			if ms, ok := v.finality(); ok {
				p.Finality, p.waitsForTime, filled = &ms, false, true
				continue
			}
		}
		p.waitsForTime = time.Since(p.seen) < timeWait
	}
	if filled {
		s.paid = s.touch()
	}
}

func (s *state) symbol(id kernel.AssetID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, ok := s.symbols[id]; ok {
		return name
	}
	return id.Short()
}

func (s *state) memberName(author kernel.Author) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.graph.name(author)
}

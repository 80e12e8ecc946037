package forge

import (
	"sync"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/store"
)

// holdings are the outpoints at the staking addresses. The whole state is read once; from then on what blocks make is looked up
// in the state as it is afterwards, and what is known and gone is dropped. So connecting and disconnecting are the same.
type holdings struct {
	mu     sync.Mutex                 // never held while the disk is read: the chain's goroutine waits for it
	owners map[string]pillars.Address // by the script of their outputs
	since  look

	known map[pillars.Outpoint]bool // the staking goroutine's own; nil: the whole state is to be read
	of    map[string]pillars.Address
}

// A look is what is to be looked up in a state that is read after it was taken.
type look struct {
	touched map[pillars.Outpoint]bool
	whole   bool // something was missed: everything
	owners  map[string]pillars.Address
}

func newHoldings() *holdings {
	return &holdings{since: look{touched: map[pillars.Outpoint]bool{}}}
}

// follow begins again for other owners.
func (h *holdings) follow(owners []pillars.Address) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.owners = map[string]pillars.Address{}
	for _, a := range owners {
		h.owners[string(a.Script())] = a
	}
}

// touch notes what a block brings: connected, its outputs to us; disconnected, all that it had spent, since nobody knows any more
// whose that was.
func (h *holdings) touch(b *pillars.Block, connected bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.owners) == 0 {
		return
	}
	for _, tx := range b.Transactions {
		if !connected {
			for i := range tx.Inputs {
				h.since.touched[tx.Inputs[i].Previous] = true
			}
			continue
		}
		var id pillars.TxID
		for i := range tx.Outputs {
			if _, ours := h.owners[string(tx.Outputs[i].Script)]; !ours {
				continue
			}
			if id.IsZero() {
				id = tx.ID()
			}
			h.since.touched[pillars.Outpoint{Tx: id, Index: uint32(i)}] = true
		}
	}
}

// lost is told that calls of touch are missing.
func (h *holdings) lost() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.since.whole = true
}

// take returns what is to be looked up in a state that is read afterwards.
func (h *holdings) take() look {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.since
	l.owners = h.owners
	h.since = look{touched: map[pillars.Outpoint]bool{}}
	return l
}

// back is told that what was taken was not looked up.
func (h *holdings) back(l look) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.since.whole = h.since.whole || l.whole
	for o := range l.touched {
		h.since.touched[o] = true
	}
}

// at returns all outputs at the staking addresses in a state. Only the staking goroutine calls it.
func (h *holdings) at(v store.View, p *pillars.Params, l look) (all []pos.Stake) {
	r := state.At(v, p)
	if h.known == nil || l.whole || !sameOwners(h.of, l.owners) {
		h.known, h.of = map[pillars.Outpoint]bool{}, l.owners
		r.Outputs(func(o pillars.Outpoint, out state.Output) bool {
			if _, ours := l.owners[string(out.Script)]; ours {
				h.known[o] = true
			}
			return true
		})
	}
	for o := range l.touched {
		if out, ok := r.Output(o); ok {
			if _, ours := l.owners[string(out.Script)]; ours {
				h.known[o] = true
			}
		}
	}
	for o := range h.known {
		s, ok := r.Stake(o)
		if !ok {
			delete(h.known, o)
			continue
		}
		all = append(all, s)
	}
	return all
}

func sameOwners(a, b map[string]pillars.Address) bool {
	if len(a) != len(b) {
		return false
	}
	for script := range a {
		if _, ok := b[script]; !ok {
			return false
		}
	}
	return true
}

package sim

import (
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A rebel is a member that runs the production code and misuses it: it follows through all changes of
// epochs and members, as traitors that are made of parts cannot. It signs second snapshots of its rounds, deals
// shares that are wrong, complains about right ones, or does not take part in the making of the key.
type rebel struct {
	forks   bool // signs twice
	deals   bool // wrong shares
	accuses bool // complains about what is right
	absent  bool // neither deals nor judges
}

// rebelOf says what a rebel does, by a number.
func rebelOf(arg int) *rebel {
	return &rebel{forks: arg&1 == 1, deals: arg&2 == 2, accuses: arg&4 == 4, absent: arg&8 == 8}
}

// post changes what the node owes the next roster. [replica.HostConfig.Post]
func (r *rebel) post(kind kernel.RecordKind, payload []byte) []byte {
	switch {
	case r.absent:
		return nil
	case kind == kernel.RecordDealing && r.deals:
		for at := len(payload) - 40; at > len(payload)-40-48*3; at -= 48 { // the shares of the last three holders
			payload[at] ^= 1
		}
	case kind == kernel.RecordVerdict && r.accuses:
		var v kernel.VerdictRecord
		if v.UnmarshalBinary(payload) == nil && len(v.Complaints) == 0 {
			for a := range kernel.Author(kernel.MaxMembers) {
				if v.Dealers.Has(a) {
					v.Complaints = []kernel.ComplaintRecord{{Dealer: a, Opened: kernel.Key{1}}}
					break
				}
			}
			return v.AppendBinary(nil)
		}
	}
	return payload
}

// twin is another snapshot of the place of an own one.
func (n *node) twin(raw []byte) ([]byte, bool) {
	var s kernel.Snapshot
	if s.UnmarshalBinary(raw) != nil || s.Header.Timestamp+1 >= kernel.MaxTimestamp {
		return nil, false
	}
	h := *s.Header
	h.Timestamp++
	id := h.ID()
	h.Signature = n.w.stage.keys[n.author].Sign(id[:])
	n.w.notary.good[signed{n.author, id}] = h.Signature
	other, err := (&kernel.Snapshot{Header: &h, Body: s.Body}).AppendBinary(nil)
	return other, err == nil
}

// fork sends twins of some own snapshots around, before the ones that the node goes on from.
func (n *node) fork(out *replica.Output) {
	if n.rebel == nil || !n.rebel.forks || n.w.calm {
		return
	}
	often := 40
	if n.flagged() { // it has little to lose, and does not care
		often = 4
	}
	if n.w.rng.evil.IntN(often) > 0 {
		return
	}
	for _, e := range out.Send {
		s, ok := e.Message.(wire.Snapshot)
		if !ok || !e.Own {
			continue
		}
		raw, ok := n.twin(s.Raw)
		if !ok {
			return
		}
		n.w.reached("traitor_forks")
		frame := wire.Append(nil, wire.Snapshot{Raw: raw})
		for _, to := range n.w.audience(n.place, n.author, &e) {
			if n.w.rng.evil.IntN(2) == 0 {
				n.send(to, frame)
			}
		}
	}
}

// flagged reports whether the node has lost its vote in the epoch in force.
func (n *node) flagged() bool {
	seat := n.host.Seat()
	return int(seat.Self) < len(seat.Roster.Members) && seat.Roster.Members[seat.Self].Key == n.key() && seat.Roster.Members[seat.Self].Flagged
}

// forgive leaves out what would show a rebel's own engine that somebody signs with its key.
func (n *node) forgive(in *replica.Input) {
	for i := range in.Parts {
		p := &in.Parts[i]
		kept := p.Arrived[:0:0]
		for _, a := range p.Arrived {
			seat := n.host.Seat()
			if p.Epoch == seat.Epoch && a.Header.Author == seat.Self && !n.store.Has(a.ID) {
				continue
			}
			kept = append(kept, a)
		}
		p.Arrived = kept
		for j := range p.Messages {
			if h := p.Messages[j].Newest; h != nil && !n.store.Has(h.ID()) {
				p.Messages[j].Newest = nil
			}
		}
	}
}

var _ engine.Signer = signer{}

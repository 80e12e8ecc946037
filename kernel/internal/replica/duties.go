package replica

import (
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/dealing"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// This file posts what this node owes the next roster: its dealing, and its verdict on those of others. Both
// are functions of the state and the node key, so nothing has to be remembered; what the
// ledger does not show after a while is posted again. [EPO-4] [EPO-5]

// posts are the records that were put into own snapshots or sent to members, and when.
type posts struct {
	sent map[kernel.Hash]kernel.Timestamp
}

const (
	postAgain = 3000 // ms
	postsKept = 1024
)

// fresh leaves out what was posted a moment ago.
func (p *posts) fresh(records [][]byte, now kernel.Timestamp) (list [][]byte) {
	for _, b := range records {
		id := crypto.SumLabel("asterism posted record", b)
		if at, ok := p.sent[id]; ok && now < at+postAgain {
			continue
		}
		if len(p.sent) >= postsKept {
			clear(p.sent)
		}
		p.sent[id] = now
		list = append(list, b)
	}
	return list
}

// after does what commits that were executed ask for.
func (h *Host) after(executed []engine.Execution) {
	changed := false
	for i := range executed {
		changed = changed || executed[i].Changed
	}
	if changed {
		h.look()
		h.post()
	}
}

// post posts what is owed and was not posted a moment ago.
func (h *Host) post() {
	records := h.posts.fresh(h.duties(), h.now)
	if len(records) == 0 {
		return
	}
	if h.current.engine.Speaks() {
		in := engine.Input{Now: h.now, Records: records}
		h.run(h.current, &in)
	}
	if !h.current.engine.Speaks() { // others carry it
		h.send(wire.Records{Raw: records}, h.current.others...)
	}
}

// duties lists the records that the newest state wants of this node.
func (h *Host) duties() (records [][]byte) {
	view := h.replica.store.View()
	defer view.Close()
	e, ok := ledger.EpochOf(view)
	if !ok || e.Next == nil || e.Number != h.current.Epoch {
		return nil
	}
	node, draft := h.config.Node, ledger.DraftOf(h.replica.network, &e)
	record := kernel.Record{Kind: kernel.RecordDealing, Network: h.replica.network, Epoch: e.Number, Signer: node.Public()}
	if ledger.Wanted(view, &record) {
		if d, err := dealing.Deal(draft, node); err == nil {
			records = h.owed(records, record, d.AppendBinary(nil))
		}
	}
	if record.Kind = kernel.RecordVerdict; ledger.Wanted(view, &record) {
		me := kernel.Author(e.Next.Place(node.Public()))
		v := kernel.VerdictRecord{Draft: draft.Hash(), Dealers: e.Next.DealerSet()}
		var err error
		if v.Complaints, err = dealing.Judge(draft, me, node, ledger.DealingsOf(view, h.replica.network, &e)); err != nil {
			return records
		}
		if h.config.CheckpointKey != nil {
			v.CheckpointKey = h.config.CheckpointKey(draft.Epoch)
		}
		records = h.owed(records, record, v.AppendBinary(nil))
	}
	return records
}

func (h *Host) owed(records [][]byte, r kernel.Record, payload []byte) [][]byte {
	if h.config.Post != nil {
		if payload = h.config.Post(r.Kind, payload); payload == nil {
			return records
		}
	}
	return append(records, h.sign(r, payload))
}

func (h *Host) sign(r kernel.Record, payload []byte) []byte {
	r.Payload = payload
	hash := r.SigningHash()
	r.Signature = h.config.Node.Sign(hash[:])
	return r.AppendBinary(nil)
}

// tick does what time asks for.
func (h *Host) tick() {
	h.distrust()
	hurry := h.current.engine.Turn().Hurry
	if !hurry && !h.tail.waits() && !h.asks() && h.ahead <= h.current.Epoch && !h.orphans.wait() {
		return
	}
	if h.now < h.tickAt {
		h.wake(h.tickAt)
		return
	}
	h.tickAt = h.now + tickPeriod
	h.wake(h.tickAt)
	if hurry {
		h.post()
	}
	h.bring()
	h.lookAfter()
	h.askWhere()
	h.catchUp()
}

// signer makes this node's signatures and coin shares in an epoch.
func (h *Host) signer(s *Seat) engine.Signer {
	out := &signer{node: h.config.Node}
	secret := h.config.CoinShare
	if s.Epoch > 0 {
		secret = h.coinShare(s)
	}
	if secret == (crypto.Scalar{}) || s.Self == engine.Nobody {
		return out
	}
	if key, err := coin.NewKey(h.replica.network, s.Epoch, s.Roster); err == nil {
		out.coin, _ = key.Maker(secret, s.Self) // a flagged member makes none
	}
	return out
}

// coinShare finds this node's share of an epoch's coin in the dealings that made its key; zero where
// one of them has a bad share for it, or the epoch is over.
func (h *Host) coinShare(s *Seat) (secret crypto.Scalar) {
	view := h.replica.store.View()
	defer view.Close()
	e, ok := ledger.EpochOf(view)
	if !ok || e.Number != s.Epoch || s.Self == engine.Nobody {
		return secret
	}
	draft, all := ledger.KeyDealings(view, h.replica.network, &e)
	secret, _ = dealing.Share(draft, s.Self, h.config.Node, all)
	return secret
}

type signer struct {
	node crypto.NodeKey
	coin *coin.Maker
}

func (s *signer) Sign(id kernel.SnapshotID) kernel.Signature { return s.node.Sign(id[:]) }

func (s *signer) SignRecord(h kernel.Hash) kernel.Signature { return s.node.Sign(h[:]) }

func (s *signer) Share(r kernel.Round) *kernel.CoinShare {
	if s.coin == nil {
		return nil
	}
	return s.coin.Share(r)
}

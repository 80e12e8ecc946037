package replica

import (
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// What snapshots carried that no commit of an epoch settled is void with the epoch's end. Their authors propose it
// again at once; but an author may be gone, with all that was in its memory, and who handed it a
// payment has seen it taken. So every member keeps what it saw in such snapshots, and looks after a while
// whether it came to something; what did not, it proposes itself. [EPO-8]

// orphans are transactions and records of an epoch that ended, not yet looked after. Bounded.
type orphans struct {
	transactions [][]byte
	records      [][]byte
	bytes        int
	due          kernel.Timestamp
}

const (
	orphanWait    = 3000    // ms after the turn, in which their authors propose them
	orphansAtOnce = 128     // that are checked in one step, and no more signatures than an honest body has
	orphanBytes   = 8 << 20 // that are kept
)

func (o *orphans) wait() bool { return len(o.transactions)+len(o.records) > 0 }

// adopt keeps what an engine's unsettled snapshots carry, before it lets go of them.
func (h *Host) adopt(m *member) {
	if !h.orphans.wait() { // else those that wait would wait for ever where epochs are short
		h.orphans.due = h.now + orphanWait
	}
	for _, id := range m.engine.Unsettled() {
		rec, ok := h.replica.store.Snapshot(id)
		var body kernel.Body
		if !ok || body.UnmarshalBinary(rec.Body) != nil {
			continue
		}
		for i := range body.Entries {
			h.orphans.keep(&body.Entries[i])
		}
	}
}

func (o *orphans) keep(e *kernel.Entry) {
	if o.bytes += len(e.Bytes); o.bytes > orphanBytes {
		return
	}
	switch e.Kind {
	case kernel.EntryTransaction:
		o.transactions = append(o.transactions, e.Bytes)
	case kernel.EntryRecord:
		o.records = append(o.records, e.Bytes)
	}
}

// next takes what one step checks.
func (o *orphans) next(r *Replica) (list [][]byte) {
	n, signatures := 0, 0
	for n < min(len(o.transactions), orphansAtOnce) {
		if signatures += r.Parse(o.transactions[n]).Signatures(); n > 0 && signatures > laterSignatures {
			break
		}
		n++
	}
	list, o.transactions = o.transactions[:n], o.transactions[n:]
	return list
}

// lookAfter takes some of the orphans that nobody has brought: those that would still hold now.
func (h *Host) lookAfter() {
	if !h.orphans.wait() || h.now < h.orphans.due {
		return
	}
	in := engine.Input{Now: h.now}
	for _, judged := range h.replica.Candidates(h.orphans.next(h.replica)) {
		if judged.Err == nil {
			in.Admitted = append(in.Admitted, judged.Candidate)
		}
	}
	in.Records = h.carry(h.posts.fresh(h.open(h.orphans.records), h.now))
	h.orphans.records = nil
	if !h.orphans.wait() {
		h.orphans = orphans{}
	}
	if len(in.Admitted)+len(in.Records) > 0 {
		h.run(h.current, &in)
	}
}

// heldMost is how many records wait until this node speaks: some turns of what people bring.
const heldMost = 64

// carry returns what this node's engine shall put into snapshots: the records given, and those that came while there was
// none to put them into. At an epoch's turn that is so for some rounds, and whoever brought a record was told that it is
// taken. A node that never speaks holds the first few; others have them too. [EPO-8]
func (h *Host) carry(records [][]byte) (list [][]byte) {
	if h.current.engine.Speaks() {
		list, h.held = append(h.held, records...), nil
		return list
	}
	h.held = append(h.held, records[:min(len(records), heldMost-len(h.held))]...)
	return nil
}

// open leaves out the records that came to something meanwhile, and those that their authors see to themselves.
func (h *Host) open(records [][]byte) (list [][]byte) {
	view := h.replica.store.View()
	defer view.Close()
	for _, raw := range records {
		var r kernel.Record
		if r.UnmarshalBinary(raw) == nil && ledger.CheckRecord(view, &r, h.current.Epoch, h.replica.Context()) == nil && !resigned(view, &r) {
			list = append(list, raw)
		}
	}
	return list
}

// resigned reports whether a resignation is known: nothing refuses a second one.
func resigned(v ledger.View, r *kernel.Record) bool {
	if r.Kind != kernel.RecordResign {
		return false
	}
	for _, m := range ledger.MembersOf(v) {
		if m.Member.Key == r.Signer {
			return m.State != kernel.MemberAccepted && m.State != kernel.MemberJoining
		}
	}
	return true
}

package sim

import (
	"encoding/binary"
	"fmt"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A meter is the witness of a measurement. It also compares the states that nodes reach: figures of
// nodes that do not agree are worth nothing.
type meter struct {
	m       *wan
	failure error
	digests []kernel.Digest // by commit, as the first node computed them

	byHash  map[kernel.TxHash]*paid
	open    int        // payments of the measured time that are not final everywhere
	atNode  []sim.Time // of the payments of the measured time: from submission until final where it was submitted
	atLast  []sim.Time // until final on the last node
	waiting []sim.Time // until in a snapshot
	settled int        // payments that became final everywhere within the measured time

	made   map[kernel.SnapshotID]sim.Time // own snapshots that are not committed yet, by when they were made
	commit []sim.Time                     // how long that took the author to see

	measuring  bool
	from       mark
	to         mark
	traffic    traffic
	submission int // payments submitted within the measured time
}

// A mark is how far a network is at one moment.
type mark struct {
	at        sim.Time
	round     kernel.Round
	commits   kernel.CommitIndex
	skipped   uint64
	snapshots uint64 // accepted by all nodes together, own ones included
	own       uint64 // made
	spent     [parts]float64
}

// traffic is what all nodes together sent, with the header of each frame.
type traffic struct {
	frames, snapshots             int
	bytes, headers, bodies, other int
}

// frameHeader is what stands before each message on a connection. What encryption and TCP add is
// not counted.
const frameHeader = 5

// paid is a payment on its way.
type paid struct {
	hash     kernel.TxHash
	raw      []byte
	outputs  []coin0
	node     *node
	born     sim.Time
	included bool
	final    int // nodes on which it is
	measured bool
}

func newMeter(m *wan) *meter {
	return &meter{m: m, byHash: make(map[kernel.TxHash]*paid), made: make(map[kernel.SnapshotID]sim.Time)}
}

func (t *meter) mark() mark {
	k := mark{at: t.m.clock.Now()}
	for _, n := range t.m.live() {
		s := n.engine().Status()
		k.round, k.commits = max(k.round, s.Round), max(k.commits, s.Executed.Index)
		k.skipped = max(k.skipped, s.Stats.Skipped)
		k.snapshots += s.Stats.Accepted
		k.own += s.Stats.Made
	}
	if w := t.m.stopwatch; w != nil {
		for p := range parts {
			k.spent[p] = w.spent[p].Seconds()
		}
	}
	return k
}

func (t *meter) begin() { t.measuring, t.from = true, t.mark() }
func (t *meter) end()   { t.measuring, t.to = false, t.mark() }

func (t *meter) fail(n *node, format string, args ...any) {
	if t.failure == nil {
		t.failure = fmt.Errorf("node %d at %d ms: %s", n.place, t.m.clock.Now(), fmt.Sprintf(format, args...))
	}
}

func (t *meter) submitted(p *paid) {
	if p.measured = t.measuring; p.measured {
		t.open++
		t.submission++
	}
	t.byHash[p.hash] = p
}

// forget drops a payment that a node refused.
func (t *meter) forget(p *paid) {
	if p.measured {
		t.open--
	}
	delete(t.byHash, p.hash)
}

// stepped looks for own snapshots and what they carry, and for commits that hold own ones.
func (t *meter) stepped(n *node, out *replica.Output) {
	now := t.m.clock.Now()
	for i := range out.Persist {
		if r := &out.Persist[i]; r.Author == n.author {
			t.made[r.ID] = now
			t.carried(r.Raw)
		}
	}
	for _, o := range out.Commits {
		for _, s := range o.Commit.Snapshots {
			if at, known := t.made[s.ID]; known && s.Author == n.author {
				delete(t.made, s.ID)
				if t.measuring {
					t.commit = append(t.commit, now-at)
				}
			}
		}
	}
	for _, r := range out.Refused {
		t.fail(n, "refuses snapshot %s: %v", r.ID.Short(), r.Err)
	}
}

// carried notes when payments went into a snapshot.
func (t *meter) carried(raw []byte) {
	var s kernel.Snapshot
	if err := s.UnmarshalBinary(raw); err != nil {
		panic("sim: own snapshot: " + err.Error())
	}
	for _, e := range s.Body.Entries {
		p := t.byHash[hashOf(e.Bytes)]
		if p == nil || p.included {
			continue
		}
		p.included = true
		if p.measured {
			t.waiting = append(t.waiting, t.m.clock.Now()-p.born)
		}
	}
}

func hashOf(raw []byte) kernel.TxHash { return ledger.Parse(raw).Hash }

// executed counts on how many nodes payments are final.
func (t *meter) executed(n *node, commit *kernel.Commit, diff *ledger.Diff) {
	i := int(commit.Index) - 1
	if i == len(t.digests) {
		t.digests = append(t.digests, commit.Digest)
		t.m.mark(commit.Digest[:])
	}
	if i > len(t.digests) || t.digests[i] != commit.Digest {
		t.fail(n, "state after commit %d differs from another node's", commit.Index)
		return
	}
	for _, r := range diff.Receipts {
		if p := t.byHash[r.Transaction]; p != nil {
			if r.Status != kernel.Final {
				t.fail(n, "payment %s is rejected: %v", r.Transaction, r.Rule)
				return
			}
			t.finalOn(n, p)
		}
	}
}

func (t *meter) finalOn(n *node, p *paid) {
	waited := t.m.clock.Now() - p.born
	p.final++
	if p.measured && n == p.node {
		t.atNode = append(t.atNode, waited)
	}
	if p.final < len(t.m.live()) {
		return
	}
	delete(t.byHash, p.hash)
	t.m.load.free = append(t.m.load.free, p.outputs...)
	if t.measuring {
		t.settled++
	}
	if p.measured {
		t.atLast = append(t.atLast, waited)
		t.open--
	}
}

// sent counts a frame.
func (t *meter) sent(_ *node, frame []byte) {
	if !t.measuring {
		return
	}
	s := &t.traffic
	s.frames++
	s.bytes += len(frame) + frameHeader
	m, err := wire.Decode(frame)
	if err != nil {
		panic("sim: own frame: " + err.Error())
	}
	body := 0
	switch m := m.(type) {
	case wire.Snapshot:
		body = len(m.Raw) - 2 - int(binary.BigEndian.Uint16(m.Raw))
	case wire.Push:
		body = len(m.Body)
	default:
		s.other += len(frame) + frameHeader
		return
	}
	s.snapshots++
	s.headers += len(frame) - body
	s.bodies += body
}

func (t *meter) answered(n *node, list []engine.Admission) { t.m.load.answered(n, list) }

func (t *meter) started(*node) {}
func (t *meter) ended(*node)   {}
func (t *meter) wiped(*node)   {}

func (t *meter) panicked(n *node, p any) { t.fail(n, "panic: %v", p) }

func (t *meter) misbehaved(n *node, from int, err error) {
	t.fail(n, "ends the connection to %d: %v", from, err)
}

// digest is of everything that a measurement counted.
func (t *meter) digest() [32]byte {
	return crypto.Sum(t.m.digest[:], fmt.Appendf(nil, "%v %v %v %v %v", t.atNode, t.atLast, t.commit, t.traffic, t.submission))
}

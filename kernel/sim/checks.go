package sim

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/consensus"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// checks hold what must be true of all honest nodes together, and compare after every step.
type checks struct {
	w         *world
	violation *Violation // the first
	commits   []commitFact
	order     []*kernel.Commit                    // as the first node executed them
	seen      map[kernel.SnapshotID]*seenSnapshot // what honest nodes accepted, and
	arrivals  []*seenSnapshot                     // in which order
	signed    map[seat]kernel.SnapshotID          // what honest members let out
	held      map[int]*kernel.SnapshotID          // by place: what it accepted last
	ordered   kernel.CommitIndex                  // newest commit that anybody decided
	auditor   *auditor
	final     int
	rejected  int
	waits     map[int]int
	eras      []era        // epochs that began, as the first node executed it
	newest    kernel.Round // that an honest node made in the newest epoch that anybody has shown
	showing   kernel.Epoch
	rounds    kernel.Round               // and together with those of the epochs before
	reported  map[int]kernel.CommitIndex // by place: the newest commit that clients were told of
}

// A commitFact is a step of the total order as the first node computed it.
type commitFact struct {
	content kernel.Hash
	digest  kernel.Digest
	node    int
	at      sim.Time
}

// A seat is where an author has one snapshot.
type seat struct {
	epoch  kernel.Epoch
	author kernel.Author
	round  kernel.Round
}

func newChecks(w *world) *checks {
	c := &checks{w: w, seen: make(map[kernel.SnapshotID]*seenSnapshot), signed: make(map[seat]kernel.SnapshotID), held: make(map[int]*kernel.SnapshotID),
		waits: make(map[int]int), reported: make(map[int]kernel.CommitIndex)}
	c.auditor = newAuditor(c)
	c.eras = []era{{roster: w.stage.genesis.Roster(), digest: w.stage.diff.Head.Digest, timestamp: w.stage.genesis.Timestamp}}
	return c
}

// An era is an epoch as its genesis says.
type era struct {
	epoch     kernel.Epoch
	roster    *kernel.Roster
	commit    kernel.CommitIndex // that it starts from
	digest    kernel.Digest
	timestamp kernel.Timestamp
	position  uint64
}

// begins notes the epoch that a commit leads to, if it is another one.
func (c *checks) begins(n *node, commit *kernel.Commit, diff *ledger.Diff) {
	if !ledger.TouchesEpoch(diff) {
		return
	}
	view := n.store.View()
	defer view.Close()
	e, ok := ledger.EpochOf(view)
	if !ok || int(e.Number) < len(c.eras) {
		return
	}
	c.w.reached("epoch_ends")
	if e.Facts.Bad != 0 {
		c.w.reached("bad_dealing_left_out")
	}
	c.sized(c.eras[len(c.eras)-1].roster.Members, e.Facts.Roster.Members)
	c.changed(c.eras[len(c.eras)-1].roster.Members, e.Facts.Roster.Members)
	c.eras = append(c.eras, era{e.Number, e.Facts.Roster.Roster(), commit.Index, commit.Digest, commit.Timestamp, commit.Position + uint64(len(commit.Snapshots))})
}

// sized counts rosters of the sizes at which other rules hold.
func (c *checks) sized(before, after []kernel.Member) {
	was, _, _ := numbers(before)
	is, _, _ := numbers(after)
	switch {
	case len(after) == kernel.MaxMembers:
		c.w.reached("fifty_members")
	case len(before) == kernel.MaxMembers:
		c.w.reached("below_fifty")
	case is < kernel.MinMembers:
		c.w.reached("below_seven")
	case was > kernel.MinMembers && is == kernel.MinMembers:
		c.w.reached("down_to_seven")
	case was <= kernel.MinMembers && is > kernel.MinMembers:
		c.w.reached("up_from_seven")
	}
}

// changed counts who came and went.
func (c *checks) changed(before, after []kernel.Member) {
	was := make(map[kernel.Key]bool, len(before)) // flagged
	for _, m := range before {
		was[m.Key] = m.Flagged
	}
	for _, m := range after {
		flagged, member := was[m.Key]
		switch {
		case !member:
			c.w.reached("member_joined")
		case m.Flagged && !flagged:
			c.w.reached("member_flagged")
		}
		delete(was, m.Key)
	}
	for _, flagged := range was {
		if flagged {
			c.w.reached("member_removed")
		} else {
			c.w.reached("member_left")
		}
	}
}

// person is who an author of an epoch is, among all people of the stage.
func (c *checks) person(epoch kernel.Epoch, a kernel.Author) kernel.Author {
	if int(epoch) >= len(c.eras) { // of an epoch that began in the moment of a crash
		return a
	}
	return c.w.stage.person(c.eras[epoch].roster.Members[a].Key)
}

// makes notes how far honest nodes are.
func (c *checks) makes(epoch kernel.Epoch, r kernel.Round) {
	if epoch > c.showing {
		c.showing, c.newest = epoch, 0
	}
	if epoch == c.showing && r > c.newest {
		c.rounds += r - c.newest
		c.newest = r
	}
}

// violated notes a violation; the first one ends the run.
func (c *checks) violated(checker string, n *node, format string, args ...any) {
	if c.violation != nil {
		return
	}
	place := -1
	if n != nil {
		place = n.place
	}
	c.violation = &Violation{Checker: checker, Node: place, At: c.w.clock.Now(), Detail: fmt.Sprintf(format, args...)}
	c.w.trail.event(c.w.clock.Now(), place, "violation "+c.violation.String())
}

// panicked meets a panic in the code of an honest node.
func (c *checks) panicked(n *node, p any) {
	stack := debug.Stack()
	where := ""
	if _, rest, ok := bytes.Cut(stack, []byte("panic(")); ok {
		for line := range bytes.Lines(rest) {
			if bytes.Contains(line, []byte("/kernel/internal/")) || bytes.Contains(line, []byte("/internal/kv/")) {
				where = string(bytes.TrimSpace(line))
				break
			}
		}
	}
	c.violated("panic", n, "%v %s", p, where)
	if n.up {
		n.end(n.fs.Kill())
	}
}

// answered hears what a mempool said; the clients hear it too.
func (c *checks) answered(n *node, list []engine.Admission) { c.w.clients.answered(n, list) }

// sent meets a frame on its way: the network counts them.
func (c *checks) sent(*node, []byte) {}

// started looks at a node that read its folder back. [C4]
func (c *checks) started(n *node) {
	head := n.store.Head()
	if told := c.reported[n.place]; head.Index < told {
		c.w.reached("restart_behind_reported") // it executes again what it lost; executed compares
	}
	c.compare(n, head.Index, head.Digest)
	c.restarted(n)
}

// restarted counts what a node finds, and does not find, in its folder.
func (c *checks) restarted(n *node) {
	newest, _ := n.store.Newest(n.author)
	n.behind = c.newest > newest+catchUp
	for _, id := range n.store.Variants(n.author, newest) {
		if newest > 0 && c.seen[id] == nil {
			c.w.reached("own_snapshot_unseen")
		}
	}
	if held := c.held[n.place]; held != nil && !c.w.hampered.Has(n.author) && !n.store.Has(*held) {
		c.w.reached("torn_journal_tail")
	}
}

// catchUp is how many rounds behind a start is counted, see catch_up_many_rounds.
const catchUp = 20

// ended looks at a node that goes down.
func (c *checks) ended(n *node) {
	if n.host != nil && n.engine().Phase() != engine.Active {
		c.w.reached("cut_during_start")
	}
}

// wiped meets a node that begins with an empty folder.
func (c *checks) wiped(n *node) {
	c.w.hampered = c.w.hampered.With(n.author)
	delete(c.held, n.place)
}

// compare holds a node's state to the one that was first computed for that commit. [C5]
func (c *checks) compare(n *node, index kernel.CommitIndex, digest kernel.Digest) {
	switch {
	case index == 0:
	case int(index) > len(c.commits):
		c.violated("C1", n, "has commit %d, which nobody executed", index)
	case c.commits[index-1].digest != digest:
		c.violated("C5", n, "state after commit %d differs from node %d's", index, c.commits[index-1].node)
	}
}

// executed meets a commit that a node has executed. [C1] [C4] [C5]
func (c *checks) executed(n *node, commit *kernel.Commit, diff *ledger.Diff) {
	bare := *commit
	bare.Digest = kernel.Digest{}
	content := crypto.Sum(bare.AppendBinary(nil))
	switch i := int(commit.Index); {
	case i > len(c.commits)+1:
		c.violated("C1", n, "executes commit %d before anybody executed %d", i, len(c.commits)+1)
		return
	case i == len(c.commits)+1:
		c.commits = append(c.commits, commitFact{content, commit.Digest, n.place, c.w.clock.Now()})
		c.order = append(c.order, commit)
		c.w.mark(commit.Digest[:])
		c.begins(n, commit, diff)
		c.first(n, commit, diff)
	default:
		known := c.commits[i-1]
		if known.content != content {
			c.violated("C1", n, "commit %d differs from node %d's: leader %d@%d", i, known.node, commit.Leader.Author, commit.Leader.Round)
			return
		}
		c.compare(n, commit.Index, commit.Digest)
	}
	c.reported[n.place] = max(c.reported[n.place], commit.Index)
}

// first meets a commit that nobody executed before: it is audited once. [C2] [C3] [C6]
func (c *checks) first(n *node, commit *kernel.Commit, diff *ledger.Diff) {
	c.auditor.audit(n, commit, diff)
	for _, f := range diff.Faults {
		c.w.reached(fmt.Sprintf("fault_E%d", f.Kind))
		if !c.w.evil.Has(c.person(f.Epoch, f.Author)) {
			c.violated("C6", n, "commit %d records fault E%d of honest author %d in round %d", commit.Index, f.Kind, f.Author, f.Round)
		}
	}
	for _, r := range diff.Receipts {
		if r.Status == kernel.Final {
			c.final++
			c.waited(n, r.Transaction, commit)
		} else {
			c.rejected++
			c.w.reached("rejected_" + r.Rule.Error())
		}
		c.w.clients.judged(r)
	}
	if len(commit.Snapshots) == 0 {
		c.w.reached("empty_commit")
	}
}

// waited counts the rounds from a payment's submission to the one whose coin settled it.
func (c *checks) waited(_ *node, tx kernel.TxHash, commit *kernel.Commit) {
	if p := c.w.clients.byHash[tx]; p != nil && p.round > 0 {
		c.waits[int(max(commit.CoinRound, p.round)-p.round)]++
	}
}

// stepped looks at what a step of a node lets out. [C2] [C6] [C8]
func (c *checks) stepped(n *node, out *replica.Output) {
	for i := range out.Persist {
		r := &out.Persist[i]
		c.makes(r.Epoch, r.Round)
		c.accepted(n, r)
		c.held[n.place] = &r.ID
	}
	for i := range out.Commits {
		c.decided(&out.Commits[i])
	}
	for _, e := range out.Send {
		if _, ok := e.Message.(wire.Ask); ok {
			c.w.reached("asked_by_place")
		}
	}
	for _, proof := range out.Faulty {
		who := c.person(proof.Epoch, proof.Author)
		if !proof.Verify(c.w.stage.keys[who].Public()) {
			c.violated("C6", n, "holds a proof against %d that does not verify", proof.Author)
		}
		if !c.w.evil.Has(who) {
			c.violated("C6", n, "accuses honest author %d of round %d", proof.Author, proof.Round)
		}
		c.w.reached("equivocation_proved")
	}
	for _, r := range out.Refused {
		c.refused(n, r)
	}
	c.early(n)
	if n.steps%64 == 0 || n.phase != n.engine().Phase() {
		c.look(n)
	}
}

// decided looks at a commit that nobody decided before.
func (c *checks) decided(o *engine.Ordered) {
	if o.Commit.Index <= c.ordered {
		return
	}
	c.ordered = o.Commit.Index
	var after consensus.Order
	if err := after.UnmarshalBinary(o.Order); err != nil {
		c.violated("C2", nil, "the order after commit %d does not decode: %v", o.Commit.Index, err)
	}
	if len(after.Limbo) > 0 {
		c.w.reached("limbo")
	}
}

// A seenSnapshot is one that an honest node accepted.
type seenSnapshot struct {
	id     kernel.SnapshotID
	header *kernel.Header
	body   *kernel.Body
}

// accepted meets a snapshot that a node wrote to its log. Whatever honest members let out comes
// here: own snapshots are written before they are sent. [C6]
func (c *checks) accepted(n *node, r *engine.Record) {
	if c.seen[r.ID] != nil {
		return
	}
	var s kernel.Snapshot
	if err := s.UnmarshalBinary(r.Raw); err != nil {
		c.violated("C6", n, "accepts snapshot %s, which does not decode: %v", r.ID.Short(), err)
		return
	}
	if s.Header.ID() != r.ID || s.Header.Author != r.Author || s.Header.Round != r.Round {
		c.violated("C6", n, "takes snapshot %v for %d@%d %s", s.Header, r.Author, r.Round, r.ID.Short())
	}
	if carried := signaturesIn(s.Body); carried > kernel.MaxBodySignatures {
		c.violated("C6", n, "accepts snapshot %s, whose body has %d signatures", r.ID.Short(), carried)
	}
	if !c.w.evil.Has(c.person(r.Epoch, r.Author)) {
		c.sign(n, seat{r.Epoch, r.Author, r.Round}, r.ID)
	}
	c.note(r.ID, s)
}

// signaturesIn counts the signatures of a body's transactions. [DAG-12]
func signaturesIn(b *kernel.Body) (n int) {
	for _, e := range b.Entries {
		var tx kernel.Transaction
		if e.Kind != kernel.EntryTransaction {
			continue
		}
		if tx.UnmarshalBinary(e.Bytes) != nil {
			tx = kernel.Transaction{}
		}
		n += tx.SignatureCount()
	}
	return n
}

func (c *checks) note(id kernel.SnapshotID, s kernel.Snapshot) *seenSnapshot {
	known := &seenSnapshot{id, s.Header, s.Body}
	c.seen[id] = known
	c.arrivals = append(c.arrivals, known)
	return known
}

// find returns a snapshot that an honest node accepted. One that was written in the moment of a
// crash is in that node's log only.
func (c *checks) find(id kernel.SnapshotID) *seenSnapshot {
	if s := c.seen[id]; s != nil {
		return s
	}
	for _, n := range c.w.nodes {
		if !n.up {
			continue
		}
		if frame, ok := n.replica.Frame(id); ok {
			m, err := wire.Decode(frame)
			if err != nil {
				panic("sim: frame from a log: " + err.Error())
			}
			var s kernel.Snapshot
			if err := s.UnmarshalBinary(m.(wire.Snapshot).Raw); err != nil {
				panic("sim: snapshot from a log: " + err.Error())
			}
			return c.note(id, s)
		}
	}
	return nil
}

// body finds the body of a snapshot that a node commits.
func (c *checks) body(n *node, id kernel.SnapshotID) *kernel.Body {
	s := c.find(id)
	if s == nil {
		c.violated("C2", n, "commits snapshot %s, which nobody has", id.Short())
		return new(kernel.Body)
	}
	return s.body
}

// sign meets a snapshot that an honest member signed. [C6]
func (c *checks) sign(n *node, at seat, id kernel.SnapshotID) {
	if known, ok := c.signed[at]; ok && known != id {
		c.violated("C6", n, "honest %d signed a second snapshot of round %d", at.author, at.round)
	}
	c.signed[at] = id
}

// refused: what an honest node makes is valid for every honest node. [C6]
func (c *checks) refused(n *node, r engine.Refused) {
	switch {
	case errors.Is(r.Err, engine.ErrPendingFull):
		c.w.reached("pending_full")
	case errors.Is(r.Err, engine.ErrTwin):
		c.w.reached("twin_not_needed")
	case r.From < replica.Outsider && !c.w.evil.Has(c.person(r.Epoch, r.From)): // whoever accepts a snapshot has checked it: nobody honest passes on what is not valid
		c.violated("C6", n, "refuses snapshot %s of honest author %d: %v", r.ID.Short(), r.From, r.Err)
	default:
		c.w.reached("refused_invalid")
	}
}

// look reads a node's status. [C5] [C8]
func (c *checks) look(n *node) {
	s := n.engine().Status()
	if s.Phase != n.phase {
		n.phase = s.Phase
		c.w.note(n, fmt.Sprintf("is %s in round %d: %s", s.Phase, s.Round, s.Reason))
		c.phase(n, s)
	}
	limits := c.w.profile.limits
	if limits.Pending > 0 && s.Held > limits.Pending*len(c.w.stage.keys) {
		c.violated("C8", n, "holds %d snapshots that miss a parent", s.Held)
	}
	if limits.Pool.Count > 0 && s.Waiting > limits.Pool.Count {
		c.violated("C8", n, "holds %d waiting transactions", s.Waiting)
	}
	if s.Alarm {
		c.violated("C5", n, "f+1 members name another state: %v", committeeNames(s.Stats.Mismatched))
	}
}

// early: a slot is decided only by who holds snapshots of its coin round from q authors. Commits
// alone would not show it: what decides early is skips. [C2]
func (c *checks) early(n *node) {
	next := n.engine().Progress() // the first slot that is not decided
	decided := next.Round
	if next.Rank == 0 {
		decided--
	}
	if decided == 0 {
		return
	}
	coin := decided + kernel.Round(c.w.profile.parameters.Wave) - 1
	switch held, quorum := n.engine().AuthorsAt(coin), n.host.Seat().Roster.Quorum(); {
	case held == quorum:
		c.w.reached("quorum_exact")
	case held < quorum:
		c.violated("C2", n, "slots of round %d are decided although only %d authors of coin round %d are held, %d are a quorum", decided, held, coin, quorum)
	}
}

// phase: a node stops signing for good only for a reason that the run gave it.
func (c *checks) phase(n *node, s engine.Status) {
	switch s.Phase {
	case engine.Active:
		if n.behind {
			n.behind = false
			c.w.reached("catch_up_many_rounds")
		}
	case engine.Following:
		c.w.reached("following")
		if !c.w.hampered.Has(n.author) && n.rebel == nil {
			c.violated("C6", n, "stops signing without a reason: %s", s.Reason)
		}
	case engine.Halted:
		c.violated("C5", n, "halts: %s", s.Reason)
	}
}

func committeeNames(s committee.Set) (authors []int) {
	for a := range kernel.MaxMembers {
		if s.Has(kernel.Author(a)) {
			authors = append(authors, a)
		}
	}
	return authors
}

// misbehaved meets a message for which a node ends the connection. [C6]
func (c *checks) misbehaved(n *node, from int, err error) {
	c.w.reached("bad_message")
	if sender := c.w.ends[from].who(); !c.w.evil.Has(sender) {
		c.violated("C6", n, "ends the connection to honest %d: %v", sender, err)
	}
}

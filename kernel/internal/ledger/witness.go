package ledger

import (
	"bytes"
	"slices"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
)

// A Witness is a light witness: a holder whose locked XIN gives weight to a key that watches the
// members and votes on appeals by itself. It is the row "witness/<key>". [WIT-1]
type Witness struct {
	Key      kernel.Key
	Payee    kernel.Address
	Locked   uint64             // units of XIN
	Since    kernel.CommitIndex // of the commit that enrolled it
	Until    kernel.CommitIndex // it counts up to this commit
	Votes    uint32             // on appeals, ever
	Reports  uint32             // ever
	LastHour uint64             // UTC hour of the newest report
	Day      uint64             // UTC day that Work is of
	Work     uint32             // see witnessWork
	Recent   []SeenMembers      // newest reports, oldest first
}

// SeenMembers is a report as the ledger keeps it.
type SeenMembers struct {
	Commit    kernel.CommitIndex `json:"commit"` // that brought it
	Epoch     kernel.Epoch       `json:"epoch"`
	Seen      kernel.CommitIndex `json:"seen"`
	Reachable uint64             `json:"reachable"` // bit a: author a answered
}

// Limits of light witnesses. [WIT-2]
const (
	maxWitnesses      = 200
	maxRecentReports  = 24
	minWitnessLock    = 100_00000000 // units of XIN
	minWitnessCommits = 10           // from enrolling to the end
	maxWitnessCommits = 1 << 32

	// What a day of a light witness is paid by: its XIN times this work. [WIT-4]
	workOfReport = 1  // in an hour
	workOfVote   = 24 // on an appeal
	maxDayWork   = 1000
)

const rowWitnesses = "witnesses"

func rowWitness(key kernel.Key) string { return "witness/" + key.String() }

func (w *Witness) encode() []byte {
	b := append([]byte(nil), w.Key[:]...)
	b = append(append(b, w.Payee.Spend[:]...), w.Payee.View[:]...)
	b = codec.AppendU64(b, w.Locked)
	b = codec.AppendU64(b, uint64(w.Since))
	b = codec.AppendU64(b, uint64(w.Until))
	b = codec.AppendU32(codec.AppendU32(b, w.Votes), w.Reports)
	b = codec.AppendU64(codec.AppendU64(b, w.LastHour), w.Day)
	b = codec.AppendU32(b, w.Work)
	b = codec.AppendU16(b, uint16(len(w.Recent)))
	for _, s := range w.Recent {
		b = codec.AppendU32(codec.AppendU64(b, uint64(s.Commit)), uint32(s.Epoch))
		b = codec.AppendU64(codec.AppendU64(b, uint64(s.Seen)), s.Reachable)
	}
	return b
}

func decodeWitness(b []byte) (w Witness, err error) {
	r := codec.NewReader(b)
	r.Fixed(w.Key[:], "key")
	r.Fixed(w.Payee.Spend[:], "payee")
	r.Fixed(w.Payee.View[:], "payee")
	w.Locked = r.U64("locked")
	w.Since, w.Until = kernel.CommitIndex(r.U64("since")), kernel.CommitIndex(r.U64("until"))
	w.Votes, w.Reports = r.U32("votes"), r.U32("reports")
	w.LastHour, w.Day = r.U64("last hour"), r.U64("day")
	w.Work = r.U32("work")
	w.Recent = make([]SeenMembers, r.Count16(maxRecentReports, 28, "reports"))
	for i := range w.Recent {
		s := &w.Recent[i]
		s.Commit, s.Epoch = kernel.CommitIndex(r.U64("commit")), kernel.Epoch(r.U32("epoch"))
		s.Seen, s.Reachable = kernel.CommitIndex(r.U64("seen")), r.U64("reachable")
	}
	return w, r.Done()
}

// A listedWitness is an entry of the row "witnesses", which ascends by key.
type listedWitness struct {
	key    kernel.Key
	locked uint64
	until  kernel.CommitIndex
}

func encodeWitnesses(list []listedWitness) []byte {
	b := codec.AppendU16(nil, uint16(len(list)))
	for i := range list {
		b = append(b, list[i].key[:]...)
		b = codec.AppendU64(codec.AppendU64(b, list[i].locked), uint64(list[i].until))
	}
	return b
}

func decodeWitnesses(b []byte) ([]listedWitness, error) {
	r := codec.NewReader(b)
	list := make([]listedWitness, r.Count16(maxWitnesses, 48, "witnesses"))
	for i := range list {
		r.Fixed(list[i].key[:], "witness")
		list[i].locked, list[i].until = r.U64("locked"), kernel.CommitIndex(r.U64("until"))
	}
	return list, r.Done()
}

func witnessesOf(v View) []listedWitness {
	list, _ := row(v, rowWitnesses, decodeWitnesses)
	return list
}

// activeWitness returns a light witness that counts at this commit.
func (f *forum) activeWitness(key kernel.Key) (Witness, bool) {
	w, ok := row(f, rowWitness(key), decodeWitness)
	return w, ok && w.Until >= f.now
}

// An enrolment is a witness card that holds.
type enrolment struct {
	witness Witness
	ballots []kernel.Ballot
}

// witnessCard judges a witness record. [WIT-1] [WIT-2]
func (f *forum) witnessCard(r *kernel.Record) (*enrolment, error) {
	var card kernel.WitnessCard
	if err := card.UnmarshalBinary(r.Payload); err != nil {
		return nil, ignore(RecordMalformed, "%v", err)
	}
	if _, enrolled := f.activeWitness(r.Signer); enrolled {
		return nil, ignore(WitnessKnown, "%v", r.Signer)
	}
	if card.Until < f.now+minWitnessCommits || card.Until > f.now+maxWitnessCommits {
		return nil, ignore(WitnessTerms, "until commit %d: want %d to %d commits from now", card.Until, minWitnessCommits, uint64(maxWitnessCommits))
	}
	if err := card.Payee.Check(); err != nil {
		return nil, ignore(WitnessTerms, "payee: %v", err)
	}
	sum, err := f.weigh(card.Ballots, kernel.WitnessHash(f.context.Network, r.Signer, &card), kernel.Hash{})
	if err != nil {
		return nil, err
	}
	locked := unitsOf(sum)
	if locked < minWitnessLock {
		return nil, ignore(WitnessTerms, "%v XIN, at least %v", sum, kernel.NewAmount(minWitnessLock))
	}
	if list := f.countingWitnesses(); len(list) == maxWitnesses && list[leastWitness(list)].locked >= locked {
		return nil, ignore(WitnessFull, "%d light witnesses, the least with %v XIN", maxWitnesses, kernel.NewAmount(list[leastWitness(list)].locked))
	}
	return &enrolment{ballots: card.Ballots, witness: Witness{
		Key: r.Signer, Payee: card.Payee, Locked: locked, Since: f.now, Until: card.Until,
	}}, nil
}

// countingWitnesses are those whose time is not over.
func (f *forum) countingWitnesses() []listedWitness {
	return slices.DeleteFunc(witnessesOf(f), func(l listedWitness) bool { return l.until < f.now })
}

// leastWitness is the place of the one with the least XIN, of equals the one with the highest key.
func leastWitness(list []listedWitness) (least int) {
	for i := range list {
		if list[i].locked <= list[least].locked {
			least = i
		}
	}
	return least
}

// enrol makes a light witness. Where there are too many, the one with the least XIN goes; its
// outputs stay locked.
func (x *execution) enrol(e *enrolment) {
	w := &e.witness
	list := x.forum().countingWitnesses()
	if len(list) == maxWitnesses {
		least := leastWitness(list)
		x.deleteSystem(rowWitness(list[least].key))
		list = slices.Delete(list, least, least+1)
	}
	for _, old := range witnessesOf(x.overlay) {
		if old.until < x.commit.Index {
			x.deleteSystem(rowWitness(old.key))
		}
	}
	at, _ := slices.BinarySearchFunc(list, w.Key, func(l listedWitness, key kernel.Key) int { return bytes.Compare(l.key[:], key[:]) })
	list = slices.Insert(list, at, listedWitness{key: w.Key, locked: w.Locked, until: w.Until})
	x.setSystem(rowWitnesses, encodeWitnesses(list))
	x.putWitness(w)
	for i := range e.ballots {
		ref := e.ballots[i].Output
		_, existed := x.System(rowLock(ref))
		x.putLock(ref, lock{until: w.Until, witness: w.Key}, existed)
	}
}

func (x *execution) putWitness(w *Witness) { x.setSystem(rowWitness(w.Key), w.encode()) }

// report judges a report record and returns its witness as it is with it. [WIT-3]
func (f *forum) report(r *kernel.Record) (*Witness, error) {
	var seen kernel.WitnessReport
	if err := seen.UnmarshalBinary(r.Payload); err != nil {
		return nil, ignore(RecordMalformed, "%v", err)
	}
	w, ok := f.activeWitness(r.Signer)
	if !ok {
		return nil, ignore(WitnessUnknown, "%v", r.Signer)
	}
	hour := uint64(f.time) / (millisADay / 24)
	if w.Reports > 0 && hour <= w.LastHour {
		return nil, ignore(ReportEarly, "reported at hour %d, now is %d", w.LastHour, hour)
	}
	if seen.Seen >= f.now || r.Epoch == f.epoch && f.context.Roster != nil && seen.Reachable>>len(f.context.Roster.Members) != 0 {
		return nil, ignore(ReportRoster, "commit %d, members %x", seen.Seen, seen.Reachable)
	}
	w.Reports++
	w.LastHour = hour
	w.work(mintDay(f.time), workOfReport)
	if len(w.Recent) == maxRecentReports {
		w.Recent = w.Recent[1:]
	}
	w.Recent = append(w.Recent, SeenMembers{Commit: f.now, Epoch: r.Epoch, Seen: seen.Seen, Reachable: seen.Reachable})
	return &w, nil
}

// work adds to what a witness is paid for on a day.
func (w *Witness) work(day uint64, n uint32) {
	if w.Day != day {
		w.Day, w.Work = day, 0
	}
	w.Work = min(w.Work+n, maxDayWork)
}

// witnessVoted notes a light witness's vote; those on appeals are paid. [WIT-4]
func (x *execution) witnessVoted(key kernel.Key, m *Motion) {
	if m.Motion.Penalty == nil {
		return
	}
	w, _ := x.forum().activeWitness(key)
	w.Votes++
	w.work(mintDay(x.commit.Timestamp), workOfVote)
	x.putWitness(&w)
}

// Witnesses returns the light witnesses that count, by key.
func Witnesses(v View) (all []Witness) {
	f := &forum{View: v, now: v.Head().Index + 1}
	for _, l := range f.countingWitnesses() {
		w, _ := row(v, rowWitness(l.key), decodeWitness)
		all = append(all, w)
	}
	return all
}

// SeenAbout returns the report of a fault's epoch that was made nearest to the commit of the fault.
func (w *Witness) SeenAbout(f *Fault) (nearest SeenMembers, ok bool) {
	for _, s := range w.Recent {
		if s.Epoch == f.Epoch && (!ok || distance(s.Commit, f.Commit) < distance(nearest.Commit, f.Commit)) {
			nearest, ok = s, true
		}
	}
	return nearest, ok
}

func distance(a, b kernel.CommitIndex) kernel.CommitIndex { return max(a, b) - min(a, b) }

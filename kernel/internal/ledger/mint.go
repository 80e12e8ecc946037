package ledger

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
)

// The mint pays once a UTC day, at the first commit whose timestamp falls into the next one, for
// the work that commits of the day before hold. [MNT-8]

// A mintWorks is the row "work": what members did on a day, by key.
type mintWorks struct {
	day  uint64
	list []memberWork
}

type memberWork struct {
	key kernel.Key
	mintWork
}

// maxMintWorkers bounds the keys of a day: rosters change only at epochs. What is beyond is not counted.
const maxMintWorkers = 512

const (
	rowMint = "mint"
	rowWork = "work"
)

func rowDistribution(n uint64) string { return "mint/" + strconv.FormatUint(n, 10) }

func (w *mintWorks) encode() []byte {
	b := codec.AppendU64(nil, w.day)
	b = codec.AppendU16(b, uint16(len(w.list)))
	for i := range w.list {
		b = append(b, w.list[i].key[:]...)
		b = codec.AppendU64(codec.AppendU64(b, w.list[i].Led), w.list[i].Signed)
	}
	return b
}

func decodeMintWorks(b []byte) (w mintWorks, err error) {
	r := codec.NewReader(b)
	w.day = r.U64("day")
	w.list = make([]memberWork, r.Count16(maxMintWorkers, 48, "members"))
	for i := range w.list {
		r.Fixed(w.list[i].key[:], "member")
		w.list[i].Led, w.list[i].Signed = r.U64("led"), r.U64("signed")
	}
	return w, r.Done()
}

func compareWork(w memberWork, key kernel.Key) int { return bytes.Compare(w.key[:], key[:]) }

func (w *mintWorks) of(key kernel.Key) mintWork {
	if i, ok := slices.BinarySearchFunc(w.list, key, compareWork); ok {
		return w.list[i].mintWork
	}
	return mintWork{}
}

func (w *mintWorks) add(key kernel.Key, led, signed uint32) {
	i, ok := slices.BinarySearchFunc(w.list, key, compareWork)
	if !ok {
		if len(w.list) == maxMintWorkers {
			return
		}
		w.list = slices.Insert(w.list, i, memberWork{key: key})
	}
	w.list[i].mintWork.add(int(led), int(signed))
}

func (m *mintState) encode() []byte {
	b := codec.AppendU64(nil, m.Batch)
	b = codec.AppendU64(b, m.Surplus)
	b = codec.AppendU64(b, m.Pool)
	b = codec.AppendU64(b, m.Start)
	return codec.AppendU64(b, m.Count)
}

func decodeMintState(b []byte) (m mintState, err error) {
	r := codec.NewReader(b)
	m.Batch, m.Surplus, m.Pool = r.U64("batch"), r.U64("surplus"), r.U64("pool")
	m.Start, m.Count = r.U64("start"), r.U64("count")
	return m, r.Done()
}

// A Distribution is what one settlement paid: the row "mint/<number>", for people.
type Distribution struct {
	Batch       uint64
	Commit      kernel.CommitIndex
	Due         kernel.Amount // what the schedule released
	Paid        kernel.Amount // what of it left the pool
	Transaction kernel.TxHash // zero if nothing was paid
	Shares      []MintShare
}

// A MintShare is one member's or light witness's part of a Distribution.
type MintShare struct {
	Key    kernel.Key    `json:"key"`
	Light  bool          `json:"light"`
	Led    uint64        `json:"led"`    // of a light witness its work
	Signed uint64        `json:"signed"` // of a light witness its XIN in units
	Amount kernel.Amount `json:"amount"`
}

const maxShares = kernel.MaxMembers + maxWitnesses

func (d *Distribution) encode() []byte {
	b := codec.AppendU64(codec.AppendU64(nil, d.Batch), uint64(d.Commit))
	b = d.Paid.AppendBinary(d.Due.AppendBinary(b))
	b = append(b, d.Transaction[:]...)
	b = codec.AppendU16(b, uint16(len(d.Shares)))
	for i := range d.Shares {
		s := &d.Shares[i]
		b = codec.AppendBool(append(b, s.Key[:]...), s.Light)
		b = codec.AppendU64(codec.AppendU64(b, s.Led), s.Signed)
		b = s.Amount.AppendBinary(b)
	}
	return b
}

func decodeDistribution(b []byte) (d Distribution, err error) {
	r := codec.NewReader(b)
	d.Batch, d.Commit = r.U64("batch"), kernel.CommitIndex(r.U64("commit"))
	d.Due, d.Paid = kernel.ReadAmount(r, "due"), kernel.ReadAmount(r, "paid")
	r.Fixed(d.Transaction[:], "transaction")
	d.Shares = make([]MintShare, r.Count16(maxShares, 51, "shares"))
	for i := range d.Shares {
		s := &d.Shares[i]
		r.Fixed(s.Key[:], "key")
		s.Light = r.Bool("light")
		s.Led, s.Signed = r.U64("led"), r.U64("signed")
		s.Amount = kernel.ReadAmount(r, "amount")
	}
	return d, r.Done()
}

// foundMint makes the row of commit 0.
func (o *overlay) foundMint(g *kernel.Genesis) {
	m := mintState{Batch: uint64(g.Stake.Mint.PaidDays), Pool: unitsOf(g.Stake.Pool), Start: mintDay(g.Timestamp)}
	o.setSystem(rowMint, m.encode())
}

// A snapshotWork is what a member did in one commit.
type snapshotWork struct{ led, signed uint32 }

// worked counts a committed snapshot for its author. [MNT-4]
func (x *execution) worked(s *Committed) {
	if x.context.Stake == nil || int(s.Author) >= len(x.work) {
		return
	}
	w := &x.work[s.Author]
	if s.Body != nil && len(s.Body.Entries) > 0 {
		w.led++
	}
	w.signed += uint32(s.Names.Len())
}

// endMint settles the day that has ended, if one has, and notes this commit's work. [MNT-8]
func (x *execution) endMint() {
	m, ok := row(x.overlay, rowMint, decodeMintState)
	if !ok {
		return
	}
	day := mintDay(x.commit.Timestamp)
	works, counted := row(x.overlay, rowWork, decodeMintWorks)
	if counted && day > works.day {
		x.settleMint(m, &works, day)
		works = mintWorks{}
	}
	works.day = day
	for i := range x.context.Roster.Members {
		if w := x.work[i]; w.led > 0 || w.signed > 0 {
			works.add(x.context.Roster.Members[i].Key, w.led, w.signed)
		}
	}
	x.setSystem(rowWork, works.encode())
}

// settleMint pays what is due up to the given day. Where fewer than a quorum worked on the newest
// day, nothing is, and its part waits for the next day that is settled.
func (x *execution) settleMint(m mintState, works *mintWorks, day uint64) {
	if day < m.Start || day-m.Start <= m.Batch {
		return
	}
	stake, _ := StakeOf(x.overlay)
	due, next := m.due(m.Pool, unitsOf(stake.Pool), day-m.Start)
	rules := x.context.Stake.Mint
	nodes, light := mintSplit{rules.Nodes, rules.Domains, rules.Light}.of(due)
	shares, payouts, ok := x.nodeShares(nodes, works)
	if !ok {
		return
	}
	lightShares, lightPayouts := x.lightShares(light, works.day)
	d := Distribution{Batch: next.Batch, Commit: x.commit.Index, Due: kernel.NewAmount(due), Shares: append(shares, lightShares...)}
	used := func(k kernel.Key) bool { _, used := x.GhostKey(k); return used }
	if tx, paid := mintTransaction(next.Batch, append(payouts, lightPayouts...), used); tx != nil {
		x.changeStake(func(s *StakeState) { mustSub(&s.Pool, kernel.NewAmount(paid)) })
		d.Paid, d.Transaction = kernel.NewAmount(paid), x.issue(tx)
	}
	x.setSystem(rowDistribution(next.Count), d.encode())
	next.Count++
	x.setSystem(rowMint, next.encode())
}

// nodeShares are the parts of the voting members of the roster in force, by author. [MNT-5] [MNT-6]
func (x *execution) nodeShares(total uint64, works *mintWorks) (shares []MintShare, payouts []payout, ok bool) {
	var members []*kernel.Member
	var work []mintWork
	for i := range x.context.Roster.Members {
		if m := &x.context.Roster.Members[i]; !m.Flagged {
			members = append(members, m)
			work = append(work, works.of(m.Key))
		}
	}
	shaped, ok := shapeWork(work, x.context.Roster.Quorum())
	if !ok {
		return nil, nil, false
	}
	for i, amount := range shareOut(total, shaped) {
		m := members[i]
		shares = append(shares, MintShare{Key: m.Key, Led: work[i].Led, Signed: work[i].Signed, Amount: kernel.NewAmount(amount)})
		payouts = append(payouts, payout{payee: m.Payee, seed: kernel.PublicAddress(m.Key).String() + nodePayout, amount: amount})
	}
	return shares, payouts, true
}

// lightShares are the parts of the light witnesses that worked on a day, by key: their XIN times
// their work. Where nobody did, the light share stays in the pool. [WIT-4]
func (x *execution) lightShares(total, day uint64) (shares []MintShare, payouts []payout) {
	var weights []uint64
	for _, l := range x.forum().countingWitnesses() {
		w, _ := row(x.overlay, rowWitness(l.key), decodeWitness)
		if w.Day != day || w.Work == 0 {
			continue
		}
		weights = append(weights, w.Locked/minWitnessLock*uint64(w.Work)) // in steps of the least lock: sums stay in 64 bits
		shares = append(shares, MintShare{Key: w.Key, Light: true, Led: uint64(w.Work), Signed: w.Locked})
		payouts = append(payouts, payout{payee: w.Payee, seed: w.Payee.String() + witnessPayout})
	}
	for i, amount := range shareOut(total, weights) {
		shares[i].Amount, payouts[i].amount = kernel.NewAmount(amount), amount
	}
	return shares, payouts
}

// MintSchedule is how far the mint has come.
type MintSchedule struct {
	Batch         uint64        // newest day that is settled
	Distributions uint64        // there were
	Day           kernel.Amount // what the next day releases
	Pool          kernel.Amount
}

// MintOf returns how far the mint has come; false where the network has none.
func MintOf(v View) (s MintSchedule, ok bool) {
	m, ok := row(v, rowMint, decodeMintState)
	if !ok {
		return s, false
	}
	stake, _ := StakeOf(v)
	day, _ := m.due(m.Pool, unitsOf(stake.Pool), m.Batch+1)
	return MintSchedule{Batch: m.Batch, Distributions: m.Count, Day: kernel.NewAmount(day), Pool: stake.Pool}, true
}

// DistributionAt returns a distribution by its number, from 0.
func DistributionAt(v View, number uint64) (Distribution, bool) {
	return row(v, rowDistribution(number), decodeDistribution)
}

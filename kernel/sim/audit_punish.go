package sim

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// This file is what faults cost, and what the ledger pays, a second time: at the end of each commit the auditor
// says which transactions the ledger must make by itself.

// punishes draws the consequences of the faults that the commit brought. [STK-20]
func (j *judgement) punishes() {
	for i := range j.diff.Faults {
		f := j.diff.Faults[i]
		roster := j.roll.roster
		if f.Epoch != j.commit.Epoch {
			roster = j.roll.before
		}
		m := j.roll.find(roster[f.Author].Key)
		m.faults++
		switch {
		case m.state == kernel.MemberRemoved:
		case m.flag == ledger.FlagInForce && f.Epoch >= m.flagEpoch:
			m.second = &f
			j.confiscates(m)
		case m.flag == ledger.FlagNone:
			m.flag, m.first = ledger.FlagDue, &f
			j.roll.waiting = append(j.roll.waiting, m)
		}
	}
	for _, m := range slices.Clone(j.roll.taken) {
		if m.until < j.commit.Index { // [STK-25]
			j.c.w.reached("stake_recycled")
			j.roll.escrow, _ = j.roll.escrow.Sub(m.stake)
			j.roll.pool, _ = j.roll.pool.Add(m.stake)
			j.roll.taken = drop(j.roll.taken, m)
			m.escrowed, m.stake = false, kernel.Amount{}
			if place(j.roll.roster, m.key) < 0 {
				j.roll.departs(m)
			}
		}
	}
}

// confiscates takes a stake into escrow. [STK-24]
func (j *judgement) confiscates(m *enrolment) {
	j.c.w.reached("stake_taken")
	j.expect(&kernel.Transaction{
		Asset: kernel.XIN, Extra: kernel.MemberExtra(m.key, m.payee), Inputs: []kernel.Input{{OutputRef: m.collateral}},
		Outputs: []kernel.Output{{Type: kernel.OutputNodeCancel, Amount: m.stake}},
	})
	j.roll.escrow, _ = j.roll.escrow.Add(m.stake)
	j.roll.taken = append(j.roll.taken, m)
	m.state, m.since, m.collateral, m.escrowed = kernel.MemberRemoved, j.commit.Index, kernel.OutputRef{}, true
	m.until = j.commit.Index + kernel.CommitIndex(j.roll.genesis.Stake.AppealWindow)
}

// lifts decides the appeals whose time is over: enough XIN must have voted. [STK-26]
func (j *judgement) lifts() {
	for _, l := range j.roll.motions {
		if l.deadline != j.commit.Index {
			continue
		}
		total, _ := j.roll.genesis.Stake.Total.Sub(j.roll.pool)
		_, outside := total.Units()
		_, sum := l.sum.Units()
		m := l.member
		percent := uint64(j.roll.genesis.Stake.Motion.QuorumPercent)
		if 100*sum < percent*outside || m.flag == ledger.FlagNone || m.state == kernel.MemberRemoved && !m.escrowed {
			continue
		}
		j.c.w.reached("penalty_lifted")
		m.flag, m.flagEpoch, m.first, m.second = ledger.FlagNone, 0, nil, nil
		j.roll.waiting = drop(j.roll.waiting, m)
		if m.escrowed {
			j.restores(m)
		}
	}
}

func (j *judgement) restores(m *enrolment) {
	j.c.w.reached("stake_restored")
	hash := j.expect(&kernel.Transaction{
		Asset: kernel.XIN, Extra: kernel.MemberExtra(m.key, m.payee),
		Inputs:  []kernel.Input{{Mint: &kernel.Mint{Group: "RESTORE", Batch: uint64(j.commit.Index), Amount: m.stake}}},
		Outputs: []kernel.Output{{Type: kernel.OutputNodeAccept, Amount: m.stake}},
	})
	j.roll.escrow, _ = j.roll.escrow.Sub(m.stake)
	j.roll.taken = drop(j.roll.taken, m)
	m.escrowed, m.until, m.left, m.leftEpoch, m.since = false, 0, false, 0, j.commit.Index
	m.collateral, m.state = kernel.OutputRef{Hash: hash}, kernel.MemberJoining
	if place(j.roll.roster, m.key) >= 0 {
		m.state = kernel.MemberAccepted
	}
}

// paysBack ends a membership: the stake goes to the payee, under a key that everybody can compute. [STK-8] [STK-35]
func (j *judgement) paysBack(m *enrolment) {
	j.c.w.reached("stake_paid_back")
	extra := kernel.MemberExtra(m.key, m.payee)
	before := j.c.auditor.heads[len(j.c.auditor.heads)-1].Digest
	for try := uint32(0); ; try++ {
		seed := slices.Concat(j.network[:], before[:], binary.BigEndian.AppendUint64(nil, uint64(j.commit.Index)), make([]byte, 4),
			binary.BigEndian.AppendUint32(nil, try))
		for _, word := range [][]byte{[]byte("NODEREMOVE"), extra} {
			seed = append(binary.BigEndian.AppendUint32(seed, uint32(len(word))), word...)
		}
		low, high := crypto.SumLabel("asterism system output", seed, []byte{0}), crypto.SumLabel("asterism system output", seed, []byte{1})
		random := crypto.ScalarFromWide([64]byte(slices.Concat(low[:], high[:])))
		key, err := crypto.GhostPublic(random, m.payee.View, m.payee.Spend, 0)
		if _, used := j.keys[key]; used || err != nil {
			continue
		}
		j.expect(&kernel.Transaction{
			Asset: kernel.XIN, Extra: extra, Inputs: []kernel.Input{{OutputRef: m.collateral}},
			Outputs: []kernel.Output{{Type: kernel.OutputNodeRemove, Amount: m.stake, Keys: []kernel.Key{key}, Mask: crypto.Mask(random), Script: kernel.NewScript(1)}},
		})
		break
	}
	m.state, m.since, m.collateral, m.stake = kernel.MemberRemoved, j.commit.Index, kernel.OutputRef{}, kernel.Amount{}
	j.roll.waiting = drop(j.roll.waiting, m)
	j.roll.departs(m)
}

// expect notes a transaction that the ledger must make by itself.
func (j *judgement) expect(tx *kernel.Transaction) kernel.TxHash {
	j.expected = append(j.expected, encode(tx))
	return tx.Hash()
}

// issuedDiffer: the ledger makes what the auditor expects, and nothing else.
func (j *judgement) issuedDiffer(diff *ledger.Diff) bool {
	return !slices.EqualFunc(diff.Issued, j.expected, bytes.Equal)
}

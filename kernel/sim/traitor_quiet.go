package sim

import (
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// This file holds behaviours whose snapshots are all valid: they lie by leaving out, by waiting,
// and in parts of the header that only void themselves.

func planSilent(*traitor) plot { return plot{mute: true} }

// planFallSilent keeps to the rules up to some round and is never heard of again. What it sent
// last reaches a part of the members only.
func planFallSilent(t *traitor) plot {
	last := kernel.Round(3 + t.arg%120)
	return plot{pass: func(d *draft) {
		if d.header.Round < last {
			t.show(d)
			return
		}
		for _, to := range t.some(1 + t.arg/120%len(t.w.stage.keys)) {
			t.w.send(int(t.author), to, d.frame)
		}
		t.halt()
	}}
}

// planWithhold shows each snapshot to some members only, others each time, and serves nothing.
// Those that have it are the only ones who can pass it on.
func planWithhold(t *traitor) plot {
	return plot{
		pass: func(d *draft) {
			for _, to := range t.some(1 + t.dice.IntN(t.cabal.members.Q)) {
				t.w.send(int(t.author), to, d.frame)
			}
		},
		answer: func(_ int, m wire.Message) bool {
			switch m.(type) {
			case wire.Want, wire.Have:
				return true
			}
			return false
		},
	}
}

// planStall makes each round as late as it can without falling out of everybody's reach, and
// then names no more than it must.
func planStall(t *traitor) plot {
	lag := kernel.Round(1 + t.arg%8)
	return plot{
		enough: t.cabal.members.Q - 1,
		ready: func(b *branch) bool {
			return t.cabal.honestTop() >= b.tip.Round+lag || t.w.clock.Now() > t.made+3000
		},
	}
}

// planMinimalParents names exactly a quorum, and never the same few victims while it can help it.
func planMinimalParents(t *traitor) plot {
	var shunned committee.Set
	for i := 0; shunned.Len() < t.cabal.members.F; i++ {
		shunned = shunned.With(kernel.Author((t.arg + i*(1+t.arg/64%3)) % t.cabal.members.Size))
		if i > 100 {
			break
		}
	}
	return plot{
		enough: t.cabal.members.Q - 1,
		choose: func(b *branch) (list []*parent) { return prefer(t.strong(b), ^shunned) },
	}
}

// prefer puts snapshots of some authors first.
func prefer(list []*parent, first committee.Set) (out []*parent) {
	for _, v := range list {
		if first.Has(v.Author) {
			out = append(out, v)
		}
	}
	for _, v := range list {
		if !first.Has(v.Author) {
			out = append(out, v)
		}
	}
	return out
}

// planTimeTravel jumps far ahead in time, once or by and by, and then stands still there.
func planTimeTravel(t *traitor) plot {
	from := kernel.Round(1 + t.arg%80)
	ahead := []kernel.Timestamp{60_000, 3600_000, 10 * 365 * 86_400_000, kernel.MaxTimestamp}[t.arg/80%4]
	return plot{alter: func(d *draft) {
		if d.header.Round >= from {
			d.header.Timestamp = max(min(genesisTime+ahead, kernel.MaxTimestamp-1), d.branch.tip.Timestamp)
		}
	}}
}

func planNoShare(t *traitor) plot {
	return plot{alter: func(d *draft) { d.header.Share = nil }}
}

// planBadShare puts something else where its share belongs.
func planBadShare(t *traitor) plot {
	return plot{alter: func(d *draft) {
		r := d.header.Round
		switch t.dice.IntN(5) {
		case 0: // of another round
			d.header.Share = t.w.notary.share(t.author, r+1+kernel.Round(t.dice.IntN(3)))
		case 1: // another author's, if it is out
			for _, v := range t.cabal.graph.Variants(kernel.Author(t.dice.IntN(t.cabal.members.Size)), r) {
				d.header.Share = v.Header.Share
			}
		case 2: // its own with one bit turned
			s := *t.w.notary.share(t.author, r)
			s.Proof[t.dice.IntN(64)] ^= 1 << t.dice.IntN(8)
			d.header.Share = &s
		case 3: // nothing that was ever a point
			d.header.Share = &kernel.CoinShare{Share: t.noise()}
		default: // zero
			d.header.Share = new(kernel.CoinShare)
		}
	}}
}

// planLateShare makes its snapshots in time and lets them out when the others have gone on for a
// wave: its shares reach them last of all, and its rounds by the dozen.
func planLateShare(t *traitor) plot {
	type kept struct {
		*draft
		at sim.Time
	}
	var queue []kept
	lag := kernel.Round(1 + t.arg%int(2*t.w.stage.genesis.Parameters.Wave))
	return plot{
		pass: func(d *draft) { queue = append(queue, kept{d, t.w.clock.Now()}) },
		pulse: func() {
			for len(queue) > 0 {
				d := queue[0]
				if !t.w.calm && t.cabal.honestTop() < d.header.Round+lag && t.w.clock.Now() < d.at+3000 {
					return
				}
				queue = queue[1:]
				t.show(d.draft)
			}
		},
		answer: func(_ int, m wire.Message) bool { _, have := m.(wire.Have); return have },
	}
}

// planClaimAhead claims to have executed what its cone does not decide, with a state of its own.
func planClaimAhead(t *traitor) plot {
	return plot{alter: func(d *draft) {
		ahead := []kernel.CommitIndex{1, 2, 10, 1000, 1 << 40, 1<<64 - 1}[t.dice.IntN(6)]
		d.header.Claim.Index = max(d.header.Claim.Index, d.header.Claim.Index+ahead)
		switch t.dice.IntN(3) {
		case 0:
			d.header.Claim.Digest = t.noise()
		case 1:
			if known, ok := t.cabal.states[d.header.Claim.Index]; ok {
				d.header.Claim.Digest = known
			}
		}
	}}
}

// planWrongDigest names a state that is not the one after its commit. All traitors name the same.
func planWrongDigest(t *traitor) plot {
	from := kernel.Round(t.arg % 40)
	return plot{alter: func(d *draft) {
		if k := d.header.Claim.Index; d.header.Round >= from {
			d.header.Claim.Digest = crypto.SumLabel("simulated lie", []byte{byte(k), byte(k >> 8), byte(k >> 16)})
		}
	}}
}

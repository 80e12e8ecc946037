package engine

import (
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/dag"
)

// This file watches whether the members reach the states that this node reaches. What they name
// never changes an order or a validity; f+1 that disagree are an alarm, q that agree on another
// state stop this node. [EXE-8]

// digests remembers the states of the newest commits.
type digests struct {
	ring [4096]kernel.CommitClaim
}

func (d *digests) put(c kernel.CommitClaim) { d.ring[c.Index%4096] = c }

func (d *digests) at(k kernel.CommitIndex) (kernel.Digest, bool) {
	c := d.ring[k%4096]
	return c.Digest, c.Index == k && !c.Digest.IsZero()
}

// namings remembers the newest states that each member named. A member's own claims push out
// its own only, so that nobody can hide what others say.
type namings struct {
	ring [][64]kernel.CommitClaim // by author
	next [kernel.MaxMembers]int
}

func (n *namings) put(a kernel.Author, c kernel.CommitClaim) {
	n.ring[a][n.next[a]] = c
	n.next[a] = (n.next[a] + 1) % len(n.ring[a])
}

// others is the set of authors that named a state of commit k other than d.
func (n *namings) others(k kernel.CommitIndex, d kernel.Digest) (out committee.Set) {
	for a := range n.ring {
		for _, c := range n.ring[a] {
			if c.Index == k && c.Digest != d && !c.Digest.IsZero() {
				out = out.With(kernel.Author(a))
			}
		}
	}
	return out
}

// by is the set of authors that named exactly this state.
func (n *namings) by(claim kernel.CommitClaim) (out committee.Set) {
	for a := range n.ring {
		for _, c := range n.ring[a] {
			if c == claim {
				out = out.With(kernel.Author(a))
			}
		}
	}
	return out
}

// compareDigest looks at the state that an accepted snapshot names.
func (e *Engine) compareDigest(v *dag.Vertex) {
	if !v.Named || !e.committee.Votes(v.Author) || v.Author == e.config.Self {
		return
	}
	if own, _ := e.graph.Get(v.Parents[0].ID); own.Claim == v.Claim {
		return // said before
	}
	e.named.put(v.Author, v.Claim)
	if mine, known := e.digests.at(v.Claim.Index); known && mine != v.Claim.Digest {
		e.disagree(v.Claim, committee.Set(0).With(v.Author))
	}
}

// compareOwn looks at what members that were faster named for the commit just executed.
func (e *Engine) compareOwn(mine kernel.CommitClaim) {
	others := e.named.others(mine.Index, mine.Digest)
	for a := range e.committee.Size {
		if !others.Has(kernel.Author(a)) {
			continue
		}
		for _, c := range e.named.ring[a] {
			if c.Index == mine.Index && c.Digest != mine.Digest {
				e.disagree(c, others)
			}
		}
	}
}

func (e *Engine) disagree(claim kernel.CommitClaim, who committee.Set) {
	e.stats.Mismatched |= who
	if same := e.named.by(claim).Len(); same >= e.committee.Q {
		e.phase = Halted
		e.reason = fmt.Sprintf("%d members name another state after commit %d: this node's ledger is wrong", same, claim.Index)
	}
}

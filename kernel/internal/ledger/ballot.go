package ledger

import (
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// weigh adds up the outputs that stand behind a statement about a motion, the zero hash for a
// witness's card, and checks that their keys signed it. [GOV-4]
func (f *forum) weigh(ballots []kernel.Ballot, statement, motion kernel.Hash) (sum kernel.Amount, err error) {
	for i := range ballots { // all that is cheap before any signature
		out, ok := f.Output(ballots[i].Output)
		if !ok || !out.SpentBy.IsZero() || out.Asset != kernel.XIN || out.Type != kernel.OutputScript && out.Type != kernel.OutputNodeRemove {
			return sum, ignore(BallotOutput, "output %v:%d", ballots[i].Output.Hash, ballots[i].Output.Index)
		}
		if err := f.mayLock(ballots[i].Output, motion); err != nil {
			return sum, err
		}
		if err := enough(&out, ballots[i].Signatures); err != nil {
			return sum, err
		}
		mustAdd(&sum, out.Amount)
	}
	for i := range ballots {
		out, _ := f.Output(ballots[i].Output)
		for _, s := range ballots[i].Signatures {
			if !crypto.Verify(out.Keys[s.Index], statement[:], s.Signature) {
				return sum, ignore(BallotSignature, "key %d of output %v:%d", s.Index, ballots[i].Output.Hash, ballots[i].Output.Index)
			}
		}
	}
	return sum, nil
}

// enough: as many keys signed as the output's script asks, one at least.
func enough(out *Output, signatures kernel.SignatureMap) error {
	threshold, err := out.Script.Threshold()
	if err != nil || len(signatures) < max(1, int(threshold)) {
		return ignore(BallotSignature, "%d signatures, the script asks for %d", len(signatures), threshold)
	}
	if last := signatures[len(signatures)-1].Index; int(last) >= len(out.Keys) {
		return ignore(BallotSignature, "the output has no key %d", last)
	}
	return nil
}

// mayLock: the output is nobody's weight yet in this matter.
func (f *forum) mayLock(ref kernel.OutputRef, motion kernel.Hash) error {
	l, ok := row(f, rowLock(ref), decodeLock)
	switch {
	case !ok:
		return nil
	case !l.witness.IsZero() && l.until >= f.now:
		return ignore(BallotUsed, "output %v:%d is light witness %v's", ref.Hash, ref.Index, l.witness)
	case slices.Contains(l.motions, motion):
		return ignore(BallotUsed, "output %v:%d has voted", ref.Hash, ref.Index)
	case motion.IsZero() && l.until >= f.now:
		return ignore(BallotUsed, "output %v:%d votes on motions", ref.Hash, ref.Index)
	case len(openMotions(f, l.motions)) == maxLockMotions:
		return ignore(BallotUsed, "output %v:%d votes on %d motions", ref.Hash, ref.Index, maxLockMotions)
	}
	return nil
}

// openMotions are those of a list on which votes still count.
func openMotions(v View, list []kernel.Hash) (open []kernel.Hash) {
	for _, id := range list {
		if m, ok := motionOf(v, id); ok && m.State == MotionOpen {
			open = append(open, id)
		}
	}
	return open
}

// lockOutput keeps an output where it is until votes on the motion have ended.
func (x *execution) lockOutput(ref kernel.OutputRef, m *Motion) {
	l, existed := row(x.overlay, rowLock(ref), decodeLock)
	l.witness = kernel.Key{} // one whose time is over
	l.motions = append(openMotions(x.overlay, l.motions), m.ID)
	l.until = max(l.until, m.Deadline)
	x.putLock(ref, l, existed)
}

// putLock writes a lock and counts it.
func (x *execution) putLock(ref kernel.OutputRef, l lock, existed bool) {
	x.setSystem(rowLock(ref), l.encode())
	if !existed {
		n, _ := row(x.overlay, rowLocks, decodeCount)
		x.setSystem(rowLocks, encodeCount(n+1))
	}
}

// unlock forgets the lock of an output that is being spent.
func (x *execution) unlock(ref kernel.OutputRef) {
	if _, locked := x.System(rowLock(ref)); !locked {
		return
	}
	x.deleteSystem(rowLock(ref))
	n, _ := row(x.overlay, rowLocks, decodeCount)
	x.setSystem(rowLocks, encodeCount(n-1))
}

// anyLocks tells whether a search for locks can find any: nearly always not.
func anyLocks(v View) bool {
	n, _ := row(v, rowLocks, decodeCount)
	return n > 0
}

// LockOf returns the last commit up to which an output's lock holds, and the light witness whose
// weight it is; zeros where nothing holds it any more.
func LockOf(v View, ref kernel.OutputRef) (until kernel.CommitIndex, witness kernel.Key) {
	l, _ := row(v, rowLock(ref), decodeLock)
	if l.until <= v.Head().Index {
		return 0, kernel.Key{}
	}
	return l.until, l.witness
}

// unmetLock: the input is not held by a vote. [GOV-4]
func (s *spending) unmetLock(i int) *Refusal {
	if !s.locked {
		return nil
	}
	if until, _ := LockOf(s.view, s.Transaction.Inputs[i].OutputRef); until > 0 {
		return refuse(kernel.OutputLocked, "input %d votes on a motion and cannot be spent before commit %d", i, until+1)
	}
	return nil
}

// unmetFrozen: the asset may come in and leave. [GOV-10]
func (s *spending) unmetFrozen() *Refusal {
	if Frozen(s.view, s.Transaction.Asset) {
		return refuse(kernel.AssetFrozen, "asset %v is frozen: nothing of it comes in or leaves", s.Transaction.Asset)
	}
	return nil
}

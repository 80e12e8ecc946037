package ledger

import (
	"math/bits"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
)

// mayMove reports whether the state allows what a motion wants, and until when votes on it count.
// What it wants is looked at again when it is carried out. [GOV-6]
func (f *forum) mayMove(m *kernel.Motion) (deadline kernel.CommitIndex, err error) {
	deadline = f.now + kernel.CommitIndex(MotionRulesOf(f, f.context.Stake).Window)
	switch {
	case m.Penalty != nil:
		return f.mayAppeal(m)
	case m.Asset != nil:
		if a, known := f.Asset(m.Asset.ID); known && (a.Chain != m.Asset.Chain || a.Key != m.Asset.Key) {
			return 0, ignore(MotionVoid, "the asset is %q on chain %v", a.Key, a.Chain)
		}
	case m.Domain != nil:
		d, _ := DomainOf(f, m.Domain.ID)
		if d.State == kernel.DomainPending || m.Nonce != d.Asked {
			return 0, ignore(MotionVoid, "domain %s is %v, asked for %d times: the nonce must be that number", m.Domain.ID, d.State, d.Asked)
		}
	case m.Assurance != nil:
		if _, known := f.Asset(m.Assurance.Asset); !known {
			return 0, ignore(MotionVoid, "asset %v is not known", m.Assurance.Asset)
		}
		if _, frozen := f.System(rowFrozen(m.Assurance.Asset)); frozen == m.Assurance.Freeze {
			return 0, ignore(MotionVoid, "asset %v: frozen is %v already", m.Assurance.Asset, frozen)
		}
	case m.Upgrade != nil:
		if p := ProtocolOf(f); m.Upgrade.Version <= max(p.Version, p.Next) {
			return 0, ignore(MotionVoid, "version %d is not above %d", m.Upgrade.Version, max(p.Version, p.Next))
		}
	}
	return deadline, nil
}

// moved notes in the rows what an opened motion is about.
func (x *execution) moved(m *Motion) {
	if d := m.Motion.Domain; d != nil {
		r, _ := DomainOf(x.overlay, d.ID)
		r.State, r.Motion = kernel.DomainPending, m.ID
		r.Asked++
		x.setSystem(rowDomain(d.ID), r.encode())
	}
	if p := m.Motion.Penalty; p != nil {
		x.appealed(p, m)
	}
}

// endGovernance decides the motions whose votes have ended, and carries out those whose delay has.
// [GOV-7] [GOV-8]
func (x *execution) endGovernance() {
	if x.context.Stake == nil {
		return
	}
	list := motionsOf(x.overlay)
	for _, a := range list.active {
		if a.due > x.commit.Index {
			continue
		}
		m, _ := motionOf(x.overlay, a.id)
		if m.State == MotionOpen {
			x.decide(m)
		}
		if m.State == MotionPassed && m.Due <= x.commit.Index {
			x.carryOut(m)
		}
		x.setSystem(rowMotion(m.ID), m.encode())
		list = motionsOf(x.overlay)
		list.update(m)
		x.setSystem(rowMotions, list.encode())
	}
}

// decide counts: a motion passes with more XIN for it than against it, where enough XIN voted. [GOV-7]
func (x *execution) decide(m *Motion) {
	m.Quorum = QuorumOf(x.overlay, x.context.Stake)
	inFavour, against := m.For.Sum(), m.Against.Sum()
	cast := inFavour
	mustAdd(&cast, against)
	if cast.Compare(m.Quorum) < 0 || inFavour.Compare(against) <= 0 {
		m.State = MotionRejected
		x.rejected(m)
		return
	}
	m.State, m.Due = MotionPassed, m.Deadline
	if m.Motion.Penalty == nil { // who appeals has waited already
		m.Due += kernel.CommitIndex(MotionRulesOf(x.overlay, x.context.Stake).Delay)
	}
}

// QuorumOf is the XIN that must have voted: a percentage of all that is not in the pool, rounded up.
func QuorumOf(v View, genesis *kernel.Stake) kernel.Amount {
	s, _ := StakeOf(v)
	outside, ok := genesis.Total.Sub(s.Pool)
	if !ok {
		panic("ledger: the pool holds more XIN than there is")
	}
	return kernel.NewAmount(percentUp(unitsOf(outside), genesis.Motion.QuorumPercent))
}

// percentUp is a percentage of n, rounded up; percent is at most 100.
func percentUp(n uint64, percent uint8) uint64 {
	hi, lo := bits.Mul64(n, uint64(percent))
	lo, carry := bits.Add64(lo, 99, 0)
	q, _ := bits.Div64(hi+carry, lo, 100)
	return q
}

// unitsOf is an amount of XIN in units of 10^-8. The supply fits: a genesis is checked for it.
func unitsOf(a kernel.Amount) uint64 {
	hi, lo := a.Units()
	if hi != 0 {
		panic("ledger: more XIN than 64 bits hold")
	}
	return lo
}

func (x *execution) rejected(m *Motion) {
	if d := m.Motion.Domain; d != nil {
		r, _ := DomainOf(x.overlay, d.ID)
		if r.State = kernel.DomainDenied; len(r.Approved) > 0 {
			r.State = kernel.DomainApproved // with the nodes it had
		}
		x.setSystem(rowDomain(d.ID), r.encode())
	}
}

// carryOut does what was decided, or notes that the state does not allow it any more. [GOV-8]
func (x *execution) carryOut(m *Motion) {
	m.State = MotionDone
	switch e := &m.Motion; {
	case e.Penalty != nil:
		if !x.lift(e.Penalty) {
			m.State = MotionFailed
		}
	case e.Asset != nil:
		a := x.asset(e.Asset.ID, Asset{Chain: e.Asset.Chain, Key: e.Asset.Key})
		if a.Chain != e.Asset.Chain || a.Key != e.Asset.Key {
			m.State = MotionFailed
			return
		}
		a.Symbol, a.Ceiling = e.Asset.Symbol, e.Asset.Ceiling
	case e.Domain != nil:
		r, _ := DomainOf(x.overlay, e.Domain.ID)
		r.State, r.Approved = kernel.DomainApproved, e.Domain.Nodes
		x.setSystem(rowDomain(e.Domain.ID), r.encode())
	case e.Assurance != nil && e.Assurance.Freeze:
		x.setSystem(rowFrozen(e.Assurance.Asset), m.ID[:])
	case e.Assurance != nil:
		x.deleteSystem(rowFrozen(e.Assurance.Asset))
	case e.Upgrade != nil:
		if !x.upgrade(e.Upgrade) {
			m.State = MotionFailed
		}
	case e.Parameter != nil:
		x.setParameter(e.Parameter)
	}
}

// upgrade arranges for a protocol version from an epoch on, at the earliest from the next one. [GOV-9]
func (x *execution) upgrade(u *kernel.Upgrade) bool {
	p := ProtocolOf(x.overlay)
	p.Version = p.At(x.commit.Epoch)
	if u.Version <= max(p.Version, p.Next) {
		return false
	}
	p.Next, p.From = u.Version, max(u.Epoch, x.commit.Epoch+1)
	x.setSystem(rowProtocol, p.encode())
	return true
}

// firstProtocol is the version of every network's first epoch.
const firstProtocol = 1

// ProtocolOf says which version of the rules is in force, and from when on which other.
func ProtocolOf(v View) Protocol {
	if p, ok := row(v, rowProtocol, decodeProtocol); ok {
		return p
	}
	return Protocol{Version: firstProtocol, Next: firstProtocol}
}

// DomainOf returns what is known of a domain; the zero row, whose state is invalid, where nothing is.
func DomainOf(v View, id string) (DomainRow, bool) { return row(v, rowDomain(id), decodeDomainRow) }

// Frozen reports whether an asset is frozen: nothing of it comes in or leaves. [GOV-10]
func Frozen(v View, asset kernel.AssetID) bool {
	_, frozen := v.System(rowFrozen(asset))
	return frozen
}

const rowMotionRules = "motion-rules"

// MotionRulesOf are the rules in force; the genesis has those that votes have not changed.
func MotionRulesOf(v View, genesis *kernel.Stake) kernel.MotionRules {
	rules := genesis.Motion
	if changed, ok := row(v, rowMotionRules, decodeMotionRules); ok {
		rules.Window, rules.Delay = changed.Window, changed.Delay
	}
	return rules
}

func decodeMotionRules(b []byte) (m kernel.MotionRules, err error) {
	r := codec.NewReader(b)
	m.Window, m.Delay = r.U64("window"), r.U64("delay")
	return m, r.Done()
}

// setParameter changes a number for everything that begins later. [GOV-11]
func (x *execution) setParameter(p *kernel.NewParameter) {
	rules := MotionRulesOf(x.overlay, x.context.Stake)
	switch p.Name {
	case kernel.ParameterMotionWindow:
		rules.Window = p.Value
	case kernel.ParameterMotionDelay:
		rules.Delay = p.Value
	default:
		x.changeStake(func(s *StakeState) {
			switch p.Name {
			case kernel.ParameterAppealWindow:
				s.AppealWindow = p.Value
			case kernel.ParameterAppFee:
				s.Fees.AppCreation = kernel.NewAmount(p.Value)
			case kernel.ParameterCallFee:
				s.Fees.Call = kernel.NewAmount(p.Value)
			}
		})
		return
	}
	x.setSystem(rowMotionRules, codec.AppendU64(codec.AppendU64(nil, rules.Window), rules.Delay))
}

// ActiveMotions returns the motions that are open or wait for their delay, by age.
func ActiveMotions(v View) (all []*Motion) {
	for _, a := range motionsOf(v).active {
		m, _ := motionOf(v, a.id)
		all = append(all, m)
	}
	return all
}

// MotionCount is how many motions there ever were.
func MotionCount(v View) uint64 { return motionsOf(v).count }

// MotionAt returns a motion by its number in the order of all motions.
func MotionAt(v View, number uint64) (*Motion, bool) {
	id, ok := v.System(rowMotionNumber(number))
	if !ok {
		return nil, false
	}
	return motionOf(v, kernel.Hash(id))
}

// MotionByID returns a motion.
func MotionByID(v View, id kernel.Hash) (*Motion, bool) { return motionOf(v, id) }

// VotesOf returns at most limit of a motion's votes, in order, beginning with number from.
func VotesOf(v View, m *Motion, from uint32, limit int) (votes []CastVote) {
	for n := from; n < m.Votes && len(votes) < limit; n++ {
		vote, ok := row(v, rowVote(m.ID, n), decodeCastVote)
		if !ok {
			panic("ledger: a motion has fewer votes than it says")
		}
		votes = append(votes, vote)
	}
	return votes
}

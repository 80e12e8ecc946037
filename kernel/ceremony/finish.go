package ceremony

import (
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/crypto/sharing"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
)

// A Result is the network's genesis and what the ceremony found about its members.
type Result struct {
	Genesis  kernel.Genesis
	Counted  []kernel.Author // whose dealings make the coin key
	Findings []Finding

	draft    *Draft
	dealings []*file // the counted ones
}

// Finish computes the genesis. It is a function of the set of files: order and copies do not
// matter, so operators with the same files get the same bytes.
//
// A dealing is closed when q members judged it. It counts when it is closed and nobody has proven
// a complaint about it. Finish needs q verdicts and q closed dealings, and refuses if more than f
// of the closed ones are proven bad. A verdict with a false complaint does not count at all.
func Finish(draft *Draft, dealings []*Dealing, verdicts []*Verdict) (*Result, error) {
	s, err := sortDealings(draft, dealings)
	if err != nil {
		return nil, err
	}
	if err := s.countVerdicts(draft, verdicts); err != nil {
		return nil, err
	}
	r := &Result{draft: draft}
	if err := r.choose(s); err != nil {
		return nil, err
	}
	r.Findings = s.findings
	all := make([]sharing.Commitments, len(r.dealings))
	for i, d := range r.dealings {
		if all[i], err = sharing.ParseCommitments(d.Commitments); err != nil {
			return nil, fmt.Errorf("dealing of %s: %w", draft.nameOf(d.Dealer), err)
		}
	}
	r.Genesis = draft.genesis(sharing.AddCommitments(all...).Keys())
	if err := r.Genesis.Check(); err != nil {
		return nil, err
	}
	if _, err := coin.NewKey(r.Genesis.NetworkID(), 0, r.Genesis.Roster()); err != nil {
		return nil, err
	}
	return r, nil
}

// countVerdicts checks all verdicts and notes on each dealing what those that count say about it.
func (s *desk) countVerdicts(draft *Draft, verdicts []*Verdict) error {
	statements, err := merge(draft, verdicts)
	if err != nil {
		return err
	}
	counted, missing := 0, new(missingFiles)
	for a, v := range statements {
		switch {
		case v.empty:
			s.find(a, Absent, "no verdict")
		case v.unusable:
			s.find(a, Unusable, "verdict names a dealer twice, out of order, or not of the draft")
		case v.contradicts:
			s.find(a, Twice, "verdicts contradict each other, none counts")
		case s.hear(draft, kernel.Author(a), v):
			s.count(v, missing)
			counted++
		}
	}
	q := draft.Quorum()
	if counted < q {
		return fmt.Errorf("%w: %d verdicts count, want %d: wait for more%s", ErrTooFew, counted, q, draft.list(s.findings))
	}
	for i, j := range missing.names {
		if missing.counts[i] >= q {
			return fmt.Errorf("%w: %d members judged dealing %s of %s: get it", ErrMissing, missing.counts[i], j.Dealing.Short(), draft.Cards[j.Dealer].Name)
		}
	}
	return nil
}

// missingFiles counts who judged the dealings that are not here.
type missingFiles struct {
	names  []Judged
	counts []int
}

func (m *missingFiles) add(j Judged) {
	i := slices.Index(m.names, j)
	if i < 0 {
		i, m.names, m.counts = len(m.names), append(m.names, j), append(m.counts, 0)
	}
	m.counts[i]++
}

// hear checks a member's complaints and reports whether its verdict counts. A proof is a proof: it
// stands even if another complaint of the same member is false.
func (s *desk) hear(draft *Draft, member kernel.Author, v *statement) bool {
	counts := true
	for i := range v.complaints {
		c := &v.complaints[i]
		f := s.file(c.Dealer, c.Dealing)
		if f == nil {
			continue
		}
		if holds, why := complaintHolds(draft, f, member, c); holds {
			f.bad = true
			s.find(int(c.Dealer), BadShare, "for "+draft.Cards[member].Name)
		} else {
			counts = false
			s.find(int(member), FalseComplaint, why)
		}
	}
	return counts
}

// count adds a member's judgements to the dealings it names. No honest member judges two dealings
// of one dealer, so two of them cannot both reach a quorum.
func (s *desk) count(v *statement, missing *missingFiles) {
	judge := func(j Judged) {
		if f := s.file(j.Dealer, j.Dealing); f != nil {
			f.judged++
		} else {
			missing.add(j)
		}
	}
	for _, j := range v.accepted {
		judge(j)
	}
	for i := range v.complaints {
		judge(v.complaints[i].Judged)
	}
}

// choose takes the dealings that make the key.
func (r *Result) choose(s *desk) error {
	closed, q := 0, r.draft.Quorum()
	for a, versions := range s.files {
		for _, f := range versions {
			switch {
			case f.judged < q:
				s.find(a, Late, fmt.Sprintf("dealing judged by %d members, want %d", f.judged, q))
			case f.bad:
				closed++
			default:
				closed++
				r.Counted = append(r.Counted, kernel.Author(a))
				r.dealings = append(r.dealings, f)
			}
		}
	}
	switch {
	case closed < q:
		return fmt.Errorf("%w: %d dealings were judged by %d members, want %d: get more verdicts%s", ErrTooFew, closed, q, q, r.draft.list(s.findings))
	case closed-len(r.dealings) > r.draft.faulty():
		return fmt.Errorf("%w: %d dealings are proven bad%s", ErrImpossible, closed-len(r.dealings), r.draft.list(s.findings))
	}
	return nil
}

// list appends findings to an error, for the operator who has to act on them.
func (d *Draft) list(findings []Finding) (text string) {
	for _, f := range findings {
		text += fmt.Sprintf("\n  %s: %s: %s", d.Cards[f.Member].Name, f.Kind, f.Detail)
	}
	return text
}

// CoinShare computes the operator's share of the coin's secret and checks it against the coin
// key. ErrOwnShare says that a counted dealing holds a bad share for this member about which no
// verdict of its own complained: the network can start, but this member cannot help with its coin
// before the next epoch. The same files and node key give the same share again, should it be lost.
func (r *Result) CoinShare(node crypto.NodeKey) (crypto.Scalar, error) {
	me, err := r.draft.own(node)
	if err != nil {
		return crypto.Scalar{}, err
	}
	secret := encryptionSecret(node)
	shares := make([]crypto.Scalar, len(r.dealings))
	for i, d := range r.dealings {
		if shares[i], err = d.Open(d.context(), int(me), secret); err != nil {
			return crypto.Scalar{}, fmt.Errorf("%w: in the dealing of %s: %w", ErrOwnShare, r.draft.nameOf(d.Dealer), err)
		}
	}
	sum, err := sharing.SumNumbers(shares...)
	if err != nil {
		return crypto.Scalar{}, fmt.Errorf("%w: %w", ErrOwnShare, err)
	}
	key, err := coin.NewKey(r.Genesis.NetworkID(), 0, r.Genesis.Roster())
	if err != nil {
		return crypto.Scalar{}, err
	}
	if !key.Holds(sum, me) {
		return crypto.Scalar{}, fmt.Errorf("%w: the sum is not the coin key's", ErrOwnShare)
	}
	return sum, nil
}

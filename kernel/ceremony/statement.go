package ceremony

import (
	"slices"

	"github.com/asterism-network/asterism/kernel"
)

// A statement is all that a member's verdicts say together: who judges again when more dealings
// have come makes a second verdict, which must repeat the first one's judgements or leave them out.
type statement struct {
	accepted    []Judged
	complaints  []Complaint
	empty       bool
	unusable    bool
	contradicts bool
}

// merge puts the verdicts of each member together. Their order does not matter.
func merge(draft *Draft, verdicts []*Verdict) ([]*statement, error) {
	all, hash := make([]*statement, len(draft.Cards)), draft.Hash()
	for a := range all {
		all[a] = &statement{empty: true}
	}
	for _, v := range verdicts {
		member, err := v.signed(draft, hash)
		if err != nil {
			return nil, err
		}
		all[member].add(v, v.ordered(draft))
	}
	return all, nil
}

func (s *statement) add(v *Verdict, ordered bool) {
	s.empty, s.unusable = false, s.unusable || !ordered
	for _, j := range v.Accepted {
		if old, _, known := s.about(j.Dealer); !known {
			s.accepted = append(s.accepted, j)
		} else if old != j || !slices.Contains(s.accepted, j) {
			s.contradicts = true
		}
	}
	for _, c := range v.Complaints {
		if _, old, known := s.about(c.Dealer); !known {
			s.complaints = append(s.complaints, c)
		} else if old != c {
			s.contradicts = true
		}
	}
}

// about is what the member has said about a dealer so far.
func (s *statement) about(dealer kernel.Author) (Judged, Complaint, bool) {
	for _, j := range s.accepted {
		if j.Dealer == dealer {
			return j, Complaint{}, true
		}
	}
	for _, c := range s.complaints {
		if c.Dealer == dealer {
			return c.Judged, c, true
		}
	}
	return Judged{}, Complaint{}, false
}

package replica

import (
	"slices"

	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
)

// A Judged is what checking one of many transactions gave: as the results of Candidate.
type Judged struct {
	Candidate mempool.Candidate
	Err       error
}

// candidateSignatures bounds what of transactions that came together is verified together, on one core.
const candidateSignatures = 512

// A submission is one of many transactions, and where its answer goes.
type submission struct {
	raw    []byte
	parsed *ledger.Parsed
	answer *Judged
}

func (s submission) signatures() int { return s.parsed.Signatures() }

// Candidates is Candidate for many: they are checked against one state, and their signatures in
// batches. Answers stand in the order of raws. They may be of different clients: a bad one costs
// what finding it costs, and spoils nothing for the others.
func (r *Replica) Candidates(raws [][]byte) []Judged {
	view := r.store.View()
	defer view.Close()
	out := make([]Judged, len(raws))
	all := make([]submission, len(raws))
	r.each(len(all), func(i int) { all[i] = submission{raws[i], r.Parse(raws[i]), &out[i]} })
	parts := slices.Collect(cut(all, candidateSignatures, submission.signatures))
	r.each(len(parts), func(i int) { r.judge(view, parts[i]) })
	return out
}

// judge answers some together.
func (r *Replica) judge(view ledger.View, list []submission) {
	if together, ok := r.proofs.(Batch); ok {
		g := gathering{replica: r, view: view}
		for _, s := range list {
			g.add(s.parsed)
		}
		if len(g.checks) > 1 {
			g.learn(together.VerifyEach(g.checks))
		}
	}
	for _, s := range list {
		s.answer.Candidate, s.answer.Err = r.candidate(view, s.parsed, s.raw)
	}
}

package rpc

import (
	"context"
	"errors"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// Proofs are what a node with checkpoints can show to those who trust nobody. A History that is no
// Proofs has none.
type Proofs interface {
	// Certificate returns the newest certificate of a checkpoint at or below a commit.
	Certificate(atMost kernel.CommitIndex) (*kernel.CheckpointProof, bool)

	// RosterChange returns the change that led to an epoch.
	RosterChange(to kernel.Epoch) (*kernel.RosterChange, bool)

	// Prover proves under the newest certified checkpoint. The error is ErrNoCheckpoint.
	Prover() (Prover, error)
}

// A Prover proves what the state was at one certified checkpoint. Its errors are the three below;
// its ranges may be shorter than asked for.
type Prover interface {
	Under() *kernel.CheckpointProof
	Receipt(kernel.TxHash) (*kernel.FinalityProof, error)
	Place(kernel.OutputRef) (uint64, error)
	Output(place uint64) (*kernel.OutputProof, error)
	Outputs(from uint64, n int) (*kernel.OutputRange, error)
	Receipts(from uint64, n int) (*kernel.ReceiptRange, error)
}

// Why there is no proof.
var (
	ErrNoCheckpoint = errors.New("there is no certified checkpoint to prove under yet: try again in a moment")
	ErrNotCertified = errors.New("it is newer than the newest certified checkpoint: try again in a moment")
	ErrNotThere     = errors.New("there is no such thing") // answered with null
)

func (s *Server) proofMethods() []Method {
	return []Method{
		{Name: "getcertificate", Right: Read, Handle: s.getCertificate,
			About:  "The newest checkpoint at or below a commit that a quorum signed; null if there is none yet. certificate has the bytes that a light node verifies.",
			Params: []Param{{Name: "commit", Kind: "integer", About: "the newest of all if not given", Example: 1000}},
			Result: &client.Certificate{}},
		{Name: "listrosterchanges", Right: Read, Handle: s.listRosterChanges,
			About: "How the rosters of epochs followed each other: each item leads from an epoch to the next, certified by the members of the first.",
			Params: []Param{{Name: "from", Kind: "integer", Required: true, About: "epoch that the first item leads away from", Example: 0},
				{Name: "limit", Kind: "integer", About: "1 to 500, 100 if not given", Example: 10}},
			Result: client.RosterChanges{}},
		{Name: "getfinalityproof", Right: Read, Handle: s.getFinalityProof,
			About:  "A proof of what became of a transaction, to be verified with the genesis file alone; null if the transaction has no receipt.",
			Params: []Param{hashParam("transaction")}, Result: &client.FinalityProof{}, Errors: []string{"no_checkpoint", "not_certified"}},
		{Name: "getoutputproof", Right: Read, Handle: s.getOutputProof,
			About: "A proof that an output is unspent, or that its place is empty because it is spent; null if there never was such an output.",
			Params: []Param{hashParam("transaction"),
				{Name: "index", Kind: "integer", Required: true, About: "of the output", Example: 0}},
			Result: &client.OutputProof{}, Errors: []string{"no_checkpoint", "not_certified"}},
		{Name: "getplaceproof", Right: Read, Handle: s.getPlaceProof,
			About:  "As getoutputproof, for the output that took a place in the tree of outputs; null behind the last one.",
			Params: []Param{{Name: "place", Kind: "integer", Required: true, About: "of the output, in the order of execution", Example: 0}},
			Result: &client.OutputProof{}, Errors: []string{"no_checkpoint"}},
		{Name: "listoutputrange", Right: Read, Handle: s.listOutputRange,
			About:  "All that stands at consecutive places of the tree of outputs, with the proof that nothing is left out: whoever has a view key looks through it without telling anybody. Shorter than asked for where it would be long; null behind the last place.",
			Params: rangeParams(), Result: &client.Range{}, Errors: []string{"no_checkpoint"}},
		{Name: "listreceiptrange", Right: Read, Handle: s.listReceiptRange,
			About: "The receipts at consecutive places, with the proof that none is left out; null behind the last place. With transactions, the signed bytes of the final ones too, empty where they are not stored here.",
			Params: append(rangeParams(),
				Param{Name: "transactions", Kind: "boolean", About: "send them too", Example: false}),
			Result: &client.Range{}, Errors: []string{"no_checkpoint"}},
	}
}

func rangeParams() []Param {
	return []Param{
		{Name: "from", Kind: "integer", Required: true, About: "first place", Example: 0},
		{Name: "count", Kind: "integer", About: "1 to 8192, 1024 if not given", Example: 10},
	}
}

// maxRangeTransactions bounds the bytes of transactions beside a range of receipts.
const maxRangeTransactions = 8 << 20

func (s *Server) proofs() Proofs {
	p, _ := s.history.(Proofs)
	return p
}

func (s *Server) prover() (Prover, error) {
	if p := s.proofs(); p != nil {
		return p.Prover()
	}
	return nil, ErrNoCheckpoint
}

func (s *Server) getCertificate(_ context.Context, a *args) (any, error) {
	commit := kernel.CommitIndex(a.Uint("commit", lastCommit, lastCommit))
	if err := a.Err(); err != nil {
		return nil, err
	}
	if proofs := s.proofs(); proofs != nil {
		if p, ok := proofs.Certificate(commit); ok {
			return certificateOf(p), nil
		}
	}
	return (*client.Certificate)(nil), nil
}

func certificateOf(p *kernel.CheckpointProof) *client.Certificate {
	c := &client.Certificate{Checkpoint: p.Checkpoint, Bytes: p.AppendBinary(nil)}
	for i := range p.Signatures {
		c.Signers = append(c.Signers, p.Signatures[i].Author)
	}
	return c
}

func (s *Server) listRosterChanges(_ context.Context, a *args) (any, error) {
	from, limit := kernel.Epoch(a.Uint("from", 1<<32-2, 0)), a.Limit("limit", 100)
	if err := a.Err(); err != nil {
		return nil, err
	}
	out := client.RosterChanges{Items: []client.RosterChange{}}
	proofs := s.proofs()
	for e := from + 1; proofs != nil && len(out.Items) < limit && e > from; e++ {
		c, ok := proofs.RosterChange(e)
		if !ok {
			break
		}
		out.Items = append(out.Items, client.RosterChange{Epoch: e, Commit: c.End.Checkpoint.Index, Members: len(c.Next.Members), Bytes: c.AppendBinary(nil)})
	}
	return out, nil
}

// orNull turns what is not there into a null result.
func orNull[T any](result *T, err error) (any, error) {
	if errors.Is(err, ErrNotThere) {
		return (*T)(nil), nil
	}
	if err != nil {
		return nil, err
	}
	return result, nil
}

func (s *Server) getFinalityProof(_ context.Context, a *args) (any, error) {
	hash := hashArg(a, "hash")
	if err := a.Err(); err != nil {
		return nil, err
	}
	prover, err := s.prover()
	if err != nil {
		return nil, err
	}
	p, err := prover.Receipt(hash)
	if err != nil {
		return orNull[client.FinalityProof](nil, err)
	}
	raw, _, _ := s.history.Transaction(hash)
	return &client.FinalityProof{Receipt: p.Receipt, Commit: p.Certificate.Checkpoint.Index, Bytes: p.AppendBinary(nil), Transaction: raw}, nil
}

func (s *Server) getOutputProof(_ context.Context, a *args) (any, error) {
	ref := kernel.OutputRef{Hash: hashArg(a, "hash"), Index: uint16(a.Uint("index", 1<<16-1, 0))}
	if err := a.Err(); err != nil {
		return nil, err
	}
	prover, err := s.prover()
	if err != nil {
		return nil, err
	}
	place, err := prover.Place(ref)
	if err != nil {
		return orNull[client.OutputProof](nil, err)
	}
	return orNull(outputProof(prover, place))
}

func (s *Server) getPlaceProof(_ context.Context, a *args) (any, error) {
	place := a.Uint("place", lastCommit, 0)
	if err := a.Err(); err != nil {
		return nil, err
	}
	prover, err := s.prover()
	if err != nil {
		return nil, err
	}
	p, err := outputProof(prover, place)
	if errors.Is(err, ErrNotCertified) {
		err = ErrNotThere
	}
	return orNull(p, err)
}

func outputProof(prover Prover, place uint64) (*client.OutputProof, error) {
	p, err := prover.Output(place)
	if err != nil {
		return nil, err
	}
	return &client.OutputProof{Output: p.Output, Place: place, Commit: p.Certificate.Checkpoint.Index, Bytes: p.AppendBinary(nil)}, nil
}

// rangeArgs reads the parameters of a range and opens a prover.
func (s *Server) rangeArgs(a *args) (from uint64, count int, prover Prover, err error) {
	from = a.Uint("from", lastCommit, 0)
	count = int(a.Uint("count", kernel.MaxRange, 1024))
	if count == 0 {
		a.Fail("count", "want 1 to 8192")
	}
	if err = a.Err(); err == nil {
		prover, err = s.prover()
	}
	return from, count, prover, err
}

func newRange(prover Prover, from uint64, n int, bytes []byte) *client.Range {
	under := prover.Under()
	return &client.Range{Commit: under.Checkpoint.Index, Certificate: under.AppendBinary(nil), Bytes: bytes, Next: from + uint64(n)}
}

func (s *Server) listOutputRange(_ context.Context, a *args) (any, error) {
	from, count, prover, err := s.rangeArgs(a)
	if err != nil {
		return nil, err
	}
	r, err := prover.Outputs(from, count)
	if errors.Is(err, ErrNotCertified) {
		return (*client.Range)(nil), nil
	}
	if err != nil {
		return nil, err
	}
	return newRange(prover, from, len(r.Outputs), r.AppendBinary(nil)), nil
}

func (s *Server) listReceiptRange(ctx context.Context, a *args) (any, error) {
	wanted := a.Bool("transactions", false)
	from, count, prover, err := s.rangeArgs(a)
	if err != nil {
		return nil, err
	}
	if wanted {
		count = min(count, maxTransactionsInRange)
	}
	r, err := prover.Receipts(from, count)
	if errors.Is(err, ErrNotCertified) {
		return (*client.Range)(nil), nil
	}
	if err != nil {
		return nil, err
	}
	var transactions []client.Hex
	if wanted {
		var n int
		if transactions, n = s.transactionsOf(ctx, r.Receipts); n < len(r.Receipts) {
			if r, err = prover.Receipts(from, n); err != nil {
				return nil, err
			}
		}
	}
	out := newRange(prover, from, len(r.Receipts), r.AppendBinary(nil))
	out.Transactions = transactions
	return out, nil
}

// maxTransactionsInRange bounds the reads of one answer with transactions.
const maxTransactionsInRange = 1024

// transactionsOf reads the bytes of final transactions, of as many receipts as fit an answer and its
// time; of one at least.
func (s *Server) transactionsOf(ctx context.Context, receipts []kernel.Receipt) (list []client.Hex, n int) {
	for bytes := 0; n < len(receipts) && (n == 0 || bytes < maxRangeTransactions && ctx.Err() == nil); n++ {
		var raw []byte
		if receipts[n].Status == kernel.Final {
			raw, _, _ = s.history.Transaction(receipts[n].Transaction)
		}
		list = append(list, raw)
		bytes += len(raw)
	}
	return list, n
}

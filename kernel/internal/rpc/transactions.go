package rpc

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

const exampleHash = "a99c2e0e2b1da4d648755ef19bd95139acbbe6564cfb06dec7cd34931ca72cdc"

func hashParam(about string) Param {
	return Param{Name: "hash", Kind: "hash", Required: true, About: about, Example: exampleHash}
}

var rawParam = Param{Name: "hex", Kind: "hex", Required: true, About: "the signed transaction, at most 4 MiB", Example: "77770005"}

func (s *Server) transactionMethods() []Method {
	return []Method{
		{Name: "sendrawtransaction", Right: Submit, Peer: true, Large: true, Handle: s.sendRawTransaction,
			About:  "Submit a signed transaction. A known one is answered with its hash, pending or final.",
			Params: []Param{rawParam}, Result: sent{}, Errors: submitErrors()},
		{Name: "sendrawtransactions", Right: Submit, Large: true, Handle: s.sendRawTransactions,
			About:  "Submit many signed transactions at once: each is answered by itself, in their order, with its hash or the error that sendrawtransaction would give. Signatures are checked together, so this is the way for whoever pays a lot.",
			Params: []Param{{Name: "hexes", Kind: "hex list", Most: maxSubmissions, Required: true, About: "1 to 1000 signed transactions, as far as the request may be long, with 65,536 signatures in all", Example: []string{"77770005"}}},
			Result: client.Submissions{}, Errors: []string{"rate_limited", "not_ready", "too_many", "too_many_signatures"}},
		{Name: "checkrawtransaction", Right: Read, Large: true, Handle: s.checkRawTransaction,
			About:  "Say what would become of a submission, without submitting. An invalid transaction is an answer.",
			Params: []Param{rawParam}, Result: client.Checked{}},
		{Name: "gettransaction", Right: Read, Peer: true, Handle: s.getTransaction,
			About:  "A transaction that is final or waits here; null if there is none. snapshot is the first to have made it final.",
			Params: []Param{hashParam("transaction")}, Result: &client.Transaction{}, Errors: []string{"pruned"}},
		{Name: "getcachetransaction", Right: Read, Peer: true, Handle: s.getCacheTransaction,
			About:  "A transaction that waits for its receipt; null if it does not.",
			Params: []Param{hashParam("transaction")}, Result: &client.Transaction{}},
		{Name: "gettransactionstatus", Right: Read, Handle: s.getTransactionStatus,
			About: "Whether a transaction is unknown, pending, final or rejected, with its receipt. With wait_ms the answer comes when there is a receipt, or after that time.",
			Params: []Param{hashParam("transaction"),
				{Name: "wait_ms", Kind: "integer", About: "at most 4500", Example: 0}},
			Result: client.TransactionStatus{}},
		{Name: "explaintransaction", Right: Read, Handle: s.explainTransaction,
			About:  "Where a transaction stands, who carries it and what it waits for, in words.",
			Params: []Param{hashParam("transaction")}, Result: client.Explanation{}},
		{Name: "getdeposittransaction", Right: Read, Peer: true, Handle: s.getDepositTransaction,
			About: "The transaction that credited an external transfer; null if it has not been credited.",
			Params: []Param{
				{Name: "chain", Kind: "hash", Required: true, About: "asset id of the chain", Example: exampleHash},
				{Name: "transaction", Kind: "string", Required: true, About: "hash of the transfer on that chain", Example: "0xff"},
				{Name: "index", Kind: "integer", Required: true, About: "output or event inside it", Example: 0}},
			Result: &client.Transaction{}},
		{Name: "getwithdrawalclaim", Right: Read, Peer: true, Handle: s.getWithdrawalClaim,
			About:  "The claim of a withdrawal; null until claims exist.",
			Params: []Param{hashParam("withdrawal submission")}, Result: &client.Transaction{}},
	}
}

type sent struct {
	Hash kernel.TxHash `json:"hash"`
}

func submitErrors() []string {
	all := []string{"rate_limited", "not_ready"}
	for r := kernel.Rule(1); r.Valid(); r++ {
		all = append(all, r.String())
	}
	return all
}

func (s *Server) sendRawTransaction(ctx context.Context, a *args) (any, error) {
	raw := rawArg(a, "hex")
	if err := a.Err(); err != nil {
		return nil, err
	}
	hash, err := s.node.Submit(ctx, raw)
	if errors.Is(err, kernel.AlreadyFinal) { // a rejected one comes back as the rule it has lost by
		return hashOf(raw)
	}
	if errors.Is(err, kernel.Malformed) {
		_, err = hashOf(raw) // says where
	}
	return sent{hash}, err
}

// sendRawTransactions answers each transaction as sendRawTransaction would.
func (s *Server) sendRawTransactions(ctx context.Context, a *args) (any, error) {
	raws := a.HexList("hexes", maxSubmissions, "transactions")
	if err := a.Err(); err != nil {
		return nil, err
	}
	if n := signaturesOf(raws); n > kernel.MaxBodySignatures {
		return nil, rpcserver.Faultf("too_many_signatures", "sendrawtransactions takes %d signatures, a signer of an aggregate counted as one, not %d", kernel.MaxBodySignatures, n)
	}
	answers, err := s.node.SubmitAll(ctx, raws)
	if err != nil {
		return nil, err
	}
	out := client.Submissions{Results: make([]client.Submission, len(answers))}
	for i, x := range answers {
		r := &out.Results[i]
		r.Hash = x.Hash
		switch {
		case errors.Is(x.Err, kernel.AlreadyFinal):
			known, err := hashOf(raws[i])
			if r.Hash = known.Hash; err != nil {
				r.Error = s.object(err)
			}
		case errors.Is(x.Err, kernel.Malformed):
			_, err := hashOf(raws[i]) // says where
			r.Error = s.object(errors.Join(err, x.Err))
		case x.Err != nil:
			r.Error = s.object(x.Err)
		}
	}
	return out, nil
}

// signaturesOf counts signatures as those of a body are counted. [DAG-12]
func signaturesOf(raws [][]byte) (n int) {
	for _, raw := range raws {
		var tx kernel.Transaction
		if tx.UnmarshalBinary(raw) != nil {
			tx = kernel.Transaction{}
		}
		n += tx.SignatureCount()
	}
	return n
}

func hashOf(raw []byte) (sent, error) {
	var tx kernel.Transaction
	if err := tx.UnmarshalBinary(raw); err != nil {
		return sent{}, err
	}
	return sent{tx.Hash()}, nil
}

func (s *Server) checkRawTransaction(_ context.Context, a *args) (any, error) {
	raw := rawArg(a, "hex")
	if err := a.Err(); err != nil {
		return nil, err
	}
	out := client.Checked{Valid: true}
	var tx kernel.Transaction
	if tx.UnmarshalBinary(raw) == nil {
		out.Hash = tx.Hash()
	}
	if err := s.node.Check(raw); err != nil {
		f := s.Service().FaultOf(err)
		out.Valid, out.Name, out.Message = false, f.Name, f.Message
	}
	return out, nil
}

func (s *Server) getTransaction(_ context.Context, a *args) (any, error) {
	hash := hashArg(a, "hash")
	if err := a.Err(); err != nil {
		return nil, err
	}
	if tx := s.finalTransaction(hash); tx != nil {
		return tx, nil
	}
	if r, ok := s.history.Receipt(hash); ok && r.Status == kernel.Final { // its receipt and its proof are still here
		if f := s.gone(r.Commit); f != nil {
			return nil, f
		}
	}
	return s.pendingTransaction(hash), nil
}

func (s *Server) getCacheTransaction(_ context.Context, a *args) (any, error) {
	hash := hashArg(a, "hash")
	return s.pendingTransaction(hash), a.Err()
}

// finalTransaction is nil unless the transaction is final.
func (s *Server) finalTransaction(hash kernel.TxHash) *client.Transaction {
	raw, receipt, ok := s.history.Transaction(hash)
	if !ok || raw == nil || receipt.Status != kernel.Final {
		return nil
	}
	return expandFinal(raw, receipt)
}

func expandFinal(raw []byte, receipt kernel.Receipt) *client.Transaction {
	tx := expand(raw)
	tx.Snapshot = receipt.Snapshot
	return tx
}

func (s *Server) pendingTransaction(hash kernel.TxHash) *client.Transaction {
	raw, _, ok := s.node.Pending(hash)
	if !ok {
		return nil
	}
	return expand(raw)
}

// expand decodes bytes that the node has decoded before.
func expand(raw []byte) *client.Transaction {
	var tx kernel.Transaction
	if err := tx.UnmarshalBinary(raw); err != nil {
		panic("rpc: stored transaction: " + err.Error())
	}
	return &client.Transaction{TransactionView: tx.View(), Hex: hex.EncodeToString(raw)}
}

// maxWait leaves a part of the call's time for the answer.
const maxWait = rpcserver.CallBudget - 500*time.Millisecond

func (s *Server) getTransactionStatus(ctx context.Context, a *args) (any, error) {
	hash := hashArg(a, "hash")
	wait := time.Duration(a.Uint("wait_ms", uint64(maxWait.Milliseconds()), 0)) * time.Millisecond
	if err := a.Err(); err != nil {
		return nil, err
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		_, changed := s.node.Commits() // before the read, so that no commit is missed
		if status, decided := s.decided(hash); decided {
			return status, nil
		}
		select {
		case <-changed:
			continue
		case <-timer.C:
		case <-ctx.Done():
		case <-s.Ending():
		}
		status := s.waiting(hash)
		if late, decided := s.decided(hash); decided {
			return late, nil // while the node was asked
		}
		return status, nil
	}
}

// decided is the status of a transaction whose fate is known.
func (s *Server) decided(hash kernel.TxHash) (client.TransactionStatus, bool) {
	out := client.TransactionStatus{Transaction: hash}
	if receipt, ok := s.history.Receipt(hash); ok {
		out.State, out.Receipt = client.State(receipt.Status.String()), &receipt
		out.Timestamp = s.times.of(receipt.Commit, s.history)
		return out, true
	}
	receipt, ok := s.node.Excluded(hash)
	if ok {
		out.State, out.Receipt = client.Rejected, &receipt
	}
	return out, ok
}

// waiting is the status of any other. It asks the running node, so those who wait for a receipt
// do so only once.
func (s *Server) waiting(hash kernel.TxHash) client.TransactionStatus {
	out := client.TransactionStatus{Transaction: hash, State: client.Unknown}
	if _, since, ok := s.node.Pending(hash); ok {
		out.State, out.Since = client.Pending, since
	}
	return out
}

func (s *Server) explainTransaction(_ context.Context, a *args) (any, error) {
	hash := hashArg(a, "hash")
	if err := a.Err(); err != nil {
		return nil, err
	}
	e := s.node.Explain(hash)
	e.Holders, e.Story = list(e.Holders), list(e.Story)
	return e, nil
}

func (s *Server) getDepositTransaction(_ context.Context, a *args) (any, error) {
	var d kernel.Deposit
	a.Into("chain", &d.Chain)
	d.Transaction, _ = a.Text("transaction")
	d.Index = a.Uint("index", 1<<64-1, 0)
	if err := a.Err(); err != nil {
		return nil, err
	}
	view, release := s.history.View()
	defer release()
	owner, ok := view.Identity(d.Identity())
	if !ok {
		return (*client.Transaction)(nil), nil
	}
	return s.finalTransaction(owner.Transaction), nil
}

func (s *Server) getWithdrawalClaim(_ context.Context, a *args) (any, error) {
	hashArg(a, "hash")
	return (*client.Transaction)(nil), a.Err()
}

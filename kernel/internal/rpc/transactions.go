package rpc

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

const exampleHash = "a99c2e0e2b1da4d648755ef19bd95139acbbe6564cfb06dec7cd34931ca72cdc"

func hashParam(about string) Param {
	return Param{Name: "hash", Kind: "hash", Required: true, About: about, Example: exampleHash}
}

var rawParam = Param{Name: "hex", Kind: "hex", Required: true, About: "the signed transaction, at most 4 MiB", Example: "77770005"}

var _ = register(
	Method{Name: "sendrawtransaction", Right: Submit, Peer: true, Large: true, handle: sendRawTransaction,
		About:  "Submit a signed transaction. A known one is answered with its hash, pending or final.",
		Params: []Param{rawParam}, Result: sent{}, Errors: submitErrors()},
	Method{Name: "sendrawtransactions", Right: Submit, Large: true, handle: sendRawTransactions,
		About:  "Submit many signed transactions at once: each is answered by itself, in their order, with its hash or the error that sendrawtransaction would give. Signatures are checked together, so this is the way for whoever pays a lot.",
		Params: []Param{{Name: "hexes", Kind: "hex list", Required: true, About: "1 to 1000 signed transactions, as far as the request may be long", Example: []string{"77770005"}}},
		Result: client.Submissions{}, Errors: []string{"rate_limited", "not_ready", "too_many"}},
	Method{Name: "checkrawtransaction", Right: Read, Large: true, handle: checkRawTransaction,
		About:  "Say what would become of a submission, without submitting. An invalid transaction is an answer.",
		Params: []Param{rawParam}, Result: client.Checked{}},
	Method{Name: "gettransaction", Right: Read, Peer: true, handle: getTransaction,
		About:  "A transaction that is final or waits here; null if there is none. snapshot is the first to have made it final.",
		Params: []Param{hashParam("transaction")}, Result: &client.Transaction{}, Errors: []string{"pruned"}},
	Method{Name: "getcachetransaction", Right: Read, Peer: true, handle: getCacheTransaction,
		About:  "A transaction that waits for its receipt; null if it does not.",
		Params: []Param{hashParam("transaction")}, Result: &client.Transaction{}},
	Method{Name: "gettransactionstatus", Right: Read, handle: getTransactionStatus,
		About: "Whether a transaction is unknown, pending, final or rejected, with its receipt. With wait_ms the answer comes when there is a receipt, or after that time.",
		Params: []Param{hashParam("transaction"),
			{Name: "wait_ms", Kind: "integer", About: "at most 4500", Example: 0}},
		Result: client.TransactionStatus{}},
	Method{Name: "explaintransaction", Right: Read, handle: explainTransaction,
		About:  "Where a transaction stands, who carries it and what it waits for, in words.",
		Params: []Param{hashParam("transaction")}, Result: client.Explanation{}},
	Method{Name: "getdeposittransaction", Right: Read, Peer: true, handle: getDepositTransaction,
		About: "The transaction that credited an external transfer; null if it has not been credited.",
		Params: []Param{
			{Name: "chain", Kind: "hash", Required: true, About: "asset id of the chain", Example: exampleHash},
			{Name: "transaction", Kind: "string", Required: true, About: "hash of the transfer on that chain", Example: "0xff"},
			{Name: "index", Kind: "integer", Required: true, About: "output or event inside it", Example: 0}},
		Result: &client.Transaction{}},
	Method{Name: "getwithdrawalclaim", Right: Read, Peer: true, handle: getWithdrawalClaim,
		About:  "The claim of a withdrawal; null until claims exist.",
		Params: []Param{hashParam("withdrawal submission")}, Result: &client.Transaction{}},
)

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

func sendRawTransaction(ctx context.Context, s *Server, a *args) (any, error) {
	raw := a.raw("hex")
	if err := a.err(); err != nil {
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
func sendRawTransactions(ctx context.Context, s *Server, a *args) (any, error) {
	raws := a.raws("hexes", maxSubmissions)
	if err := a.err(); err != nil {
		return nil, err
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
				r.Error = faultOf(err).object()
			}
		case errors.Is(x.Err, kernel.Malformed):
			_, err := hashOf(raws[i]) // says where
			r.Error = faultOf(errors.Join(err, x.Err)).object()
		case x.Err != nil:
			r.Error = faultOf(x.Err).object()
		}
	}
	return out, nil
}

func hashOf(raw []byte) (sent, error) {
	var tx kernel.Transaction
	if err := tx.UnmarshalBinary(raw); err != nil {
		return sent{}, err
	}
	return sent{tx.Hash()}, nil
}

func checkRawTransaction(_ context.Context, s *Server, a *args) (any, error) {
	raw := a.raw("hex")
	if err := a.err(); err != nil {
		return nil, err
	}
	out := client.Checked{Valid: true}
	var tx kernel.Transaction
	if tx.UnmarshalBinary(raw) == nil {
		out.Hash = tx.Hash()
	}
	if err := s.node.Check(raw); err != nil {
		f := faultOf(err)
		out.Valid, out.Name, out.Message = false, f.name, f.message
	}
	return out, nil
}

func getTransaction(_ context.Context, s *Server, a *args) (any, error) {
	hash := a.txHash("hash")
	if err := a.err(); err != nil {
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

func getCacheTransaction(_ context.Context, s *Server, a *args) (any, error) {
	hash := a.txHash("hash")
	return s.pendingTransaction(hash), a.err()
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
const maxWait = callBudget - 500*time.Millisecond

func getTransactionStatus(ctx context.Context, s *Server, a *args) (any, error) {
	hash := a.txHash("hash")
	wait := time.Duration(a.uint("wait_ms", uint64(maxWait.Milliseconds()), 0)) * time.Millisecond
	if err := a.err(); err != nil {
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
		case <-s.ending.Done():
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

func explainTransaction(_ context.Context, s *Server, a *args) (any, error) {
	hash := a.txHash("hash")
	if err := a.err(); err != nil {
		return nil, err
	}
	e := s.node.Explain(hash)
	e.Holders, e.Story = list(e.Holders), list(e.Story)
	return e, nil
}

func getDepositTransaction(_ context.Context, s *Server, a *args) (any, error) {
	var d kernel.Deposit
	a.into("chain", &d.Chain)
	d.Transaction, _ = a.text("transaction")
	d.Index = a.uint("index", 1<<64-1, 0)
	if err := a.err(); err != nil {
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

func getWithdrawalClaim(_ context.Context, _ *Server, a *args) (any, error) {
	a.txHash("hash")
	return (*client.Transaction)(nil), a.err()
}

package explorer

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"unicode"
	"unicode/utf8"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// A txView is a transaction for a person: the verdict first.
type txView struct {
	Hash     kernel.TxHash
	State    client.State
	Verdict  string // one sentence
	Reason   string // rejected: the rule in words
	Rule     string // and its name
	Winner   kernel.TxHash
	Commit   kernel.CommitIndex
	Snapshot kernel.SnapshotID
	At       kernel.Timestamp
	Since    kernel.Timestamp
	Finality *int64
	Author   string
	Story    []string
	Holders  []holderView
	Source   string

	Known      bool // the bytes are there
	Class      string
	Asset      string
	AssetID    kernel.AssetID
	Inputs     []inputView
	Outputs    []outputView
	In, Out    string // sums; empty when not known
	References []kernel.TxHash
	Signatures string
	Memo       string // extra as text, if it is text
	Extra      string // hex
	Raw        string // indented JSON
	Hex        string
}

type holderView struct {
	client.Holder
	Name string
}

type inputView struct {
	What   string
	Hash   *kernel.TxHash
	Index  uint16
	Amount string
}

type outputView struct {
	Index  int
	Type   string
	Amount string
	Rule   string // who may spend it
	To     string // withdrawal address
	Keys   []kernel.Key
}

func (p *pageServer) transactionPage(w http.ResponseWriter, r *http.Request) {
	hash, err := kernel.ParseTxHash(r.PathValue("hash"))
	if err != nil {
		p.malformed(w, r, "transaction hash", err)
		return
	}
	answer, err := p.transaction(r.Context(), hash)
	if err != nil {
		p.failed(w, r, err)
		return
	}
	v := p.state.txView(hash, &answer)
	status := http.StatusOK
	if v.State == client.Unknown {
		status = http.StatusNotFound
	}
	p.write(w, r, status, "transaction", view{Title: "Transaction " + hash.Short(), Page: v, JSON: answer})
}

func (s *state) txView(hash kernel.TxHash, a *txAnswer) *txView {
	v := &txView{Hash: hash, State: a.Status.State, At: a.Status.Timestamp, Since: a.Status.Since, Source: s.nameOf(a.Source)}
	if receipt := a.Status.Receipt; receipt != nil {
		v.Commit, v.Snapshot, v.Winner = receipt.Commit, receipt.Snapshot, receipt.Winner
		v.Author, v.Finality = s.carrier(receipt.Snapshot)
		if receipt.Status == kernel.Rejected {
			v.Rule, v.Reason = receipt.Rule.String(), ruleSentence(receipt.Rule)
		}
	}
	if a.Explanation != nil {
		v.Story = a.Explanation.Story
		for _, h := range a.Explanation.Holders {
			v.Holders = append(v.Holders, holderView{h, s.memberName(h.Author)})
		}
	}
	v.Verdict = verdict(v)
	if a.Transaction != nil {
		s.effects(v, a)
	}
	return v
}

// Explained reports whether the story says more than the verdict.
func (v *txView) Explained() bool {
	return len(v.Holders) > 0 || len(v.Story) > 1 || len(v.Story) == 1 && v.State != client.Final
}

func verdict(v *txView) string {
	switch v.State {
	case client.Final:
		return fmt.Sprintf("Settled in commit %d. No node can undo it.", v.Commit)
	case client.Rejected:
		return fmt.Sprintf("Refused for ever in commit %d: %s", v.Commit, v.Reason)
	case client.Pending:
		return "Accepted by a node and waiting for its place in the total order."
	}
	return "No node that this page asks knows this transaction."
}

func (s *state) nameOf(address string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.nodes {
		if s.nodes[i].url == address {
			return nodeName(&s.nodes[i], i)
		}
	}
	return address
}

// carrier says who made a snapshot and how long it took to be final, if the window tells.
func (s *state) carrier(id kernel.SnapshotID) (author string, finality *int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.graph.byID[id]; v != nil {
		author = s.graph.name(v.Author)
		if ms, ok := v.finality(); ok {
			finality = &ms
		}
		return author, finality
	}
	for i := range s.payments {
		if s.payments[i].Snapshot == id {
			return s.payments[i].Author, s.payments[i].Finality
		}
	}
	return "", nil
}

// effects fills in what the transaction does.
func (s *state) effects(v *txView, a *txAnswer) {
	tx := a.Transaction
	v.Known, v.AssetID, v.Asset, v.Hex, v.References = true, tx.Asset, s.symbol(tx.Asset), tx.Hex, tx.References
	v.Extra = tx.Extra
	v.Memo = memo(tx.Extra)
	if decoded, err := tx.Decode(); err == nil {
		v.Class, v.Signatures = className(decoded.Class()), signatures(decoded)
		if sum, ok := sumOutputs(decoded.Outputs); ok {
			v.Out = trimAmount(sum)
		}
	}
	in, complete := kernel.Amount{}, true
	for i := range tx.Inputs {
		row, amount, ok := inputOf(&tx.Inputs[i], a.spent[uint16(i)])
		v.Inputs = append(v.Inputs, row)
		if ok {
			in, ok = in.Add(amount)
		}
		complete = complete && ok
	}
	if complete {
		v.In = trimAmount(in)
	}
	for i := range tx.Outputs {
		v.Outputs = append(v.Outputs, outputOf(i, &tx.Outputs[i]))
	}
	if raw, err := json.MarshalIndent(tx.TransactionView, "", "  "); err == nil {
		v.Raw = string(raw)
	}
}

func inputOf(in *kernel.InputView, spent *client.Output) (row inputView, amount kernel.Amount, ok bool) {
	switch {
	case in.Deposit != nil:
		row.What = "deposit of " + clip(in.Deposit.Transaction, 80) + " from another chain"
		amount, ok = in.Deposit.Amount, true
	case in.Mint != nil:
		row.What = "mint, batch " + formatUint(in.Mint.Batch)
		amount, ok = in.Mint.Amount, true
	case in.Genesis != "":
		row.What = "genesis"
	case in.Hash != nil && in.Index != nil:
		row.What, row.Hash, row.Index = "output", in.Hash, *in.Index
		if spent != nil {
			amount, ok = spent.Amount, true
		}
	}
	if ok {
		row.Amount = trimAmount(amount)
	}
	return row, amount, ok
}

func outputOf(i int, out *kernel.OutputView) outputView {
	row := outputView{Index: i, Type: outputType(out.Type), Amount: trimAmount(out.Amount), Keys: out.Keys}
	if out.Withdrawal != nil {
		row.To = clip(out.Withdrawal.Address, 200)
	}
	if m, err := out.Script.Threshold(); err == nil {
		row.Rule = fmt.Sprintf("%d of %d keys", m, len(out.Keys))
	}
	return row
}

func outputType(t kernel.OutputType) string {
	switch t {
	case kernel.OutputScript:
		return "payment"
	case kernel.OutputWithdrawalSubmit:
		return "withdrawal"
	case kernel.OutputWithdrawalClaim:
		return "withdrawal claim"
	case kernel.OutputNodePledge:
		return "node pledge"
	}
	return fmt.Sprintf("type %#02x", uint8(t))
}

// className is what people call a class.
func className(c kernel.Class) string {
	switch c {
	case kernel.ClassScript:
		return "Payment"
	case kernel.ClassDeposit:
		return "Deposit"
	case kernel.ClassWithdrawalSubmit:
		return "Withdrawal"
	case kernel.ClassGenesis:
		return "Genesis balance"
	}
	return words(c)
}

func signatures(tx *kernel.Transaction) string {
	if tx.Aggregate != nil {
		return "one aggregate signature"
	}
	n := 0
	for _, m := range tx.Signatures {
		n += len(m)
	}
	if n == 1 {
		return "1 signature"
	}
	return fmt.Sprintf("%d signatures", n)
}

// memo shows extra as text when it is printable text; empty otherwise.
func memo(extra string) string {
	raw, err := hex.DecodeString(extra)
	if err != nil || len(raw) == 0 || len(raw) > 2048 || !utf8.Valid(raw) {
		return ""
	}
	for _, r := range string(raw) {
		if !unicode.IsPrint(r) && r != '\n' {
			return ""
		}
	}
	return string(raw)
}

// ruleSentence says why a transaction was refused.
func ruleSentence(r kernel.Rule) string {
	if s, ok := ruleSentences[r]; ok {
		return s
	}
	return words(r.String()) + "."
}

var ruleSentences = map[kernel.Rule]string{
	kernel.InputSpent:        "an output that it spends was spent by another transaction first.",
	kernel.InputNotFound:     "it spends an output that does not exist.",
	kernel.GhostKeyUsed:      "it pays to a one-time key that was used before.",
	kernel.AmountMismatch:    "what comes in and what goes out differ.",
	kernel.SignatureInvalid:  "a signature is not valid.",
	kernel.ThresholdNotMet:   "too few of the owners signed.",
	kernel.ReferenceNotFound: "it refers to a transaction that is not final.",
	kernel.DepositUsed:       "this transfer from another chain was credited before.",
	kernel.DepositCeiling:    "the deposit would exceed the ceiling of its asset.",
	kernel.DepositCustodian:  "the deposit is not signed by the custodian.",
	kernel.InputAsset:        "it spends an output of another asset.",
	kernel.ClassNotActive:    "this network has no rules for this kind of transaction yet.",
}

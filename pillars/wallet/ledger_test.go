package wallet

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

const testWords = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

func testWallet(t testing.TB, words string, p pillars.Params) *Wallet {
	t.Helper()
	seed, err := Seed(words, "")
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(seed, p)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// A ledger is a chain without blocks: it judges transactions by all rules that need no state of names,
// answers as a daemon would, and takes time forward.
type ledger struct {
	t       testing.TB
	p       pillars.Params
	tip     Tip
	txs     map[pillars.TxID]*pillars.Transaction
	outputs map[pillars.Outpoint]*Output
	pages   int // outputs a page
	funded  uint32
	asked   int
	moving  bool // the tip changes with every question
}

func newLedger(t testing.TB, p pillars.Params) *ledger {
	return &ledger{t: t, p: p, tip: Tip{Height: 1000, ID: pillars.BlockID{1}, Median: 1_700_000_000}, pages: 3,
		txs: map[pillars.TxID]*pillars.Transaction{}, outputs: map[pillars.Outpoint]*Output{}}
}

// pass lets blocks come.
func (l *ledger) pass(blocks uint32) {
	l.tip.Height += blocks
	l.tip.Median += 25 * blocks
	binary.LittleEndian.PutUint32(l.tip.ID[1:], l.tip.Height)
}

// fund makes outputs out of nothing, in one transaction of its own.
func (l *ledger) fund(outs ...pillars.Output) []pillars.Outpoint {
	return l.fundAs(pillars.VersionCurrent, outs...)
}

func (l *ledger) fundAs(version uint32, outs ...pillars.Output) (points []pillars.Outpoint) {
	l.funded++
	tx := &pillars.Transaction{Version: version, Bitcoin: 2, Outputs: outs, Inputs: []pillars.Input{{Previous: pillars.Outpoint{Tx: pillars.TxID{0xff}, Index: l.funded}}}}
	if version != pillars.VersionSegWit {
		tx.Bitcoin = 0
	}
	l.pass(1)
	l.add(tx)
	for i := range outs {
		points = append(points, pillars.Outpoint{Tx: tx.ID(), Index: uint32(i)})
	}
	return points
}

func (l *ledger) add(tx *pillars.Transaction) {
	id := tx.ID()
	l.txs[id] = tx
	for i := range tx.Outputs {
		point := pillars.Outpoint{Tx: id, Index: uint32(i)}
		l.outputs[point] = &Output{Point: point, Output: tx.Outputs[i], Version: tx.Version, Height: l.tip.Height, Time: l.tip.Median, Median: l.tip.Median - 25}
	}
}

// judge says whether a transaction may stand in the next block, scripts and locks included.
func (l *ledger) judge(tx *pillars.Transaction) error {
	if err := errors.Join(tx.Check(&l.p), script.CheckOutputs(tx)); err != nil {
		return err
	}
	var spent []script.Spent
	var depths []uint32
	var in, out pillars.Amount
	for i := range tx.Inputs {
		o := l.outputs[tx.Inputs[i].Previous]
		if o == nil || o.Spent {
			return fmt.Errorf("input %d is not there", i)
		}
		if lock, ok := script.Relative(tx, i); ok && !lock.Met(o.Height, l.tip.Height+1, o.Median, l.tip.Median) {
			return fmt.Errorf("input %d is locked", i)
		}
		if o.Generated && l.tip.Height+1 < o.Height+l.p.Subsidy.Maturity {
			return fmt.Errorf("input %d is not ripe", i)
		}
		from := script.Classify(o.Output.Script)
		if from.Template == script.LockHeight && l.tip.Height+1 < o.Height+from.Lock {
			return fmt.Errorf("input %d is a deposit", i)
		}
		spent, depths, in = append(spent, script.Spent{Output: o.Output, Version: o.Version}), append(depths, l.tip.Height+1-o.Height), in+o.Output.Value
	}
	for i := range tx.Outputs {
		out += tx.Outputs[i].Value
	}
	if in < out+l.p.Fees.Transaction {
		return fmt.Errorf("%s in, %s out", in, out)
	}
	if !script.Final(tx, l.tip.Height+1, l.tip.Median) {
		return fmt.Errorf("lock time")
	}
	return errors.Join(script.NewChecker(tx, spent, script.Standard).Verify(), script.CheckRelease(tx, spent, depths))
}

// mine takes a transaction into the next block, and fails the test if it may not.
func (l *ledger) mine(tx *pillars.Transaction) {
	l.t.Helper()
	if err := l.judge(tx); err != nil {
		l.t.Fatalf("refused: %v", err)
	}
	l.pass(1)
	for i := range tx.Inputs {
		o := l.outputs[tx.Inputs[i].Previous]
		o.Spent, o.SpentBy, o.SpentHeight, o.SpentTime = true, tx.ID(), l.tip.Height, l.tip.Median
	}
	l.add(tx)
}

// Submit makes the ledger a Sender.
func (l *ledger) Submit(_ context.Context, tx *pillars.Transaction) error { return l.judge(tx) }

func (l *ledger) Tip(context.Context) (Tip, error) {
	if l.moving {
		l.pass(1)
	}
	return l.tip, nil
}

func (l *ledger) Transaction(_ context.Context, id pillars.TxID) (*pillars.Transaction, error) {
	if tx := l.txs[id]; tx != nil {
		return tx, nil
	}
	return nil, errors.New("no such transaction")
}

func (l *ledger) Outputs(_ context.Context, to []pillars.Address, from string) (page []Output, next string, err error) {
	l.asked += len(to)
	var all []Output
	for _, o := range l.outputs {
		if slices.Contains(to, script.Classify(o.Output.Script).Address) {
			all = append(all, *o)
		}
	}
	slices.SortFunc(all, func(a, b Output) int {
		return cmp.Or(cmp.Compare(a.Height, b.Height), a.Point.Tx.Compare(b.Point.Tx), cmp.Compare(a.Point.Index, b.Point.Index))
	})
	at, _ := strconv.Atoi(from)
	end := min(at+l.pages, len(all))
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	return all[at:end], next, nil
}

func (l *ledger) scan(w *Wallet) Progress {
	l.t.Helper()
	p, err := w.Scan(context.Background(), l)
	if err != nil {
		l.t.Fatal(err)
	}
	return p
}

// pay returns plain ETP at an address of the wallet.
func pay(to pillars.Address, amount pillars.Amount) pillars.Output {
	return pillars.Output{Value: amount, Script: to.Script(), Attachment: plain(nil)}
}

func holding(to pillars.Address, payload pillars.Payload) pillars.Output {
	return pillars.Output{Script: to.Script(), Attachment: plain(payload)}
}

// bare is an output as version 5 has it.
func bare(o pillars.Output) pillars.Output {
	o.Attachment = pillars.Attachment{}
	return o
}

func address(t testing.TB, w *Wallet, account string, index uint32) pillars.Address {
	t.Helper()
	p, err := w.Address(account, Receive, index)
	if err != nil {
		t.Fatal(err)
	}
	return p.Address
}

// signed signs, finishes, and checks that the draft survives its file.
func signed(t testing.TB, w *Wallet, d *Draft) *pillars.Transaction {
	t.Helper()
	d = reread(t, w, d)
	if _, err := w.Sign(d); err != nil {
		t.Fatal(err)
	}
	tx, err := d.Finish(&w.params)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func reread(t testing.TB, w *Wallet, d *Draft) *Draft {
	t.Helper()
	data, err := d.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseDraft(data, &w.params)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// depositScript is an output that the running network's deposits had.
func depositScript(to pillars.Address, blocks uint32) []byte {
	return script.Output{Template: script.LockHeight, Address: to, Lock: blocks}.Script()
}

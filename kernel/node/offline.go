package node

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/checkpoint"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// Verified is what Verify found in a node's folder.
type Verified struct {
	Network      kernel.NetworkID   `json:"network"`
	Commit       kernel.CommitIndex `json:"commit"` // newest
	Digest       kernel.Digest      `json:"digest"` // of the state after it, computed anew
	Snapshots    uint64             `json:"snapshots"`
	Transactions uint64             `json:"transactions"` // final ones
	Log          string             `json:"log"`

	Base         kernel.CommitIndex `json:"base,omitzero"`         // that the folder's history begins behind: what came before is certified, not executed
	Kept         uint64             `json:"log_bytes"`             // of the log that are there
	Checkpoint   kernel.CommitIndex `json:"checkpoint,omitzero"`   // newest whose trees were computed anew
	Certificates uint64             `json:"certificates,omitzero"` // verified against the rosters that the state names

	// Equivocations counts authors' rounds of which the log holds more than one snapshot.
	Equivocations uint64 `json:"equivocations"`

	epoch kernel.Epoch // whose roster judges what is executed; 0 is that of the genesis
}

// ErrVerify says that a folder does not hold what its own log leads to.
var ErrVerify = errors.New("verification failed")

// Verify checks the folder of a node that does not run: every byte of the log, every index, the
// whole state; and it executes every commit again from the genesis and compares digests and
// receipts. Nothing that the folder says about itself is taken for granted. The state is built
// in memory.
func Verify(home string, g *kernel.Genesis, key kernel.Key, progress func(stage string, done, total uint64)) (*Verified, error) {
	s, err := openOffline(home, g, key)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.Verify(func(done, total uint64) { progress("reading", done, total) }); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVerify, err)
	}
	v := &Verified{Network: g.NetworkID(), Log: s.LogState().String(), Equivocations: equivocations(s, g)}
	v.Base = s.Base()
	v.Kept = s.Stats().KeptBytes
	v.Checkpoint, _, _ = s.TreesAt()
	if err := v.certificates(s, g); err != nil {
		return nil, err
	}
	if err := v.execute(s, g, progress); err != nil {
		return nil, err
	}
	return v, nil
}

// certificates verifies every certificate with the roster that the state names for its epoch, and that
// each is of the commit that is stored.
func (v *Verified) certificates(s *store.Store, g *kernel.Genesis) error {
	view := s.View()
	defer view.Close()
	rosters := map[kernel.Epoch]*kernel.EpochRoster{0: g.EpochRoster()}
	for index := kernel.CommitIndex(0); ; {
		p, ok := s.CertificateAfter(index)
		if !ok {
			return nil
		}
		cp := &p.Checkpoint
		index = cp.Index
		if rosters[cp.Epoch] == nil {
			facts, ok := ledger.FactsOf(view, cp.Epoch)
			if !ok {
				return fmt.Errorf("%w: a certificate of epoch %d, which has not begun", ErrVerify, cp.Epoch)
			}
			rosters[cp.Epoch] = &facts.Roster
		}
		if err := checkpoint.Verify(v.Network, rosters[cp.Epoch], p); err != nil {
			return fmt.Errorf("%w: certificate of commit %d: %w", ErrVerify, index, err)
		}
		if c, ok := s.Ordered(index); ok && (c.Digest != cp.Digest || c.Timestamp != cp.Timestamp) {
			return fmt.Errorf("%w: commit %d is certified with another state", ErrVerify, index)
		}
		v.Certificates++
	}
}

func openOffline(home string, g *kernel.Genesis, key kernel.Key) (*store.Store, error) {
	network := g.NetworkID()
	return store.Open(home, network, kernel.NodeIDOf(network, key), store.Options{})
}

func equivocations(s *store.Store, g *kernel.Genesis) (n uint64) {
	for a := range g.Members {
		newest, _ := s.Newest(kernel.Author(a))
		for round := kernel.Round(1); round <= newest; round++ {
			if len(s.Variants(kernel.Author(a), round)) > 1 {
				n++
			}
		}
	}
	return n
}

// execute repeats the whole history on a state in memory.
func (v *Verified) execute(s *store.Store, g *kernel.Genesis, progress func(string, uint64, uint64)) error {
	view, err := v.start(s, g)
	if err != nil {
		return err
	}
	context := ledger.ContextOf(g, ledger.Direct{})
	head := s.Head()
	for i := v.Base + 1; i <= head.Index; i++ {
		if err := v.repeat(s, view, context, i); err != nil {
			return err
		}
		progress("executing", uint64(i), uint64(head.Index))
	}
	v.Commit, v.Digest = view.Head().Index, view.Head().Digest
	if v.Digest != head.Digest || view.Head().State != head.State {
		return fmt.Errorf("%w: state after commit %d is %s, its history leads to %s", ErrVerify, head.Index, head.Digest, v.Digest)
	}
	return nil
}

// start is the state that execution begins with: after commit 0, or where the folder's history begins what was
// certified then. That state is counted again, and led to the digest that q members have signed. [PRU-8]
func (v *Verified) start(s *store.Store, g *kernel.Genesis) (*ledger.MemView, error) {
	if v.Base == 0 {
		first, transactions, err := ledger.Genesis(g)
		if err != nil {
			return nil, err
		}
		v.Transactions = uint64(len(transactions))
		return ledger.MemViewOf(first), nil
	}
	base, err := s.BaseState()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVerify, err)
	}
	view, head := ledger.MemViewOf(base.State), base.State.Head
	if view.Recount() != head.State {
		return nil, fmt.Errorf("%w: the state of commit %d, which history begins behind, does not add up to its hash", ErrVerify, v.Base)
	}
	p, ok := s.Certificate(v.Base)
	if !ok || p.Checkpoint.Index != v.Base {
		return nil, fmt.Errorf("%w: commit %d, which history begins behind, is not certified", ErrVerify, v.Base)
	}
	digest := ledger.DigestOf(base.Previous, v.Base, head.Timestamp, base.Receipts, &head.State)
	if digest != p.Checkpoint.Digest || head.Digest != digest || base.Commit.Digest != digest {
		return nil, fmt.Errorf("%w: the state of commit %d is not the certified one", ErrVerify, v.Base)
	}
	for _, r := range base.State.Receipts {
		if r.Status == kernel.Final {
			v.Transactions++
		}
	}
	return view, nil
}

// repeat executes one commit and compares what came of it with what is stored.
func (v *Verified) repeat(s *store.Store, view *ledger.MemView, context *ledger.Context, i kernel.CommitIndex) error {
	c, receipts, ok := s.CommitAt(i)
	if !ok {
		return fmt.Errorf("%w: commit %d is missing", ErrVerify, i)
	}
	if facts, ok := ledger.FactsOf(view, c.Epoch); ok && c.Epoch != v.epoch {
		v.epoch, context.Roster = c.Epoch, facts.Roster.Roster()
	}
	snapshots := make([]ledger.Committed, len(c.Snapshots))
	for j, id := range c.Snapshots {
		record, ok := s.Snapshot(id.ID)
		if !ok {
			return fmt.Errorf("%w: snapshot %s of commit %d is missing", ErrVerify, id.ID, i)
		}
		body := new(kernel.Body)
		if err := body.UnmarshalBinary(record.Body); err != nil {
			return fmt.Errorf("%w: body of snapshot %s: %w", ErrVerify, id.ID, err)
		}
		snapshots[j] = ledger.Committed{Author: id.Author, Round: id.Round, ID: id.ID, Claim: id.Claim, Names: id.Names, Closing: id.Closing, Body: body}
	}
	diff := ledger.Execute(view, c, snapshots, context)
	if c.Digest != diff.Head.Digest {
		return fmt.Errorf("%w: commit %d leads to %s, stored is %s", ErrVerify, i, diff.Head.Digest, c.Digest)
	}
	if len(receipts) != len(diff.Receipts) {
		return fmt.Errorf("%w: commit %d has %d receipts, stored are %d", ErrVerify, i, len(diff.Receipts), len(receipts))
	}
	for j, r := range diff.Receipts {
		if r != receipts[j] {
			return fmt.Errorf("%w: receipt of %s at commit %d differs", ErrVerify, r.Transaction, i)
		}
		if r.Status == kernel.Final {
			v.Transactions++
		}
	}
	view.Apply(diff)
	v.Snapshots += uint64(len(snapshots))
	return nil
}

// ErrNoState says that no epoch has ended yet, whose state could be exported.
var ErrNoState = store.ErrNoState

// ExportState writes the state at the newest certified end of an epoch of a node that does not run:
// InitFrom makes a folder of it. It returns the commit.
func ExportState(home string, g *kernel.Genesis, key kernel.Key, out io.Writer) (kernel.CommitIndex, error) {
	s, err := openOffline(home, g, key)
	if err != nil {
		return 0, err
	}
	index, err := s.ExportState(out)
	return index, errors.Join(err, s.Close())
}

// ExportVersion is the version of the form that Export writes.
const ExportVersion = 1

// Export writes the ledger of a node that does not run, one JSON object a line: what it is an
// export of, the assets, every output that is kept, every commit with its receipts. Amounts are
// text, ids are hex.
func Export(home string, g *kernel.Genesis, key kernel.Key, out io.Writer) error {
	s, err := openOffline(home, g, key)
	if err != nil {
		return err
	}
	defer s.Close()
	w := bufio.NewWriter(out)
	lines := json.NewEncoder(w)
	head := s.Head()
	if err := lines.Encode(map[string]any{"export": ExportVersion, "name": g.Name, "network": g.NetworkID(), "commit": head.Index, "digest": head.Digest, "timestamp_ms": head.Timestamp}); err != nil {
		return err
	}
	for _, a := range s.Assets() {
		if err := lines.Encode(map[string]any{"asset": a.ID, "symbol": a.Asset.Symbol, "deposited": a.Asset.Deposited, "withdrawn": a.Asset.Withdrawn, "unspent": a.Asset.Unspent}); err != nil {
			return err
		}
	}
	if err := s.Outputs(func(ref kernel.OutputRef, o ledger.Output) error { return lines.Encode(exportedOutput(ref, &o)) }); err != nil {
		return err
	}
	for i := kernel.CommitIndex(1); i <= head.Index; i++ {
		c, receipts, ok := s.CommitAt(i)
		if !ok {
			return fmt.Errorf("commit %d is missing: run verify", i)
		}
		if err := lines.Encode(struct {
			*kernel.Commit
			Receipts []kernel.Receipt `json:"receipts"`
		}{c, receipts}); err != nil {
			return err
		}
	}
	return w.Flush()
}

func exportedOutput(ref kernel.OutputRef, o *ledger.Output) any {
	line := map[string]any{
		"output": fmt.Sprintf("%s:%d", ref.Hash, ref.Index), "asset": o.Asset, "amount": o.Amount,
		"type": o.Type, "keys": o.Keys, "mask": o.Mask, "created": o.Created,
	}
	if !o.SpentBy.IsZero() {
		line["spent_by"], line["spent_at"] = o.SpentBy, o.SpentAt
	}
	return line
}

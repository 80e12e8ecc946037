package sim

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// Books are the auditor's state: a map for each part that docs/spec/ledger.md lists.
type books struct {
	network    kernel.NetworkID
	coin       *coin.Key
	roll       *roll // nil where the genesis has no stake section
	members    []kernel.Member
	custodian  *kernel.Key
	outputs    map[kernel.OutputRef]*held
	keys       map[kernel.Key]use
	identities map[kernel.Hash]use
	receipts   map[kernel.TxHash]kernel.Receipt
	assets     map[kernel.AssetID]account
	faults     map[blamed]bool
	faultList  []ledger.Fault
	system     map[string][]byte
}

// A held output, spent or not.
type held struct {
	kernel.Output
	asset   kernel.AssetID
	created kernel.CommitIndex
	spent   use // zero while unspent
}

// A use is who took something that can be taken once, and when.
type use struct {
	tx     kernel.TxHash
	commit kernel.CommitIndex
}

// An account is an asset's totals; broken once a total left its range.
type account struct {
	ledger.Asset
	broken bool
}

// Blamed is what a fault is recorded once for.
type blamed struct {
	kind   ledger.FaultKind
	epoch  kernel.Epoch
	author kernel.Author
	round  kernel.Round
}

// openBooks is the state after commit 0. [EXE-13]
func openBooks(s *stage) *books {
	b := &books{
		network: s.network, coin: s.coin, members: s.genesis.Members,
		outputs: make(map[kernel.OutputRef]*held), keys: make(map[kernel.Key]use), identities: make(map[kernel.Hash]use),
		receipts: make(map[kernel.TxHash]kernel.Receipt), assets: make(map[kernel.AssetID]account), faults: make(map[blamed]bool), system: make(map[string][]byte),
	}
	if s.genesis.Custodian != nil {
		b.custodian = &s.genesis.Custodian.Spend
	}
	for _, a := range s.genesis.Assets {
		b.assets[a.ID] = account{Asset: ledger.Asset{Chain: a.Chain, Key: a.Key, Symbol: a.Symbol, Ceiling: a.Ceiling}}
	}
	for _, tx := range s.first {
		hash := tx.Hash()
		asset := b.assets[tx.Asset]
		for i := range tx.Outputs {
			out := &tx.Outputs[i]
			b.outputs[kernel.OutputRef{Hash: hash, Index: uint16(i)}] = &held{Output: *out, asset: tx.Asset}
			for _, key := range out.Keys {
				b.keys[key] = use{tx: hash}
			}
			asset.add(&asset.Deposited, out.Amount)
			asset.add(&asset.Unspent, out.Amount)
		}
		b.assets[tx.Asset] = asset
		b.receipts[hash] = kernel.Receipt{Transaction: hash, Status: kernel.Final}
	}
	for _, row := range s.diff.System {
		b.system[row.Key] = row.Value
	}
	if s.genesis.Stake != nil {
		b.roll = openRoll(s)
		xin := b.assets[kernel.XIN]
		xin.add(&xin.Deposited, s.genesis.Stake.Pool)
		b.assets[kernel.XIN] = xin
	}
	return b
}

func (a *account) add(total *kernel.Amount, amount kernel.Amount) {
	sum, ok := total.Add(amount)
	*total, a.broken = sum, a.broken || !ok
}

func (a *account) sub(total *kernel.Amount, amount kernel.Amount) {
	rest, ok := total.Sub(amount)
	*total, a.broken = rest, a.broken || !ok
}

// count moves an asset's totals by a final transaction.
func (b *books) count(tx *kernel.Transaction) {
	asset := b.assets[tx.Asset]
	for i := range tx.Inputs {
		switch in := &tx.Inputs[i]; {
		case in.Deposit != nil:
			asset.add(&asset.Deposited, in.Deposit.Amount)
		case in.Mint != nil: // from pool or escrow
		default:
			asset.sub(&asset.Unspent, b.outputs[tx.Inputs[i].OutputRef].Amount)
		}
	}
	for i := range tx.Outputs {
		switch out := &tx.Outputs[i]; out.Type {
		case kernel.OutputWithdrawalSubmit:
			asset.add(&asset.Withdrawn, out.Amount)
		case kernel.OutputNodeCancel: // to pool or escrow
		default:
			asset.add(&asset.Unspent, out.Amount)
		}
	}
	b.assets[tx.Asset] = asset
}

// digestOf is the digest after a commit. [EXE-12]
func digestOf(before kernel.Digest, c *kernel.Commit, receipts []kernel.Receipt, state *crypto.SetHash) kernel.Digest {
	var list []byte
	for _, r := range receipts {
		list = appendReceipt(list, r)
	}
	var number [16]byte
	binary.BigEndian.PutUint64(number[:8], uint64(c.Index))
	binary.BigEndian.PutUint64(number[8:], uint64(c.Timestamp))
	inOrder, sum := crypto.SumLabel("asterism receipts", list), state.Sum()
	return crypto.SumLabel("asterism state", before[:], number[:], inOrder[:], sum[:])
}

func appendReceipt(b []byte, r kernel.Receipt) []byte {
	b = append(append(b, r.Transaction[:]...), byte(r.Status))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Commit))
	b = append(b, r.Snapshot[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(r.Rule))
	return append(b, r.Winner[:]...)
}

// recount adds up the whole state from nothing, element by element: a set, so that the order of
// maps does not matter. [EXE-11]
func (b *books) recount() *crypto.SetHash {
	set := new(crypto.SetHash)
	type pair struct {
		creator kernel.TxHash
		spender use
	}
	created, spent := make(map[kernel.TxHash][]uint16), make(map[pair][]uint16)
	for ref, o := range b.outputs {
		created[ref.Hash] = append(created[ref.Hash], ref.Index)
		if !o.spent.tx.IsZero() {
			p := pair{ref.Hash, o.spent}
			spent[p] = append(spent[p], ref.Index)
		}
	}
	for hash, r := range b.receipts {
		e := appendReceipt([]byte{1}, r)
		slices.Sort(created[hash])
		for _, i := range created[hash] {
			e = appendHeld(binary.BigEndian.AppendUint16(e, i), b.outputs[kernel.OutputRef{Hash: hash, Index: i}])
		}
		set.Add(e)
	}
	for p, list := range spent {
		e := p.spender.append(append([]byte{2}, p.creator[:]...))
		slices.Sort(list)
		for _, i := range list {
			e = binary.BigEndian.AppendUint16(e, i)
		}
		set.Add(e)
	}
	for id, by := range b.identities {
		set.Add(by.append(append([]byte{4}, id[:]...)))
	}
	for id, a := range b.assets {
		e := append(append([]byte{5}, id[:]...), a.Chain[:]...)
		e = appendSized(appendSized(e, []byte(a.Key)), []byte(a.Symbol))
		for _, total := range []kernel.Amount{a.Ceiling, a.Deposited, a.Withdrawn, a.Unspent} {
			e = total.AppendBinary(e)
		}
		set.Add(e)
	}
	for _, f := range b.faultList {
		e := binary.BigEndian.AppendUint32([]byte{6, byte(f.Kind), byte(f.Author)}, uint32(f.Epoch))
		e = binary.BigEndian.AppendUint64(e, uint64(f.Round))
		e = append(append(e, f.Snapshot[:]...), f.Entry[:]...)
		set.Add(binary.BigEndian.AppendUint64(e, uint64(f.Commit)))
	}
	for key, value := range b.system {
		e := binary.BigEndian.AppendUint32(appendSized([]byte{7}, []byte(key)), uint32(len(value)))
		set.Add(append(e, value...))
	}
	return set
}

func (u use) append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(append(b, u.tx[:]...), uint64(u.commit))
}

func appendSized(b, data []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(data))), data...)
}

func appendHeld(b []byte, o *held) []byte {
	b = o.Amount.AppendBinary(append(b, byte(o.Type)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(o.Keys)))
	for _, key := range o.Keys {
		b = append(b, key[:]...)
	}
	b = appendSized(append(b, o.Mask[:]...), o.Script)
	return binary.BigEndian.AppendUint64(append(b, o.asset[:]...), uint64(o.created))
}

// unspent adds up the unspent outputs of each asset.
func (b *books) unspent() map[kernel.AssetID]kernel.Amount {
	sums := make(map[kernel.AssetID]kernel.Amount)
	for _, o := range b.outputs {
		if o.spent.tx.IsZero() {
			sums[o.asset], _ = sums[o.asset].Add(o.Amount)
		}
	}
	return sums
}

// closeDiffers compares the state at the end of a run, counted anew, with the last head and
// with what a node has on its disk. [C3] [C5]
func (b *books) closeDiffers(head ledger.Head, s *store.Store) (checker, problem string) {
	sums := b.unspent()
	for id, a := range b.assets {
		if sums[id] != a.Unspent {
			return "C3", fmt.Sprintf("unspent outputs of asset %s are %v, its total says %v", id, sums[id], a.Unspent)
		}
	}
	if *b.recount() != head.State {
		return "C5", "the state counted from nothing differs from its set hash"
	}
	return b.storeDiffers(s)
}

func (b *books) storeDiffers(s *store.Store) (checker, problem string) {
	if err := s.Verify(nil); err != nil {
		return "C5", "the folder does not verify: " + err.Error()
	}
	found := 0
	err := s.Outputs(func(ref kernel.OutputRef, o ledger.Output) error {
		found++
		known, ok := b.outputs[ref]
		if !ok || o.Asset != known.asset || o.SpentBy != known.spent.tx || o.SpentAt != known.spent.commit || !bytes.Equal(appendHeld(nil, known), appendHeld(nil, &held{Output: o.Output, asset: o.Asset, created: o.Created})) {
			return fmt.Errorf("output %s:%d is not what the auditor has", ref.Hash.Short(), ref.Index)
		}
		return nil
	})
	switch {
	case err != nil:
		return "C5", err.Error()
	case found != len(b.outputs):
		return "C5", fmt.Sprintf("%d outputs in the folder, %d by the auditor", found, len(b.outputs))
	}
	v := s.View()
	defer v.Close()
	rows := v.SystemRows()
	for _, row := range rows {
		if !bytes.Equal(b.system[row.Key], row.Value) {
			return "C5", fmt.Sprintf("system row %q in the folder is not what the commits said", row.Key)
		}
	}
	if len(rows) != len(b.system) {
		return "C5", fmt.Sprintf("%d system rows in the folder, %d by the commits", len(rows), len(b.system))
	}
	for _, changed := range s.Assets() {
		if b.assets[changed.ID].Asset != changed.Asset {
			return "C3", fmt.Sprintf("totals of asset %s are not the auditor's", changed.ID)
		}
	}
	return "", ""
}

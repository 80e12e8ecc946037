package ledger

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/asterism-network/asterism/kernel"
)

// An overlay is a View on which changes are made: the state below plus all that a commit has
// done so far. Maps are only looked up; the order of everything is that of the diff's slices.
type overlay struct {
	below View
	diff  *Diff
	set   elementSet

	spent      map[kernel.OutputRef]int32 // place in diff.Spent
	keys       map[kernel.Key]int32       // place in diff.Keys
	identities map[kernel.Hash]Owner
	receipts   map[kernel.TxHash]judged
	assets     map[kernel.AssetID]int
	touched    []touchedAsset
	faults     map[faultKey]bool
	system     map[string]int32 // place in diff.System
	bySpender  []SpentOutput    // of the newest transaction, sorted
}

// A judged transaction got its receipt in this commit.
type judged struct {
	receipt          int32 // place in diff.Receipts
	created, outputs int32 // places in diff.Created, by index of the output
}

// A touchedAsset is an asset that the commit has looked at in order to change it.
type touchedAsset struct {
	id            kernel.AssetID
	existed       bool
	before, after Asset
}

// A faultKey is what a fault is recorded once for.
type faultKey struct {
	kind   FaultKind
	author kernel.Author
	epoch  kernel.Epoch
	round  kernel.Round
}

// expectAtMost bounds what room is made before anything is judged: entries cost their author
// nothing.
const expectAtMost = 4096

// newOverlay expects about as many transactions of two inputs and three outputs; more only cost
// time.
func newOverlay(below View, transactions int) *overlay {
	transactions = min(transactions, expectAtMost)
	inputs, outputs := 2*transactions, 3*transactions
	return &overlay{
		below: below,
		diff: &Diff{
			Created:  make([]CreatedOutput, 0, outputs),
			Spent:    make([]SpentOutput, 0, inputs),
			Keys:     make([]TakenKey, 0, outputs),
			Receipts: make([]kernel.Receipt, 0, transactions),
		},
		set:        elementSet{set: below.Head().State},
		spent:      make(map[kernel.OutputRef]int32, inputs),
		keys:       make(map[kernel.Key]int32, outputs),
		identities: make(map[kernel.Hash]Owner),
		receipts:   make(map[kernel.TxHash]judged, transactions),
		assets:     make(map[kernel.AssetID]int),
		faults:     make(map[faultKey]bool),
	}
}

func (o *overlay) Head() Head { return o.below.Head() }

func (o *overlay) Output(ref kernel.OutputRef) (Output, bool) {
	out, ok := o.made(ref)
	if !ok {
		if out, ok = o.below.Output(ref); !ok {
			return Output{}, false
		}
	}
	if i, ok := o.spent[ref]; ok {
		by := &o.diff.Spent[i].By
		out.SpentBy, out.SpentAt = by.Transaction, by.Commit
	}
	return out, true
}

// made finds an output that the commit created.
func (o *overlay) made(ref kernel.OutputRef) (Output, bool) {
	j := o.receipts[ref.Hash]
	list := o.diff.Created[j.created : j.created+j.outputs]
	if i, ok := slices.BinarySearchFunc(list, ref.Index, func(c CreatedOutput, index uint16) int { return cmp.Compare(c.Ref.Index, index) }); ok {
		return list[i].Output, true
	}
	return Output{}, false
}

func (o *overlay) GhostKey(key kernel.Key) (Owner, bool) {
	if i, ok := o.keys[key]; ok {
		return o.diff.Keys[i].By, true
	}
	return o.below.GhostKey(key)
}

func (o *overlay) Identity(id kernel.Hash) (Owner, bool) {
	if by, ok := o.identities[id]; ok {
		return by, true
	}
	return o.below.Identity(id)
}

func (o *overlay) Receipt(hash kernel.TxHash) (kernel.Receipt, bool) {
	if j, ok := o.receipts[hash]; ok {
		return o.diff.Receipts[j.receipt], true
	}
	return o.below.Receipt(hash)
}

func (o *overlay) Asset(id kernel.AssetID) (Asset, bool) {
	if i, ok := o.assets[id]; ok {
		return o.touched[i].after, true
	}
	return o.below.Asset(id)
}

func (o *overlay) Faulted(kind FaultKind, author kernel.Author, epoch kernel.Epoch, round kernel.Round) bool {
	return o.faults[faultKey{kind, author, epoch, round}] || o.below.Faulted(kind, author, epoch, round)
}

// asset returns an asset's totals for changing; the caller says what an unknown one starts as.
func (o *overlay) asset(id kernel.AssetID, fresh Asset) *Asset {
	if i, ok := o.assets[id]; ok {
		return &o.touched[i].after
	}
	before, existed := o.below.Asset(id)
	after := before
	if !existed {
		after = fresh
	}
	o.assets[id] = len(o.touched)
	o.touched = append(o.touched, touchedAsset{id: id, existed: existed, before: before, after: after})
	return &o.touched[len(o.touched)-1].after
}

func (o *overlay) create(ref kernel.OutputRef, out Output) {
	by := Owner{Transaction: ref.Hash, Commit: out.Created}
	o.diff.Created = append(o.diff.Created, CreatedOutput{Ref: ref, Output: out})
	for _, key := range out.Keys {
		o.keys[key] = int32(len(o.diff.Keys))
		o.diff.Keys = append(o.diff.Keys, TakenKey{Key: key, By: by})
	}
}

func (o *overlay) spend(ref kernel.OutputRef, by Owner) {
	o.spent[ref] = int32(len(o.diff.Spent))
	o.diff.Spent = append(o.diff.Spent, SpentOutput{Ref: ref, By: by})
}

func (o *overlay) take(identity kernel.Hash, by Owner) {
	o.identities[identity] = by
	o.diff.Taken = append(o.diff.Taken, TakenIdentity{Identity: identity, By: by})
	o.set.identity(identity, by)
}

// receipt ends a transaction: what it created and spent came right before.
func (o *overlay) receipt(r kernel.Receipt) {
	created := len(o.diff.Created)
	for created > 0 && o.diff.Created[created-1].Ref.Hash == r.Transaction {
		created--
	}
	o.receipts[r.Transaction] = judged{int32(len(o.diff.Receipts)), int32(created), int32(len(o.diff.Created) - created)}
	o.diff.Receipts = append(o.diff.Receipts, r)
	o.set.transaction(r, o.diff.Created[created:])
	spent := len(o.diff.Spent)
	for spent > 0 && o.diff.Spent[spent-1].By.Transaction == r.Transaction {
		spent--
	}
	o.bySpender = append(o.bySpender[:0], o.diff.Spent[spent:]...)
	slices.SortFunc(o.bySpender, func(a, b SpentOutput) int {
		if c := bytes.Compare(a.Ref.Hash[:], b.Ref.Hash[:]); c != 0 {
			return c
		}
		return cmp.Compare(a.Ref.Index, b.Ref.Index)
	})
	o.set.spendings(o.bySpender)
}

// fault records f unless the same member is already known to be at such fault in that round:
// more entries of one snapshot make nothing worse and must not grow the state.
func (o *overlay) fault(f Fault) {
	if o.Faulted(f.Kind, f.Author, f.Epoch, f.Round) {
		return
	}
	o.faults[faultKey{f.Kind, f.Author, f.Epoch, f.Round}] = true
	o.diff.Faults = append(o.diff.Faults, f)
	o.set.fault(&f)
}

// close writes the changed assets and the new head into the diff and returns it.
func (o *overlay) close(index kernel.CommitIndex, timestamp kernel.Timestamp, previous kernel.Digest) *Diff {
	if _, moved := o.system[RowStake]; moved {
		o.asset(kernel.XIN, Asset{}) // to be counted
	}
	for i := range o.touched {
		a := &o.touched[i]
		var besides kernel.Amount
		if a.id == kernel.XIN {
			besides = o.besides()
		}
		a.after.mustBalance(a.id, besides)
		if a.existed && a.after == a.before {
			continue
		}
		if a.existed {
			o.set.remove(elementAsset(nil, a.id, &a.before))
		}
		o.set.add(elementAsset(nil, a.id, &a.after))
		o.diff.Assets = append(o.diff.Assets, ChangedAsset{ID: a.id, Asset: a.after})
	}
	o.closeSystem()
	o.diff.Head = Head{Index: index, Timestamp: timestamp, State: o.set.set}
	o.diff.Head.Digest = digest(previous, index, timestamp, o.diff.Receipts, &o.set.set)
	return o.diff
}

// mustBalance stops the process when coins appeared or vanished: nothing built on such a state
// could be taken back. Besides is in pool and escrow. It stays on in production. [EXE-9] [STK-6]
func (a *Asset) mustBalance(id kernel.AssetID, besides kernel.Amount) {
	left, ok := a.Deposited.Sub(a.Withdrawn)
	if there, inRange := a.Unspent.Add(besides); !ok || !inRange || left != there {
		panic("ledger: supply of asset " + id.String() + " is broken: " + a.Unspent.String() + " unspent, " + besides.String() +
			" in pool and escrow, " + a.Deposited.String() + " came in, " + a.Withdrawn.String() + " went out")
	}
}

func mustAdd(sum *kernel.Amount, amount kernel.Amount) {
	s, ok := sum.Add(amount)
	if !ok {
		panic("ledger: a total reaches 2^128 units")
	}
	*sum = s
}

func mustSub(sum *kernel.Amount, amount kernel.Amount) {
	s, ok := sum.Sub(amount)
	if !ok {
		panic("ledger: a total falls below zero")
	}
	*sum = s
}

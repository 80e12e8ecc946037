package ledger

import (
	"slices"
	"strings"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// A MemView is a View in memory, for the simulator and for tests. It also remembers the order
// in which things came, so that its whole state can be counted again.
type MemView struct {
	head       Head
	outputs    map[kernel.OutputRef]*Output
	keys       map[kernel.Key]Owner
	identities map[kernel.Hash]Owner
	receipts   map[kernel.TxHash]kernel.Receipt
	assets     map[kernel.AssetID]Asset
	faults     map[faultKey]bool
	system     map[string][]byte // nil for those that are gone
	issued     map[kernel.TxHash][]byte

	refs         []kernel.OutputRef
	taken        []TakenIdentity
	receiptOrder []kernel.TxHash
	assetOrder   []kernel.AssetID
	faultOrder   []Fault
	systemOrder  []string
}

// NewMemView returns the empty state that commit 0 is applied to.
func NewMemView() *MemView {
	return &MemView{
		outputs:    make(map[kernel.OutputRef]*Output),
		keys:       make(map[kernel.Key]Owner),
		identities: make(map[kernel.Hash]Owner),
		receipts:   make(map[kernel.TxHash]kernel.Receipt),
		assets:     make(map[kernel.AssetID]Asset),
		faults:     make(map[faultKey]bool),
		system:     make(map[string][]byte),
		issued:     make(map[kernel.TxHash][]byte),
	}
}

// MemViewOf returns the state that a diff holds as a whole: as if its commit, whichever it is, had made
// everything. Outputs that were spent say so themselves.
func MemViewOf(d *Diff) *MemView {
	m := NewMemView()
	m.head.Index = max(d.Head.Index, 1) - 1
	m.Apply(d)
	return m
}

// Head returns where the state stands.
func (m *MemView) Head() Head { return m.head }

// Output returns an output, spent or not.
func (m *MemView) Output(ref kernel.OutputRef) (Output, bool) {
	if out, ok := m.outputs[ref]; ok {
		return *out, true
	}
	return Output{}, false
}

// GhostKey returns who used a one-time key first.
func (m *MemView) GhostKey(key kernel.Key) (Owner, bool) {
	by, ok := m.keys[key]
	return by, ok
}

// Identity returns who took an identity.
func (m *MemView) Identity(id kernel.Hash) (Owner, bool) {
	by, ok := m.identities[id]
	return by, ok
}

// Receipt returns what became of a transaction.
func (m *MemView) Receipt(hash kernel.TxHash) (kernel.Receipt, bool) {
	r, ok := m.receipts[hash]
	return r, ok
}

// Asset returns what is known of an asset.
func (m *MemView) Asset(id kernel.AssetID) (Asset, bool) {
	a, ok := m.assets[id]
	return a, ok
}

// Faulted reports whether such a fault is recorded.
func (m *MemView) Faulted(kind FaultKind, author kernel.Author, epoch kernel.Epoch, round kernel.Round) bool {
	return m.faults[faultKey{kind, author, epoch, round}]
}

// System returns a system row's value.
func (m *MemView) System(key string) ([]byte, bool) {
	value := m.system[key]
	return value, value != nil
}

// Issued returns the bytes of a transaction that the ledger made itself after commit 0.
func (m *MemView) Issued(hash kernel.TxHash) ([]byte, bool) {
	raw, ok := m.issued[hash]
	return raw, ok
}

// Apply moves the state by one commit. It panics on a diff that does not fit the state: such a
// diff was not computed on it.
func (m *MemView) Apply(d *Diff) {
	if d.Head.Index != 0 && d.Head.Index != m.head.Index+1 {
		panic("ledger: a diff does not follow the state")
	}
	for i := range d.Created {
		m.create(&d.Created[i])
	}
	for _, s := range d.Spent {
		out, ok := m.outputs[s.Ref]
		if !ok || !out.SpentBy.IsZero() {
			panic("ledger: a diff spends what is not there to spend")
		}
		out.SpentBy, out.SpentAt = s.By.Transaction, s.By.Commit
	}
	for _, k := range d.Keys {
		if _, used := m.keys[k.Key]; used {
			panic("ledger: a diff uses a ghost key twice")
		}
		m.keys[k.Key] = k.By
	}
	for _, t := range d.Taken {
		if _, used := m.identities[t.Identity]; used {
			panic("ledger: a diff takes an identity twice")
		}
		m.identities[t.Identity] = t.By
		m.taken = append(m.taken, t)
	}
	m.applyRecords(d)
	m.applySystem(d)
	m.head = d.Head
}

func (m *MemView) create(c *CreatedOutput) {
	if _, ok := m.outputs[c.Ref]; ok {
		panic("ledger: a diff creates an output twice")
	}
	out := c.Output
	m.outputs[c.Ref] = &out
	m.refs = append(m.refs, c.Ref)
}

func (m *MemView) applyRecords(d *Diff) {
	for _, r := range d.Receipts {
		if _, judged := m.receipts[r.Transaction]; judged {
			panic("ledger: a diff gives a second receipt")
		}
		m.receipts[r.Transaction] = r
		m.receiptOrder = append(m.receiptOrder, r.Transaction)
	}
	for _, a := range d.Assets {
		if _, known := m.assets[a.ID]; !known {
			m.assetOrder = append(m.assetOrder, a.ID)
		}
		m.assets[a.ID] = a.Asset
	}
	for _, f := range d.Faults {
		m.faults[faultKey{f.Kind, f.Author, f.Epoch, f.Round}] = true
		m.faultOrder = append(m.faultOrder, f)
	}
}

func (m *MemView) applySystem(d *Diff) {
	for _, row := range d.System {
		if _, known := m.system[row.Key]; !known {
			m.systemOrder = append(m.systemOrder, row.Key)
		}
		m.system[row.Key] = row.Value
	}
	for _, raw := range d.Issued {
		tx := new(kernel.Transaction)
		if err := tx.UnmarshalBinary(raw); err != nil {
			panic("ledger: a diff issues what is no transaction: " + err.Error())
		}
		if r, ok := m.receipts[tx.Hash()]; !ok || !r.Snapshot.IsZero() {
			panic("ledger: a diff issues a transaction without a receipt of its own")
		}
		m.issued[tx.Hash()] = raw
	}
}

// SystemRows calls f for every system row, in the order in which they first came.
func (m *MemView) SystemRows(f func(key string, value []byte)) {
	for _, key := range m.systemOrder {
		if value := m.system[key]; value != nil {
			f(key, value)
		}
	}
}

// SystemAfter implements Rows.
func (m *MemView) SystemAfter(prefix, after string, fn func(key string, value []byte) bool) {
	var keys []string
	for _, key := range m.systemOrder {
		if strings.HasPrefix(key, prefix) && key > after && m.system[key] != nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		if !fn(key, m.system[key]) {
			return
		}
	}
}

// Outputs calls f for every output, spent ones included, in the order of their creation.
func (m *MemView) Outputs(f func(kernel.OutputRef, Output)) {
	for _, ref := range m.refs {
		f(ref, *m.outputs[ref])
	}
}

// Assets returns every known asset, in the order in which they became known.
func (m *MemView) Assets() []kernel.AssetID { return m.assetOrder }

// Faults returns every recorded fault, in order.
func (m *MemView) Faults() []Fault { return m.faultOrder }

// Recount computes the set hash of the whole state from nothing; it equals Head().State.
func (m *MemView) Recount() crypto.SetHash {
	var e Elements
	refs := m.refs // each transaction's together, in the order of receipts
	for _, hash := range m.receiptOrder {
		var outputs []CreatedOutput
		for ; len(refs) > 0 && refs[0].Hash == hash; refs = refs[1:] {
			outputs = append(outputs, CreatedOutput{Ref: refs[0], Output: *m.outputs[refs[0]]})
		}
		e.Transaction(m.receipts[hash], outputs)
	}
	if len(refs) > 0 {
		panic("ledger: outputs of a transaction without a receipt")
	}
	for _, t := range m.taken {
		e.Identity(t.Identity, t.By)
	}
	for _, id := range m.assetOrder {
		a := m.assets[id]
		e.Asset(id, &a)
	}
	for i := range m.faultOrder {
		e.Fault(&m.faultOrder[i])
	}
	m.SystemRows(e.System)
	return e.Sum()
}

// Supply adds up the unspent outputs of an asset, one by one; it equals Asset.Unspent.
func (m *MemView) Supply(asset kernel.AssetID) (sum kernel.Amount) {
	for _, ref := range m.refs {
		if out := m.outputs[ref]; out.Asset == asset && out.SpentBy.IsZero() {
			mustAdd(&sum, out.Amount)
		}
	}
	return sum
}

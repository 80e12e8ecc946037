package forge

import (
	"cmp"
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/why"
)

// A MiningInfo says how work goes.
type MiningInfo struct {
	Mining     bool           `json:"mining"` // on this machine's processors
	Workers    int            `json:"workers"`
	RateLimit  uint64         `json:"rate_limit"` // hashes a second; 0: none
	HashRate   uint64         `json:"hash_rate"`  // of this machine
	Hashes     uint64         `json:"hashes"`
	Pay        string         `json:"pay"` // empty: no work is handed out
	Asset      string         `json:"asset,omitempty"`
	Height     uint32         `json:"height"` // of the block that is worked on; 0: none
	Difficulty string         `json:"difficulty,omitempty"`
	Reward     pillars.Amount `json:"reward_satoshis"`
	Fees       pillars.Amount `json:"fees_satoshis"`
	Count      int            `json:"transactions"`
	Size       int            `json:"bytes"`
	LeftOut    []LeftOut      `json:"left_out"` // of what waited, the first few
	Made       uint64         `json:"blocks_made"`
	Taken      uint64         `json:"blocks_taken"` // by this node
	Dataset    DatasetInfo    `json:"dataset"`
}

// A LeftOut is a transaction that is not in the block that is worked on.
type LeftOut struct {
	ID  pillars.TxID `json:"tx"`
	Why string       `json:"why"`
}

// A DatasetInfo says how far the whole dataset is.
type DatasetInfo struct {
	Ready bool   `json:"ready"`
	Epoch uint32 `json:"epoch"`
	Done  uint32 `json:"pages_done"`
	Pages uint32 `json:"pages"`
}

// MiningInfo says how work goes.
func (f *Forge) MiningInfo() MiningInfo {
	const fewLeft = 20
	m := f.Mining()
	out := MiningInfo{
		Mining: m.Workers > 0, Workers: m.Workers, RateLimit: m.Rate, HashRate: f.stats.rate(), Hashes: f.stats.hashes.Load(),
		Asset: m.Asset, Made: f.stats.workMade.Load(), Taken: f.stats.workTaken.Load(), LeftOut: []LeftOut{},
	}
	if m.Pay != (pillars.Address{}) {
		out.Pay = m.Pay.Text(f.o.Params.Address)
	}
	out.Dataset.Epoch, out.Dataset.Done, out.Dataset.Pages, out.Dataset.Ready = f.tables.progress()
	f.board.mu.Lock()
	t := f.board.tpl
	f.board.mu.Unlock()
	if t == nil {
		return out
	}
	out.Height, out.Reward, out.Fees, out.Count, out.Size = t.Height(), t.Subsidy+t.Fees, t.Fees, len(t.Transactions()), t.Size
	if h, err := t.Job(now(), 0); err == nil {
		out.Difficulty = h.Header.Bits.Dec()
	}
	for _, left := range t.Left[:min(len(t.Left), fewLeft)] {
		out.LeftOut = append(out.LeftOut, LeftOut{left.ID, left.Why.Error()})
	}
	return out
}

// A StakeInfo is one output of the staker's.
type StakeInfo struct {
	Tx     pillars.TxID   `json:"tx"`
	Index  uint32         `json:"index"`
	Value  pillars.Amount `json:"value_satoshis"`
	Owner  string         `json:"address"`
	Height uint32         `json:"height"`      // of its block
	Ripe   uint32         `json:"ripe_height"` // the first block that it may stake, at today's difficulty
}

// A StakingInfo says how staking goes.
type StakingInfo struct {
	Staking    bool           `json:"staking"`
	Owners     []string       `json:"addresses"`
	Waiting    string         `json:"waiting_for,omitempty"` // why nothing is tried now
	Height     uint32         `json:"height"`                // of the block that is tried for
	Difficulty string         `json:"difficulty,omitempty"`
	Locked     int            `json:"addresses_locked"` // that have locked enough
	Stakes     int            `json:"stakes"`           // outputs that are large enough
	Mature     int            `json:"mature"`
	Value      pillars.Amount `json:"mature_satoshis"`
	Expected   string         `json:"expected_seconds,omitempty"` // until a stake wins, on average
	Queue      []StakeInfo    `json:"queue"`                      // by the height at which they ripen
	Made       uint64         `json:"blocks_made"`
	Taken      uint64         `json:"blocks_taken"`
}

// StakingInfo says how staking goes, with at most so many outputs.
func (f *Forge) StakingInfo(most int) StakingInfo {
	_, s, _ := f.settings()
	out := StakingInfo{
		Staking: s.Signer != nil, Owners: []string{}, Queue: []StakeInfo{},
		Made: f.stats.stakeMade.Load(), Taken: f.stats.stakeTaken.Load(),
	}
	if s.Signer == nil {
		return out
	}
	for _, a := range s.Signer.Owners() {
		out.Owners = append(out.Owners, a.Text(f.o.Params.Address))
	}
	_, out.Waiting = f.mayStake(s)
	f.mu.Lock()
	q := f.queue
	f.mu.Unlock()
	if q == nil {
		return out
	}
	if q.blocked != nil {
		out.Waiting = q.blocked.Error()
	}
	out.Height, out.Difficulty = q.parent.Number+1, q.bits.Bits.Dec()
	out.Locked, out.Stakes, out.Mature, out.Value = q.owners, q.all, q.mature, q.value
	if q.value > 0 {
		expected := why.Expected(q.value, &q.bits.Bits)
		out.Expected = expected.Dec()
	}
	need := pos.Maturity(&f.o.Params.Stake, &q.bits.Bits)
	for i := range q.stakes {
		st := &q.stakes[i]
		out.Queue = append(out.Queue, StakeInfo{st.Outpoint.Tx, st.Outpoint.Index, st.Value, st.Owner.Text(f.o.Params.Address), st.Height, ripeAt(st, need)})
	}
	slices.SortStableFunc(out.Queue, func(a, b StakeInfo) int { return cmp.Compare(a.Ripe, b.Ripe) })
	out.Queue = out.Queue[:min(len(out.Queue), max(most, 0))]
	return out
}

// A WhyReport explains the last blocks.
type WhyReport struct {
	Blocks []why.Answer `json:"blocks"` // the newest first
	Mine   int          `json:"mine"`
	Work   []why.Count  `json:"work"`
	Stake  []why.Count  `json:"stake"`
}

// maxWhy is the most blocks that are explained at once.
const maxWhy = 500

// Why explains why so many of the last blocks were not made here.
func (f *Forge) Why(blocks int) WhyReport {
	s := f.o.Node.Store()
	var facts []why.Block
	var parents []pillars.BlockID
	for height := s.Tip().Branch.Number; height > 0 && len(facts) < min(blocks, maxWhy); height-- {
		id, ok := s.IDAt(height)
		if !ok {
			continue // a reorganisation goes by
		}
		e, ok := s.Entry(id)
		if !ok {
			continue
		}
		stamps := e.Branch.Stamps
		facts = append(facts, why.Block{Height: height, ID: id, Parent: e.Head.Previous, Seal: e.Head.Seal(), After: stamps[0] - stamps[1]})
		parents = append(parents, e.Head.Previous)
	}
	out := WhyReport{Blocks: why.Explain(facts, f.record.last(parents))}
	for i := range out.Blocks {
		if out.Blocks[i].Mine {
			out.Mine++
		}
	}
	out.Work, out.Stake = why.Summarise(out.Blocks, pillars.PoW), why.Summarise(out.Blocks, pillars.PoS)
	return out
}

package sim

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/state"
)

// A court judges each block once for all nodes of a run: the verdict is a function of the block and its
// ancestors. It holds one state, which it moves between branches with the same undo data that a node has.
type court struct {
	params  *pillars.Params
	records map[pillars.BlockID]*record
	at      *record
	ledger  ledger
	owners  map[pillars.Address][]pos.Stake // what can stake after at, by owner, in order
}

// A record is a block that was judged, and what it does.
type record struct {
	parent  *record // nil of the genesis
	block   *pillars.Block
	branch  consensus.Branch
	changes state.Changes
	err     error
	author  int // the node that made it; -1 unknown
}

// newCourt starts with the genesis. Stakes are listed of the owners given.
func newCourt(p *pillars.Params, genesis *pillars.Block, owners []pillars.Address) *court {
	c := &court{params: p, records: map[pillars.BlockID]*record{}, owners: map[pillars.Address][]pos.Stake{}}
	for _, o := range owners {
		c.owners[o] = nil
	}
	c.ledger.records = map[state.Key][]byte{}
	diff := state.Genesis(&c.ledger, genesis, p)
	c.at = &record{block: genesis, branch: consensus.Start(&genesis.Header), changes: diff.Changes, author: -1}
	c.records[c.at.branch.ID] = c.at
	c.apply(diff.Changes)
	return c
}

// judge says which rule a block breaks on the state after its parent, as a node's chain does.
func (c *court) judge(parent *consensus.Branch, b *pillars.Block, id pillars.BlockID) error {
	if r := c.records[id]; r != nil {
		return r.err
	}
	r := &record{parent: c.records[parent.ID], block: b, author: -1}
	if r.parent == nil || r.parent.err != nil {
		panic("sim: a block is judged before its parent")
	}
	c.move(parent.ID)
	r.changes, r.err = c.verdict(parent, b)
	if r.err == nil {
		r.branch = parent.Next(c.params, &b.Header, consensus.Reveal{Stake: b.Extension.Stake})
	}
	c.records[id] = r
	return r.err
}

func (c *court) verdict(parent *consensus.Branch, b *pillars.Block) (state.Changes, error) {
	if b.Seal() == pillars.PoS {
		if err := pos.Verify(c.params, b, parent, state.At(&c.ledger, c.params)); err != nil {
			return nil, err
		}
	}
	diff, err := state.Apply(&c.ledger, b, state.Context{Params: c.params, Parent: parent, Stamp: b.Timestamp})
	if err != nil {
		return nil, err
	}
	return diff.Changes, state.VerifyAll(diff.Scripts)
}

// stakes are the outputs of an owner that can stake after a block, in the order of their names.
func (c *court) stakes(after pillars.BlockID, owner pillars.Address) []pos.Stake {
	c.move(after)
	return c.owners[owner]
}

// view is the state after a block, until the court is asked about another.
func (c *court) view(after pillars.BlockID) *ledger {
	c.move(after)
	return &c.ledger
}

// move brings the state to a judged block: down to the fork, then up.
func (c *court) move(to pillars.BlockID) {
	target := c.records[to]
	if target == nil || target.err != nil {
		panic("sim: no state after " + to.Short())
	}
	var up []*record
	for down, r := c.at, target; down != r; {
		if down.block.Number >= r.block.Number {
			c.apply(down.changes.Inverse())
			down = down.parent
			c.at = down
			continue
		}
		up = append(up, r)
		r = r.parent
	}
	for _, r := range slices.Backward(up) {
		c.apply(r.changes)
		c.at = r
	}
}

func (c *court) apply(changes state.Changes) {
	for _, change := range changes {
		c.ledger.put(change)
	}
	at := state.At(&c.ledger, c.params)
	for _, change := range changes {
		if change.Key[0] == tableOutput {
			c.index(outpointOf(change.Key), at)
		}
	}
}

// index brings the list of an output's owner up to date.
func (c *court) index(o pillars.Outpoint, at state.Reader) {
	s, ok := at.Stake(o)
	if ok && (s.Value < c.params.Stake.Minimum || !s.Plain) {
		return
	}
	if ok {
		if list, ours := c.owners[s.Owner]; ours {
			i, _ := slices.BinarySearchFunc(list, o, byOutpoint)
			c.owners[s.Owner] = slices.Insert(list, i, s)
		}
		return
	}
	for owner, list := range c.owners { // one of them has it, in whatever order they are asked
		if i, here := slices.BinarySearchFunc(list, o, byOutpoint); here {
			c.owners[owner] = slices.Delete(list, i, i+1)
			return
		}
	}
}

func byOutpoint(s pos.Stake, o pillars.Outpoint) int {
	if d := s.Outpoint.Tx.Compare(o.Tx); d != 0 {
		return d
	}
	return int(int64(s.Outpoint.Index) - int64(o.Index))
}

// chain lists the records from the genesis to a block.
func (c *court) chain(to pillars.BlockID) (all []*record) {
	for r := c.records[to]; r != nil; r = r.parent {
		all = append(all, r)
	}
	slices.Reverse(all)
	return all
}

// fork counts the blocks of two branches above the block at which they part.
func (c *court) fork(a, b *record) (ofA, ofB uint32) {
	for a != b {
		if a.block.Number >= b.block.Number {
			a = a.parent
			ofA++
		} else {
			b = b.parent
			ofB++
		}
	}
	return ofA, ofB
}

// A ledger is the records of one state.
type ledger struct {
	records map[state.Key][]byte
	locks   []state.Key // those of the table that staking lists, in order
}

var (
	tableOutput = state.OutputKey(pillars.Outpoint{})[0]
	tableLock   = state.LockKey(pillars.BlackHole(), pillars.Outpoint{})[0]
)

// outpointOf reads the name in the key of an output.
func outpointOf(key state.Key) pillars.Outpoint {
	return pillars.Outpoint{Tx: pillars.TxID([]byte(key[1:33])), Index: binary.BigEndian.Uint32([]byte(key[33:]))}
}

func (l *ledger) put(c state.Change) {
	if now := l.records[c.Key]; string(now) != string(c.Before) {
		panic(fmt.Sprintf("sim: record %x is %x, expected %x", string(c.Key), now, c.Before))
	}
	if c.Key[0] == tableLock {
		i, here := slices.BinarySearch(l.locks, c.Key)
		switch {
		case c.After == nil && here:
			l.locks = slices.Delete(l.locks, i, i+1)
		case c.After != nil && !here:
			l.locks = slices.Insert(l.locks, i, c.Key)
		}
	}
	if c.After == nil {
		delete(l.records, c.Key)
		return
	}
	l.records[c.Key] = c.After
}

// Get returns a record.
func (l *ledger) Get(key state.Key) ([]byte, bool) {
	value, ok := l.records[key]
	return value, ok
}

// Under calls with the records under a prefix, in order. Only locks are asked for while blocks are judged.
func (l *ledger) Under(prefix state.Key, each func(state.Key, []byte) bool) {
	keys := l.locks
	if prefix == "" || prefix[0] != tableLock {
		keys = slices.Sorted(maps.Keys(l.records))
	}
	for _, key := range keys {
		if strings.HasPrefix(string(key), string(prefix)) && !each(key, l.records[key]) {
			return
		}
	}
}

// root is the hash over all records, computed from nothing.
func (l *ledger) root() [crypto.HashSize]byte {
	all := make(state.Changes, 0, len(l.records))
	for _, key := range slices.Sorted(maps.Keys(l.records)) {
		all = append(all, state.Change{Key: key, After: l.records[key]})
	}
	var h crypto.SetHash
	all.Hash(&h)
	return h.Sum()
}

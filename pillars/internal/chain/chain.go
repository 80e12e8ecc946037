// Package chain runs a chain: it asks the tree what to do next, judges blocks on the state after their own parent,
// connects and disconnects them on disk, and says what happened.
//
// A block is judged in full when it arrives, on its own branch, before a byte of it is written: its stake first, then what it
// does to the state, then its scripts on all processors. So a reorganisation only ever passes over blocks that are known
// to be valid, and nothing that is not gets onto the disk. What may be followed is package tree's, what is
// valid package state's, and what is stored package store's.
package chain

import (
	"fmt"
	"runtime"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pow"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// Options say where a chain lives and what it takes. The zero value is an archive on disk that uses all
// processors.
type Options struct {
	Store   store.Options
	Limits  tree.Limits
	Workers int // that check scripts and seals side by side; default all processors
}

// A Chain is owned by one goroutine, which calls its methods; each returns when all is done that it led to. Others read
// its Store.
type Chain struct {
	params  *pillars.Params
	store   *store.Store
	tree    *tree.Tree
	workers int

	branch branchState
	diffs  diffs
	events []Event
}

// Create makes the folder of a new chain, which holds the genesis of the profile.
func Create(dir string, p *pillars.Params, o Options) error {
	if err := p.Check(); err != nil {
		return err
	}
	b, err := p.GenesisBlock()
	if err != nil {
		return err
	}
	e := store.EntryOf(b, consensus.Start(&b.Header))
	return store.Create(dir, p, e, b, state.Genesis(&state.Memory{}, b, p), o.Store)
}

// Open opens a chain where it was left and finishes a reorganisation that was under way. Seals are verified with the
// caches given, which other goroutines may use too.
func Open(dir string, p *pillars.Params, caches pow.View, o Options) (*Chain, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return open(dir, p, seals{caches, o.Workers}, o)
}

// OpenWith is Open with other seals than Ethash's: those of a simulation, in which work is drawn.
func OpenWith(dir string, p *pillars.Params, verify tree.Seals, o Options) (*Chain, error) {
	return open(dir, p, verify, o)
}

func open(dir string, p *pillars.Params, verify tree.Seals, o Options) (*Chain, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	s, err := store.Open(dir, p, o.Store)
	if err != nil {
		return nil, err
	}
	c := &Chain{params: p, store: s, workers: o.Workers}
	if err := c.restore(verify, o.Limits); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	return c, nil
}

// restore makes the tree from what is stored above the last final block.
func (c *Chain) restore(verify tree.Seals, l tree.Limits) error {
	height := uint32(0)
	if high := c.store.High(); high > c.params.Finality {
		height = high - c.params.Finality
	}
	root, err := c.entryAt(height)
	if err != nil {
		return err
	}
	if c.tree, err = tree.New(c.params, verify, root.Head, root.Branch, l); err != nil {
		return err
	}
	for height++; height <= c.store.Tip().Branch.Number; height++ {
		e, err := c.entryAt(height)
		if err != nil {
			return err
		}
		if err := c.tree.Restore(e.Head, e.Branch, true); err != nil {
			return err
		}
	}
	var left []pillars.BlockID
	c.store.Side(func(e store.Entry) {
		if c.tree.Restore(e.Head, e.Branch, false) != nil {
			left = append(left, e.ID()) // below what is final now
		}
	})
	if err := c.store.Forget(left); err != nil {
		return err
	}
	return c.settle(0)
}

func (c *Chain) entryAt(height uint32) (e store.Entry, err error) {
	id, ok := c.store.IDAt(height)
	if ok {
		e, ok = c.store.Entry(id)
	}
	if !ok {
		return e, fmt.Errorf("%w: no block at %d", store.ErrCorrupt, height)
	}
	return e, nil
}

// Store is what others read while the chain goes on.
func (c *Chain) Store() *store.Store { return c.store }

// Tree is what is known of chains. Only the owner of the chain may look, and change nothing.
func (c *Chain) Tree() *tree.Tree { return c.tree }

// Tip is the branch that ends in our last block.
func (c *Chain) Tip() consensus.Branch { return c.tree.Tip().Branch }

// Close makes everything durable and lets go of the folder.
func (c *Chain) Close() error { return c.store.Close() }

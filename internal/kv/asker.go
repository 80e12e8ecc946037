package kv

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// An asker asks an engine for single keys between two folds. The engine does not change then, so
// it keeps iterators: they know their tables already, and a question costs a third of what it
// costs from the beginning. They hold on to the tables of their time, so an asker ends with it.
type asker struct {
	engine engine
	pebble *pebbleEngine // nil if the engine is another

	mu   sync.Mutex
	idle []*pebble.Iterator
	over bool
}

// mostIdle is how many iterators wait for the next question at most.
const mostIdle = 16

func newAsker(e engine) *asker {
	p, _ := e.(*pebbleEngine)
	return &asker{engine: e, pebble: p}
}

func (a *asker) get(dst, key []byte) (value []byte, ok bool, err error) {
	if a.pebble == nil {
		return a.engine.get(dst, key)
	}
	it, err := a.take()
	if err != nil {
		return dst, false, fmt.Errorf("read key: %w", err)
	}
	if ok = it.SeekPrefixGE(key) && bytes.Equal(it.Key(), key); ok {
		var found []byte
		if found, err = it.ValueAndErr(); err == nil {
			dst = append(dst, found...)
		}
	}
	if err = errors.Join(err, it.Error()); err != nil {
		return dst, false, fmt.Errorf("read key: %w", errors.Join(err, it.Close()))
	}
	return dst, ok, a.give(it)
}

func (a *asker) take() (*pebble.Iterator, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.idle); n > 0 {
		it := a.idle[n-1]
		a.idle = a.idle[:n-1]
		return it, nil
	}
	return a.pebble.db.NewIter(&pebble.IterOptions{UseL6Filters: true})
}

func (a *asker) give(it *pebble.Iterator) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over || len(a.idle) == mostIdle {
		return it.Close()
	}
	a.idle = append(a.idle, it)
	return nil
}

// end lets go of what the asker holds. Who asks it all the same, with layers of its time, gets the
// engine's newest answer.
func (a *asker) end() (err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	for _, it := range a.idle {
		err = errors.Join(err, it.Close())
	}
	a.idle = nil
	return err
}

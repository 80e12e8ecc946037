package kv

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// openEngine opens the engine and listens to what it does in the background. When the disk
// refuses a table there, the engine tries again at once and for ever, and tells only its
// listener: on a full disk opening would never end, and a running store would stand still as soon
// as its buffers are full. Both end here: opening with the error, an open store with Fatal.
func openEngine(dir string, o *pebble.Options, guard *guardedFS) (*pebble.DB, error) {
	type opened struct {
		engine *pebble.DB
		err    error
	}
	done, failed := make(chan opened, 1), make(chan error, 1)
	o.EventListener = &pebble.EventListener{BackgroundError: func(err error) {
		if pebble.IsCorruptionError(err) {
			return // whoever reads the block is told
		}
		err = fmt.Errorf("key-value store: background: %w", err)
		if guard.opened.Load() {
			guard.fatal(err)
			return
		}
		select {
		case failed <- err:
		default:
		}
		select {} // the engine's locks are ours now: nobody will try again
	}}
	go func() {
		engine, err := pebble.Open(dir, o)
		done <- opened{engine, err}
	}()
	select {
	case d := <-done:
		return d.engine, d.err
	case err := <-failed:
		return nil, err
	}
}

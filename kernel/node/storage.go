package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel/internal/store"
)

// Why Open and Run fail for the disk's sake. A node never goes on after one: starting again is
// the recovery, and finds the state of some commit exactly.
var (
	ErrStorage  = errors.New("storage_failed") // every other one comes with it, when it comes from Run
	ErrDiskFull = store.ErrDiskFull            // before anything was written: free some space and start again
	ErrLocked   = store.ErrLocked              // another process has the folder open
	ErrNetwork  = store.ErrNetwork             // the folder is of another network
	ErrNode     = store.ErrNode                // the folder is of another node
	ErrNoFolder = store.ErrNotFound            // there is no folder: make one with Init
)

func storageError(doing string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrStorage, doing, err)
}

// A breaker ends the node when the store cannot read or write any more, wherever that is met.
type breaker struct {
	once   sync.Once
	broken chan struct{}
	err    error // once broken is closed
}

func newBreaker() *breaker { return &breaker{broken: make(chan struct{})} }

// fail is store.Options.Fatal: it must not return. The goroutine that met the failure may hold
// the engine's locks and half of a change, so it stays where it is; Run ends the node around it.
func (b *breaker) fail(err error) {
	b.once.Do(func() {
		b.err = fmt.Errorf("%w: %w", ErrStorage, err)
		close(b.broken)
	})
	select {}
}

// guard runs open, which may meet the failure too.
func (b *breaker) guard(open func() error) error {
	done := make(chan error, 1)
	go func() { done <- open() }()
	select {
	case err := <-done:
		return err
	case <-b.broken:
		return b.err
	}
}

// patience is how long a node whose store failed waits for the services that still can end.
const patience = 3 * time.Second

// watch runs the services like runAll, and leaves behind what hangs in a failed store. The
// caller is expected to end the process.
func (b *breaker) watch(ctx context.Context, services []func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- runAll(ctx, services...) }()
	select {
	case err := <-done:
		return err
	case <-b.broken:
	}
	cancel()
	select {
	case <-done:
	case <-time.After(patience):
	}
	return b.err
}

func (b *breaker) isBroken() bool {
	select {
	case <-b.broken:
		return true
	default:
		return false
	}
}

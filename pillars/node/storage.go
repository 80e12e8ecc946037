package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chain"
	"github.com/asterism-network/asterism/pillars/internal/store"
)

// Why Open, Run and submissions fail for the disk's sake.
var (
	ErrStorage  = errors.New("storage_failed") // the node has ended; starting again is the recovery
	ErrDiskFull = errors.New("disk_full")      // blocks are refused until there is room; nothing was lost
	ErrLocked   = store.ErrLocked              // another process has the folder open
	ErrExists   = store.ErrExists              // the folder holds a chain already
	ErrNoFolder = store.ErrNotFound            // there is no chain: make one with Init
	ErrNetwork  = store.ErrNetwork             // the folder is of another network
	ErrProfile  = store.ErrProfile             // the folder is of a network with other parameters
)

// Names in a node's folder.
const (
	profileFile = "profile.json"
	chainFolder = "chain"
)

func chainDir(home string) string { return filepath.Join(home, chainFolder) }

// Init makes the folder of a node that has never run: the network's profile and a chain that holds the
// genesis. It refuses an existing chain.
func Init(home string, p *pillars.Params) error {
	if err := p.Check(); err != nil {
		return err
	}
	text, err := p.MarshalJSON()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return fmt.Errorf("make home: %w", err)
	}
	path := filepath.Join(home, profileFile)
	switch old, err := os.ReadFile(path); {
	case errors.Is(err, os.ErrNotExist):
		if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
			return fmt.Errorf("write profile: %w", err)
		}
	case err != nil:
		return fmt.Errorf("read profile: %w", err)
	case string(old) != string(text)+"\n":
		return fmt.Errorf("%s: %w: %s is of another network", home, ErrExists, profileFile)
	}
	return chain.Create(chainDir(home), p, chain.Options{})
}

// readProfile reads what Init wrote.
func readProfile(home string) (*pillars.Params, error) {
	text, err := os.ReadFile(filepath.Join(home, profileFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("open %s: %w: make one first", home, ErrNoFolder)
	}
	if err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	p, err := pillars.ParseParams(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(home, profileFile), err)
	}
	return p, nil
}

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

// fail is store.Options.Fatal: it must not return. Whoever met the failure stays where it is, in the middle of a change;
// Run ends the node around it.
func (b *breaker) fail(err error) {
	b.once.Do(func() {
		b.err = fmt.Errorf("%w: %w", ErrStorage, err)
		close(b.broken)
	})
	select {}
}

func (b *breaker) isBroken() bool {
	select {
	case <-b.broken:
		return true
	default:
		return false
	}
}

// guard runs what may meet the failure.
func (b *breaker) guard(run func() error) error {
	done := make(chan error, 1)
	go func() { done <- run() }()
	select {
	case err := <-done:
		return err
	case <-b.broken:
		return b.err
	}
}

// patience is how long a node whose store failed waits for the services that still can end.
const patience = 3 * time.Second

// watch runs the services like runAll, and leaves behind what hangs in a failed store: the process
// is about to end.
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

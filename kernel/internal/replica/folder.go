package replica

import (
	"fmt"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// Init makes the folder of a node that has never run: commit 0, and the first record of the
// log, by which an unused log differs from a lost one. It refuses an existing folder. Key is the
// node's public key.
func Init(home string, g *kernel.Genesis, key kernel.Key, o store.Options) error {
	diff, transactions, err := ledger.Genesis(g)
	if err != nil {
		return err
	}
	return store.Create(home, g, kernel.NodeIDOf(g.NetworkID(), key), diff, transactions, o)
}

// Open opens the folder of the node with the given public key.
func Open(home string, g *kernel.Genesis, key kernel.Key, o store.Options) (*store.Store, error) {
	network := g.NetworkID()
	return store.Open(home, network, kernel.NodeIDOf(network, key), o)
}

// Rebuild sets a folder aside, which nobody may have open, under a name that is free, and opens
// an empty one in its place, which fills itself from the other members. The new log is in doubt
// from its first moment, for the given cause: the node cannot know what it signed, so it signs
// nothing in this epoch. [DAG-30]
func Rebuild(home, aside string, g *kernel.Genesis, key kernel.Key, o store.Options, cause error) (*store.Store, error) {
	diff, transactions, err := ledger.Genesis(g)
	if err != nil {
		return nil, err
	}
	if err := SetAside(o.FS, home, aside); err != nil {
		return nil, err
	}
	id, doubt := kernel.NodeIDOf(g.NetworkID(), key), fmt.Sprintf("rebuilt: %v", cause)
	if err := store.CreateDoubtful(home, g, id, diff, transactions, doubt, o); err != nil {
		return nil, err
	}
	return Open(home, g, key, o)
}

// SetAside renames a folder that nobody has open, durably. A nil file system is the disk.
func SetAside(fsys kv.FS, home, aside string) error {
	if fsys == nil {
		fsys = kv.Disk()
	}
	if err := fsys.Rename(home, aside); err != nil {
		return fmt.Errorf("set damaged folder aside: %w", err)
	}
	return kv.SyncDir(fsys, fsys.PathDir(home))
}

package replica

import (
	"fmt"
	"io"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/light"
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

// Import makes the folder of a node that goes on from a certified state, see store.ExportState. The rosters
// in the file must lead from the genesis to its certificate, and the state must be what that certifies.
// It returns the checkpoint of the state.
func Import(home string, g *kernel.Genesis, key kernel.Key, in io.Reader, o store.Options) (*kernel.Checkpoint, error) {
	return importState(home, g, key, in, "", o)
}

func importState(home string, g *kernel.Genesis, key kernel.Key, in io.Reader, doubt string, o store.Options) (*kernel.Checkpoint, error) {
	state, err := readState(g, in)
	if err != nil {
		return nil, err
	}
	diff, _, err := ledger.Genesis(g)
	if err != nil {
		return nil, err
	}
	state.Doubt = doubt
	return state.End(), store.Import(home, g, kernel.NodeIDOf(g.NetworkID(), key), diff, state, o)
}

// ReadState reads the beginning of a state and verifies that its rosters lead from the genesis to its certificate. It
// returns the checkpoint that what follows would have to be the state of.
func ReadState(g *kernel.Genesis, in io.Reader) (*kernel.Checkpoint, error) {
	state, err := readState(g, in)
	if err != nil {
		return nil, err
	}
	return state.End(), nil
}

func readState(g *kernel.Genesis, in io.Reader) (*store.StateReader, error) {
	state, err := store.ReadState(in)
	if err != nil {
		return nil, err
	}
	if _, err := light.Start(g).Changes(state.Rosters); err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrState, err)
	}
	return state, nil
}

// Renew puts a folder that begins with a certified state in the place of another, which nobody may have open and which is kept
// under a name that is free. The node may have signed what the new folder does not know, so that is in doubt from its first
// moment: see Rebuild, which also says what a crash leaves. [CHK-61]
func Renew(home, aside string, g *kernel.Genesis, key kernel.Key, in io.Reader, o store.Options) (*kernel.Checkpoint, error) {
	fresh := home + rebuiltSuffix
	if store.Exists(fresh, o) {
		if err := disk(o.FS).RemoveAll(fresh); err != nil {
			return nil, fmt.Errorf("remove unused rebuilt folder: %w", err)
		}
	}
	cp, err := importState(fresh, g, key, in, "begun again with a certified state", o)
	if err != nil {
		return nil, err
	}
	if err := move(o.FS, home, aside); err != nil {
		return nil, fmt.Errorf("set old folder aside: %w", err)
	}
	s, err := Open(home, g, key, o) // gives it the name
	if err != nil {
		return nil, err
	}
	return cp, s.Close()
}

// rebuiltSuffix names the folder that is to take another's place, see Rebuild.
const rebuiltSuffix = ".rebuilt"

// Exists reports whether a node has a folder at home, or has one that a crash kept from taking its
// name, which Open gives it.
func Exists(home string, o store.Options) bool {
	return store.Exists(home, o) || store.Exists(home+rebuiltSuffix, o)
}

// Open opens the folder of the node with the given public key. A rebuilt folder that a crash kept
// from taking its name gets it first.
func Open(home string, g *kernel.Genesis, key kernel.Key, o store.Options) (*store.Store, error) {
	if fresh := home + rebuiltSuffix; !store.Exists(home, o) && store.Exists(fresh, o) {
		if err := move(o.FS, fresh, home); err != nil {
			return nil, fmt.Errorf("put rebuilt folder in place: %w", err)
		}
	}
	network := g.NetworkID()
	return store.Open(home, network, kernel.NodeIDOf(network, key), o)
}

// Rebuild sets a folder aside, which nobody may have open, under a name that is free, and opens
// an empty one in its place, which fills itself from the other members. The new log is in doubt
// from its first moment, for the given cause: the node cannot know what it signed, so it signs
// nothing in this epoch. [DAG-30]
//
// The new folder is whole before the old one moves: when it cannot be made nothing has changed,
// and after a crash at any moment Open finds one of the two.
func Rebuild(home, aside string, g *kernel.Genesis, key kernel.Key, o store.Options, cause error) (*store.Store, error) {
	diff, transactions, err := ledger.Genesis(g)
	if err != nil {
		return nil, err
	}
	fresh := home + rebuiltSuffix
	if store.Exists(fresh, o) { // whole, and not put in place: of an attempt that was cut short
		if err := disk(o.FS).RemoveAll(fresh); err != nil {
			return nil, fmt.Errorf("remove unused rebuilt folder: %w", err)
		}
	}
	id, doubt := kernel.NodeIDOf(g.NetworkID(), key), fmt.Sprintf("rebuilt: %v", cause)
	if err := store.CreateDoubtful(fresh, g, id, diff, transactions, doubt, o); err != nil {
		return nil, err
	}
	if err := move(o.FS, home, aside); err != nil {
		return nil, fmt.Errorf("set damaged folder aside: %w", err)
	}
	return Open(home, g, key, o)
}

// move renames a folder that nobody has open, durably.
func move(fsys kv.FS, from, to string) error {
	fsys = disk(fsys)
	if err := fsys.Rename(from, to); err != nil {
		return err
	}
	return kv.SyncDir(fsys, fsys.PathDir(to))
}

// disk is the file system of options: a nil one is the disk.
func disk(fsys kv.FS) kv.FS {
	if fsys == nil {
		return kv.Disk()
	}
	return fsys
}

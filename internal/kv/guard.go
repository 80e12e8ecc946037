package kv

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A guardedFS watches what the engine does to its own log. Once open, the engine does not
// survive an error there in good order: it panics while it holds its locks, or in a goroutine
// of its own. So the first error goes to Options.Fatal, before the engine hears of it.
type guardedFS struct {
	FS
	opened atomic.Bool
	fatal  func(error)

	background sync.Mutex // held while opened changes and while a failure is judged by it
	failed     chan error // capacity 1: why opening cannot go on

	crowded func() bool   // more waits to be merged than should; set before it is opened
	closing chan struct{} // closed when merging must end soon
}

// backgroundFailed hears of a flush or a compaction that failed. The engine would try again at
// once and for ever, with all writers, or the opening, waiting for it. So the process ends, or the
// opening does; the engine stays behind, stopped where it is.
func (g *guardedFS) backgroundFailed(err error) {
	err = fmt.Errorf("key-value store: work in the background: %w", err)
	g.background.Lock()
	opened := g.opened.Load()
	if !opened {
		select {
		case g.failed <- err:
		default: // there is a reason already
		}
	}
	g.background.Unlock()
	if opened {
		g.fatal(err)
	}
	select {}
}

// compactions says how many may run at once. While the engine opens it needs none, and one that
// ran while the opening fails would use memory that the engine has let go of, and panic.
func (g *guardedFS) compactions() (least, most int) {
	if !g.opened.Load() {
		return 0, 1 // more than the least only above 4·foldsMerged tables in level 0, or a debt of a gigabyte
	}
	return 1, 2
}

// finishOpening reports what failed in the background while the engine opened. From then on
// such failures are fatal.
func (g *guardedFS) finishOpening() error {
	g.background.Lock()
	defer g.background.Unlock()
	select {
	case err := <-g.failed:
		return err
	default:
		g.opened.Store(true)
		return nil
	}
}

const engineLog = ".log"

func (g *guardedFS) check(err error) error {
	if err != nil && g.opened.Load() {
		g.fatal(fmt.Errorf("key-value store: write ahead: %w", err))
	}
	return err
}

func (g *guardedFS) Create(name string, category vfs.DiskWriteCategory) (File, error) {
	if err := g.settle(name); err != nil {
		return nil, err
	}
	f, err := g.FS.Create(name, category)
	if err == nil && category == compacted && g.opened.Load() {
		return &pacedFile{File: f, pace: newPace(g.closing), crowded: g.crowded}, nil
	}
	return g.watch(name, f, err)
}

// Remove guards the engine's markers, see settle.
func (g *guardedFS) Remove(name string) error {
	if err := g.settle(name); err != nil {
		return err
	}
	return g.FS.Remove(name)
}

// engineMarker begins the names of the empty files by which the engine says which of its files
// are valid: it makes a new marker, removes the old one, and only then syncs the folder.
const engineMarker = "marker."

// settle makes all names in the folder durable before a marker comes or goes. A file system that
// keeps later names and loses earlier ones could otherwise leave, after a power cut, a marker of
// a file that is not there, or no marker at all. It happens once in thousands of commits.
func (g *guardedFS) settle(name string) error {
	if !strings.HasPrefix(g.PathBase(name), engineMarker) {
		return nil
	}
	return g.check(SyncDir(g.FS, g.PathDir(name)))
}

func (g *guardedFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (File, error) {
	f, err := g.FS.ReuseForWrite(oldname, newname, category)
	return g.watch(newname, f, err)
}

// OpenDir guards the syncing of folders too: it belongs to starting a log.
func (g *guardedFS) OpenDir(name string) (File, error) {
	f, err := g.FS.OpenDir(name)
	return g.watch(engineLog, f, err)
}

func (g *guardedFS) Unwrap() FS { return g.FS }

func (g *guardedFS) watch(name string, f File, err error) (File, error) {
	if !strings.HasSuffix(name, engineLog) {
		return f, err
	}
	if g.check(err) != nil {
		return nil, err
	}
	return &guardedFile{f, g}, nil
}

// A guardedFile is a log of the engine, or a folder.
type guardedFile struct {
	File
	fs *guardedFS
}

func (f *guardedFile) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	return n, f.fs.check(err)
}

// Sync does not come back with an error: of a folder, it would make the engine panic, while it
// opens too.
func (f *guardedFile) Sync() error {
	err := f.File.Sync()
	if err != nil {
		f.fs.backgroundFailed(fmt.Errorf("sync: %w", err))
	}
	return nil
}

func (f *guardedFile) SyncData() error { return f.fs.check(f.File.SyncData()) }

func (f *guardedFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	return full, f.fs.check(err)
}

package kv

import (
	"io"
	"io/fs"
	"maps"
	"slices"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A crashFile is an open file or folder of a CrashFS.
type crashFile struct {
	fs    *CrashFS
	n     *inode // nil when closed
	name  string
	at    int // where the next Read or Write begins
	write bool
}

// enter locks the file system, also when it returns an error, and checks that f may be used so.
func (f *crashFile) enter(op string, folder, write bool) (err error) {
	f.fs.mu.Lock()
	switch {
	case f.n == nil:
		err = fs.ErrClosed
	case f.n.dir && !folder:
		err = syscall.EISDIR
	case write && !f.write:
		err = fs.ErrPermission
	}
	if err != nil {
		err = &fs.PathError{Op: op, Path: f.name, Err: err}
	}
	return err
}

// Close implements File.
func (f *crashFile) Close() error {
	err := f.enter("close", true, false)
	defer f.fs.mu.Unlock()
	f.n = nil
	return err
}

// Read implements File.
func (f *crashFile) Read(b []byte) (int, error) {
	err := f.enter("read", false, false)
	defer f.fs.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := f.n.readAt(b, int64(f.at))
	f.at += n
	if n > 0 {
		err = nil
	}
	return n, err
}

// ReadAt implements File.
func (f *crashFile) ReadAt(b []byte, off int64) (int, error) {
	err := f.enter("read", false, false)
	defer f.fs.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return f.n.readAt(b, off)
}

func (n *inode) readAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, syscall.EINVAL
	}
	if off >= int64(len(n.data)) {
		return 0, io.EOF
	}
	got := copy(b, n.data[off:])
	if got < len(b) {
		return got, io.EOF
	}
	return got, nil
}

// Write implements File.
func (f *crashFile) Write(b []byte) (int, error) {
	err := f.enter("write", false, true)
	defer f.fs.mu.Unlock()
	if err != nil {
		return 0, err
	}
	f.n.writeAt(b, f.at)
	f.at += len(b)
	return len(b), nil
}

// WriteAt implements File.
func (f *crashFile) WriteAt(b []byte, off int64) (int, error) {
	err := f.enter("write", false, true)
	defer f.fs.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, &fs.PathError{Op: "write", Path: f.name, Err: syscall.EINVAL}
	}
	f.n.writeAt(b, int(off))
	return len(b), nil
}

func (n *inode) writeAt(b []byte, at int) {
	n.same = min(n.same, at)
	if n.shared && at < len(n.synced) {
		n.synced, n.shared = slices.Clone(n.synced), false
	}
	n.grow(at + len(b))
	copy(n.data[at:], b)
}

// firstBlock is what a file takes at least.
const firstBlock = 512

// grow makes the file so long, if it is shorter. Room is doubled: append's own steps are smaller
// for long slices, and a file would be copied five times while it grows.
func (n *inode) grow(size int) {
	if size <= len(n.data) {
		return
	}
	if size > cap(n.data) {
		n.data = append(make([]byte, 0, max(size, 2*cap(n.data), firstBlock)), n.data...)
		if n.shared {
			n.synced = n.data[:len(n.synced)]
		}
	}
	n.data = n.data[:size] // files do not shrink, so what is behind their end is zero
}

// sync copies nothing: most files are written at their end only, so their durable bytes stay.
func (n *inode) sync() {
	n.synced, n.same, n.shared = n.data, len(n.data), true
}

// Stat implements File.
func (f *crashFile) Stat() (vfs.FileInfo, error) {
	err := f.enter("stat", true, false)
	defer f.fs.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return f.n.info(f.name), nil
}

// Sync implements File: of a folder it makes the names durable, not what they stand for.
func (f *crashFile) Sync() error {
	err := f.enter("sync", true, false)
	defer f.fs.mu.Unlock()
	if err != nil {
		return err
	}
	if n := f.n; n.dir {
		n.durable = maps.Clone(n.names)
	} else {
		n.sync()
	}
	return nil
}

// SyncData implements File.
func (f *crashFile) SyncData() error { return f.Sync() }

// SyncTo implements File: it promises nothing and does nothing.
func (f *crashFile) SyncTo(int64) (full bool, err error) { return false, nil }

// Preallocate implements File.
func (f *crashFile) Preallocate(_, _ int64) error { return nil }

// Prefetch implements File.
func (f *crashFile) Prefetch(_, _ int64) error { return nil }

// Fd implements File.
func (f *crashFile) Fd() uintptr { return vfs.InvalidFd }

var _ File = (*crashFile)(nil)

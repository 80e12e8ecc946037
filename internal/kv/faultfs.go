package kv

import (
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// An Operation is a kind of call to a file system or a file.
type Operation uint8

// The operations. Those before OpOpen change what is on the disk.
const (
	OpCreate Operation = iota // also the opening for writing of a file that is not there
	OpLink
	OpRemove // of one name or of all below it
	OpRename // also ReuseForWrite
	OpMkdir
	OpLock
	OpWrite
	OpSync // of a file or a folder

	OpOpen
	OpRead
	OpList
	OpStat
	OpUsage
	OpClose

	operations int = iota
)

var operationNames = [operations]string{
	"create", "link", "remove", "rename", "mkdir", "lock", "write", "sync", "open", "read", "list", "stat", "usage", "close",
}

// String returns the operation's name.
func (op Operation) String() string { return operationNames[op] }

// Changes reports whether the operation changes what is on the disk.
func (op Operation) Changes() bool { return op < OpOpen }

// needsSpace reports whether a full disk refuses the operation.
func (op Operation) needsSpace() bool { return op.Changes() && op != OpRemove }

// Counts says how many operations of each kind there were, the failed ones included.
type Counts [operations]uint64

// Changes is the number of operations that change what is on the disk.
func (c Counts) Changes() (n uint64) {
	for op, count := range c {
		if Operation(op).Changes() {
			n += count
		}
	}
	return n
}

// A FaultFS is a file system whose disk is full, breaks, rots or is slow, as it is told. It adds
// no randomness: equal calls have equal effects. An operation that fails has no effect, save for
// a write, of which the first half arrives.
type FaultFS struct {
	mu     sync.Mutex // not held while calling out
	below  FS
	counts Counts
	full   bool
	fuse   uint64 // so many changes until one fails; 0 is never
	blown  bool   // every change fails
	lasts  bool   // when the fuse blows it stays so
	before func(op Operation, name string)
}

// Faulty puts a FaultFS without any fault on top of a file system.
func Faulty(below FS) *FaultFS { return &FaultFS{below: below} }

// Replace puts another file system below, such as what a crash left of the one before, and keeps
// faults and counters. Files that are open stay with the old one.
func (f *FaultFS) Replace(below FS) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.below = below
}

// SetFull fills the disk or makes space again. On a full disk whatever needs space fails with
// ENOSPC, and no byte is free.
func (f *FaultFS) SetFull(full bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.full = full
}

// FailAfter lets the n-th change from now, counted from 1, fail with EIO, and with lasts all
// later ones too. An n of 0 repairs the disk.
func (f *FaultFS) FailAfter(n uint64, lasts bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fuse, f.lasts, f.blown = n, lasts, false
}

// Slow calls fn before each operation. It may take virtual time, look at the disk below, crash
// or panic; nil ends it. Names are as the caller gave them; of an open file, as it was opened.
func (f *FaultFS) Slow(fn func(op Operation, name string)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = fn
}

// Counts returns the counters, which never go back.
func (f *FaultFS) Counts() Counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts
}

// Flip turns one bit of a file at rest, chosen by seed, and says where: CrashFS.Flip of the file
// system at the bottom, which must be one. It is no operation and not counted.
func (f *FaultFS) Flip(name string, seed uint64) (offset int64, bit uint, err error) {
	disk, ok := vfs.Root(f).(*CrashFS)
	if !ok {
		return 0, 0, vfs.ErrUnsupported
	}
	return disk.Flip(name, seed)
}

// begin counts an operation and returns the file system to do it on, or its fault.
func (f *FaultFS) begin(op Operation, name string) (FS, error) {
	f.mu.Lock()
	before := f.before
	f.mu.Unlock()
	if before != nil {
		before(op, name)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[op]++
	var fault error
	if op.Changes() {
		broke := f.fuse == 1
		if f.fuse > 0 {
			f.fuse--
		}
		f.blown = f.blown || broke && f.lasts
		if broke || f.blown {
			fault = syscall.EIO
		}
	}
	if fault == nil && f.full && op.needsSpace() {
		fault = syscall.ENOSPC
	}
	if fault != nil {
		return nil, &fs.PathError{Op: op.String(), Path: name, Err: fault}
	}
	return f.below, nil
}

func (f *FaultFS) do(op Operation, name string, call func(FS) error) error {
	below, err := f.begin(op, name)
	if err != nil {
		return err
	}
	return call(below)
}

func (f *FaultFS) file(op Operation, name string, call func(FS) (File, error)) (File, error) {
	below, err := f.begin(op, name)
	if err != nil {
		return nil, err
	}
	file, err := call(below)
	if err != nil {
		return nil, err
	}
	return &faultFile{file, f, name}, nil
}

// Create implements FS.
func (f *FaultFS) Create(name string, category vfs.DiskWriteCategory) (File, error) {
	return f.file(OpCreate, name, func(below FS) (File, error) { return below.Create(name, category) })
}

// Link implements FS.
func (f *FaultFS) Link(oldname, newname string) error {
	return f.do(OpLink, newname, func(below FS) error { return below.Link(oldname, newname) })
}

// Open implements FS.
func (f *FaultFS) Open(name string, o ...vfs.OpenOption) (File, error) {
	return f.file(OpOpen, name, func(below FS) (File, error) { return below.Open(name, o...) })
}

// OpenReadWrite implements FS.
func (f *FaultFS) OpenReadWrite(name string, category vfs.DiskWriteCategory, o ...vfs.OpenOption) (File, error) {
	op := OpOpen
	if _, err := f.Unwrap().Stat(name); err != nil {
		op = OpCreate
	}
	return f.file(op, name, func(below FS) (File, error) { return below.OpenReadWrite(name, category, o...) })
}

// OpenDir implements FS.
func (f *FaultFS) OpenDir(name string) (File, error) {
	return f.file(OpOpen, name, func(below FS) (File, error) { return below.OpenDir(name) })
}

// Remove implements FS.
func (f *FaultFS) Remove(name string) error {
	return f.do(OpRemove, name, func(below FS) error { return below.Remove(name) })
}

// RemoveAll implements FS.
func (f *FaultFS) RemoveAll(name string) error {
	return f.do(OpRemove, name, func(below FS) error { return below.RemoveAll(name) })
}

// Rename implements FS.
func (f *FaultFS) Rename(oldname, newname string) error {
	return f.do(OpRename, newname, func(below FS) error { return below.Rename(oldname, newname) })
}

// ReuseForWrite implements FS.
func (f *FaultFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (File, error) {
	return f.file(OpRename, newname, func(below FS) (File, error) { return below.ReuseForWrite(oldname, newname, category) })
}

// MkdirAll implements FS.
func (f *FaultFS) MkdirAll(dir string, perm os.FileMode) error {
	return f.do(OpMkdir, dir, func(below FS) error { return below.MkdirAll(dir, perm) })
}

// Lock implements FS.
func (f *FaultFS) Lock(name string) (lock io.Closer, err error) {
	err = f.do(OpLock, name, func(below FS) (err error) { lock, err = below.Lock(name); return err })
	return lock, err
}

// List implements FS.
func (f *FaultFS) List(dir string) (names []string, err error) {
	err = f.do(OpList, dir, func(below FS) (err error) { names, err = below.List(dir); return err })
	return names, err
}

// Stat implements FS.
func (f *FaultFS) Stat(name string) (info vfs.FileInfo, err error) {
	err = f.do(OpStat, name, func(below FS) (err error) { info, err = below.Stat(name); return err })
	return info, err
}

// PathBase implements FS.
func (f *FaultFS) PathBase(p string) string { return f.Unwrap().PathBase(p) }

// PathJoin implements FS.
func (f *FaultFS) PathJoin(elem ...string) string { return f.Unwrap().PathJoin(elem...) }

// PathDir implements FS.
func (f *FaultFS) PathDir(p string) string { return f.Unwrap().PathDir(p) }

// GetDiskUsage implements FS.
func (f *FaultFS) GetDiskUsage(p string) (usage vfs.DiskUsage, err error) {
	below, err := f.begin(OpUsage, p)
	if err != nil {
		return usage, err
	}
	usage, err = below.GetDiskUsage(p)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full {
		usage.AvailBytes, err = 0, nil
	}
	return usage, err
}

// Unwrap implements FS.
func (f *FaultFS) Unwrap() FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.below
}

// A faultFile is an open file or folder of a FaultFS.
type faultFile struct {
	File
	fs   *FaultFS
	name string
}

// Read implements File.
func (f *faultFile) Read(b []byte) (int, error) {
	if _, err := f.fs.begin(OpRead, f.name); err != nil {
		return 0, err
	}
	return f.File.Read(b)
}

// ReadAt implements File.
func (f *faultFile) ReadAt(b []byte, off int64) (int, error) {
	if _, err := f.fs.begin(OpRead, f.name); err != nil {
		return 0, err
	}
	return f.File.ReadAt(b, off)
}

// Write implements File.
func (f *faultFile) Write(b []byte) (int, error) {
	if _, fault := f.fs.begin(OpWrite, f.name); fault != nil {
		n, _ := f.File.Write(b[:len(b)/2])
		return n, fault
	}
	return f.File.Write(b)
}

// WriteAt implements File.
func (f *faultFile) WriteAt(b []byte, off int64) (int, error) {
	if _, fault := f.fs.begin(OpWrite, f.name); fault != nil {
		n, _ := f.File.WriteAt(b[:len(b)/2], off)
		return n, fault
	}
	return f.File.WriteAt(b, off)
}

func (f *faultFile) sync(call func() error) error {
	if _, err := f.fs.begin(OpSync, f.name); err != nil {
		return err
	}
	return call()
}

// Sync implements File.
func (f *faultFile) Sync() error { return f.sync(f.File.Sync) }

// SyncData implements File.
func (f *faultFile) SyncData() error { return f.sync(f.File.SyncData) }

// SyncTo implements File.
func (f *faultFile) SyncTo(length int64) (full bool, err error) {
	err = f.sync(func() (err error) { full, err = f.File.SyncTo(length); return err })
	return full, err
}

// Stat implements File.
func (f *faultFile) Stat() (vfs.FileInfo, error) {
	if _, err := f.fs.begin(OpStat, f.name); err != nil {
		return nil, err
	}
	return f.File.Stat()
}

// Close implements File.
func (f *faultFile) Close() error {
	if _, err := f.fs.begin(OpClose, f.name); err != nil {
		return err
	}
	return f.File.Close()
}

var _ FS = (*FaultFS)(nil)

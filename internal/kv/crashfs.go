package kv

import (
	"hash/fnv"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A CrashFS is a file system in memory that knows which bytes and names were synced. What it
// holds, what it lists and what a crash leaves is a function of the calls and the seeds; file
// times are all zero.
type CrashFS struct {
	mu     sync.Mutex
	root   *inode
	locked map[string]struct{}
}

// An inode is a file or a folder. It is guarded by CrashFS.mu.
type inode struct {
	dir     bool
	names   map[string]*inode // of a folder
	durable map[string]*inode // what names was at the last sync of the folder

	data   []byte // of a file
	synced []byte // what data was at the last sync of the file
	same   int    // so many first bytes of data and synced are equal
	shared bool   // synced is the front of data, not a copy of it
}

func newFolder() *inode {
	return &inode{dir: true, names: map[string]*inode{}, durable: map[string]*inode{}}
}

// Crashable is a new, empty file system for crash tests.
func Crashable() *CrashFS {
	return &CrashFS{root: newFolder(), locked: map[string]struct{}{}}
}

// Crash returns what a power loss at this moment leaves: all that was synced, and of the rest
// each sector and each name with a probability of percent. A name that was removed and synced is
// gone; one that was removed only comes back. The original goes on unharmed.
func (c *CrashFS) Crash(percent int, seed uint64) *CrashFS {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := Crashable()
	left.root = (&powerLoss{percent, seed, map[*inode]*inode{}}).folder(c.root, "/")
	return left
}

// A powerLoss draws what survives of each file and folder from a generator of its own, so that
// one does not depend on how many others there are.
type powerLoss struct {
	percent int
	seed    uint64
	done    map[*inode]*inode // a file may have several names
}

func (p *powerLoss) generator(name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = io.WriteString(h, name)
	return rand.New(rand.NewPCG(p.seed, h.Sum64()))
}

func (p *powerLoss) survives(r *rand.Rand) bool { return r.IntN(100) < p.percent }

func (p *powerLoss) folder(n *inode, name string) *inode {
	left := maps.Clone(n.durable)
	r := p.generator(name)
	for _, entry := range slices.Sorted(maps.Keys(n.names)) {
		if n.names[entry] != n.durable[entry] && p.survives(r) {
			left[entry] = n.names[entry]
		}
	}
	for _, entry := range slices.Sorted(maps.Keys(left)) {
		left[entry] = p.inode(left[entry], path.Join(name, entry))
	}
	return &inode{dir: true, names: left, durable: maps.Clone(left)}
}

func (p *powerLoss) inode(n *inode, name string) *inode {
	if left := p.done[n]; left != nil {
		return left
	}
	var left *inode
	if n.dir {
		left = p.folder(n, name)
	} else {
		left = p.file(n, name)
	}
	p.done[n] = left
	return left
}

// file keeps what was synced and some of the sectors written since; what lies between is zero.
func (p *powerLoss) file(n *inode, name string) *inode {
	data := append(make([]byte, 0, max(len(n.synced), len(n.data))), n.synced...)
	r := p.generator(name)
	for from := n.same - n.same%sector; from < len(n.data); from += sector {
		if !p.survives(r) {
			continue
		}
		to := min(from+sector, len(n.data))
		if to > len(data) {
			data = append(data, make([]byte, to-len(data))...)
		}
		copy(data[from:to], n.data[from:to])
	}
	left := &inode{data: data}
	left.sync()
	return left
}

// Kill returns what the end of the process at this moment leaves: all that was written. It is no
// more durable than before.
func (c *CrashFS) Kill() *CrashFS {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := Crashable()
	left.root = copyInode(c.root, map[*inode]*inode{})
	return left
}

func copyInode(n *inode, done map[*inode]*inode) *inode {
	if n == nil || done[n] != nil {
		return done[n]
	}
	c := &inode{dir: n.dir, data: slices.Clone(n.data), same: n.same, shared: n.shared}
	if n.shared {
		c.synced = c.data[:len(n.synced)]
	} else {
		c.synced = slices.Clone(n.synced)
	}
	done[n] = c
	if n.dir {
		c.names, c.durable = maps.Clone(n.names), maps.Clone(n.durable)
		for name, child := range c.names {
			c.names[name] = copyInode(child, done)
		}
		for name, child := range c.durable {
			c.durable[name] = copyInode(child, done)
		}
	}
	return c
}

// Flip turns one bit of a file, chosen by seed, and says where.
func (c *CrashFS) Flip(name string, seed uint64) (offset int64, bit uint, err error) {
	info, err := c.Stat(name)
	if err != nil {
		return 0, 0, err
	}
	r := rand.New(rand.NewPCG(seed, 1))
	offset, bit = r.Int64N(max(info.Size(), 1)), uint(r.IntN(8))
	return offset, bit, c.FlipAt(name, offset, bit)
}

// FlipAt turns one bit of a file, in what was written and in what is durable of it.
func (c *CrashFS) FlipAt(name string, offset int64, bit uint) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, _, _, err := c.existing("flip", name)
	if err != nil {
		return err
	}
	if offset < 0 || offset >= int64(len(n.data)) || bit > 7 {
		return &fs.PathError{Op: "flip", Path: name, Err: syscall.EINVAL}
	}
	n.data[offset] ^= 1 << bit
	if !n.shared && offset < int64(len(n.synced)) {
		n.synced[offset] ^= 1 << bit
	}
	return nil
}

// find returns what has the given name, or nil, the folder that it is or would be in, and its
// name there.
func (c *CrashFS) find(op, name string) (n, parent *inode, base string, err error) {
	clean := path.Clean("/" + name)
	if clean == "/" {
		return c.root, nil, "/", nil
	}
	dir, base := path.Split(clean[1:])
	parent = c.root
	for part := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		if part == "" {
			continue
		}
		if parent = parent.names[part]; parent == nil {
			return nil, nil, "", &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		if !parent.dir {
			return nil, nil, "", &fs.PathError{Op: op, Path: name, Err: syscall.ENOTDIR}
		}
	}
	return parent.names[base], parent, base, nil
}

func (c *CrashFS) existing(op, name string) (n, parent *inode, base string, err error) {
	n, parent, base, err = c.find(op, name)
	if err == nil && n == nil {
		err = &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return n, parent, base, err
}

// Create implements FS.
func (c *CrashFS) Create(name string, _ vfs.DiskWriteCategory) (File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.create(name)
}

func (c *CrashFS) create(name string) (File, error) {
	n, parent, base, err := c.find("create", name)
	if err != nil {
		return nil, err
	}
	if n != nil && n.dir {
		return nil, &fs.PathError{Op: "create", Path: name, Err: syscall.EISDIR}
	}
	n = &inode{}
	parent.names[base] = n
	return &crashFile{fs: c, n: n, name: base, write: true}, nil
}

// Link implements FS.
func (c *CrashFS) Link(oldname, newname string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, _, _, err := c.existing("link", oldname)
	if err != nil {
		return err
	}
	there, parent, base, err := c.find("link", newname)
	if err != nil {
		return err
	}
	if there != nil {
		return &os.LinkError{Op: "link", Old: oldname, New: newname, Err: fs.ErrExist}
	}
	parent.names[base] = n
	return nil
}

// Open implements FS.
func (c *CrashFS) Open(name string, _ ...vfs.OpenOption) (File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open(name, false)
}

func (c *CrashFS) open(name string, write bool) (File, error) {
	n, _, base, err := c.existing("open", name)
	if err != nil {
		return nil, err
	}
	return &crashFile{fs: c, n: n, name: base, write: write && !n.dir}, nil
}

// OpenReadWrite implements FS.
func (c *CrashFS) OpenReadWrite(name string, _ vfs.DiskWriteCategory, _ ...vfs.OpenOption) (File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, _, _, err := c.find("open", name)
	if err == nil && n == nil {
		return c.create(name)
	}
	return c.open(name, true)
}

// OpenDir implements FS.
func (c *CrashFS) OpenDir(name string) (File, error) { return c.Open(name) }

// Remove implements FS.
func (c *CrashFS) Remove(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, parent, base, err := c.existing("remove", name)
	if err != nil {
		return err
	}
	if len(n.names) > 0 || parent == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOTEMPTY}
	}
	delete(parent.names, base)
	return nil
}

// RemoveAll implements FS.
func (c *CrashFS) RemoveAll(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, parent, base, err := c.find("remove", name); err == nil && parent != nil {
		delete(parent.names, base)
	}
	return nil
}

// Rename implements FS.
func (c *CrashFS) Rename(oldname, newname string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rename(oldname, newname)
}

func (c *CrashFS) rename(oldname, newname string) error {
	n, from, oldbase, err := c.existing("rename", oldname)
	if err != nil {
		return err
	}
	there, to, newbase, err := c.find("rename", newname)
	switch {
	case err != nil:
		return err
	case from == nil || to == nil:
		return &os.LinkError{Op: "rename", Old: oldname, New: newname, Err: syscall.EBUSY}
	case there != nil && there != n && (there.dir != n.dir || len(there.names) > 0):
		return &os.LinkError{Op: "rename", Old: oldname, New: newname, Err: fs.ErrExist}
	}
	delete(from.names, oldbase)
	to.names[newbase] = n
	return nil
}

// ReuseForWrite implements FS.
func (c *CrashFS) ReuseForWrite(oldname, newname string, _ vfs.DiskWriteCategory) (File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.rename(oldname, newname); err != nil {
		return nil, err
	}
	return c.open(newname, true)
}

// MkdirAll implements FS.
func (c *CrashFS) MkdirAll(dir string, _ os.FileMode) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.root
	for part := range strings.SplitSeq(path.Clean("/" + dir)[1:], "/") {
		if part == "" {
			continue
		}
		child := n.names[part]
		if child == nil {
			child = newFolder()
			n.names[part] = child
		}
		if !child.dir {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
		}
		n = child
	}
	return nil
}

// Lock implements FS. The death of a process releases its locks: Crash and Kill keep none.
func (c *CrashFS) Lock(name string) (io.Closer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	clean := path.Clean("/" + name)
	if _, held := c.locked[clean]; held {
		return nil, syscall.EAGAIN
	}
	if _, err := c.create(name); err != nil {
		return nil, err
	}
	c.locked[clean] = struct{}{}
	return &crashLock{c, clean}, nil
}

type crashLock struct {
	fs   *CrashFS
	name string
}

// Close releases the lock, once.
func (l *crashLock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	if l.name != "" {
		delete(l.fs.locked, l.name)
		l.name = ""
	}
	return nil
}

// List implements FS. Names are sorted.
func (c *CrashFS) List(dir string) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, _, _, err := c.existing("list", dir)
	if err != nil {
		return nil, err
	}
	if !n.dir {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: syscall.ENOTDIR}
	}
	return slices.Sorted(maps.Keys(n.names)), nil
}

// Stat implements FS.
func (c *CrashFS) Stat(name string) (vfs.FileInfo, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, _, base, err := c.existing("stat", name)
	if err != nil {
		return nil, err
	}
	return n.info(base), nil
}

// PathBase implements FS.
func (*CrashFS) PathBase(p string) string { return path.Base(p) }

// PathJoin implements FS.
func (*CrashFS) PathJoin(elem ...string) string { return path.Join(elem...) }

// PathDir implements FS.
func (*CrashFS) PathDir(p string) string { return path.Dir(p) }

// GetDiskUsage implements FS: memory does not know.
func (*CrashFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{}, vfs.ErrUnsupported
}

// Unwrap implements FS.
func (*CrashFS) Unwrap() FS { return nil }

func (n *inode) info(name string) vfs.FileInfo {
	return crashInfo{name, int64(len(n.data)), n.dir}
}

type crashInfo struct {
	name string
	size int64
	dir  bool
}

func (i crashInfo) Name() string         { return i.name }
func (i crashInfo) Size() int64          { return i.size }
func (i crashInfo) ModTime() time.Time   { return time.Time{} }
func (i crashInfo) IsDir() bool          { return i.dir }
func (i crashInfo) Sys() any             { return nil }
func (crashInfo) DeviceID() vfs.DeviceID { return vfs.DeviceID{} }
func (i crashInfo) Mode() os.FileMode {
	if i.dir {
		return os.ModeDir | 0o700
	}
	return 0o600
}

var _ FS = (*CrashFS)(nil)

package kv

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS is a file system: the disk, memory, or one that forgets in a crash what was not synced.
type FS = vfs.FS

// File is a file of an FS. Write may change the bytes it is given.
type File = vfs.File

// Ordinary is the category of writes that are nothing special to the disk.
const Ordinary = vfs.WriteCategoryUnspecified

// Disk is the machine's file system.
func Disk() FS { return vfs.Default }

// Memory is a new, empty file system in memory.
func Memory() FS { return vfs.NewMem() }

// MakeDir makes dir and the parents it lacks and makes their names durable. If dir is there
// already its name may not be: the process that made it can have died before it said so.
func MakeDir(fsys FS, dir string) error {
	parents := []string{fsys.PathDir(dir)} // of the folders that are new, and of dir
	for d := dir; ; d = fsys.PathDir(d) {
		if _, err := fsys.Stat(d); err == nil || fsys.PathDir(d) == d {
			break
		}
		if d != dir {
			parents = append(parents, fsys.PathDir(d))
		}
	}
	if err := fsys.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder %s: %w", dir, err)
	}
	for _, p := range parents {
		if err := SyncDir(fsys, p); err != nil {
			return err
		}
	}
	return nil
}

// SyncDir makes the names in dir durable.
func SyncDir(fsys FS, dir string) error {
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("open folder %s: %w", dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}

// ReadFile returns at most limit bytes of the named file.
func ReadFile(fsys FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, limit))
	return b, errors.Join(err, f.Close())
}

// ErrLocked says that another process, or another part of this one, has the folder open.
var ErrLocked = errors.New("folder is in use")

// Names of the two files of a lock: the lock itself, which is truncated by whoever tries, and
// the holder's process id.
const (
	lockFile = "LOCK"
	pidFile  = "PID"
)

// LockFolder makes the caller the only one who has dir open, until the result is closed or the
// process ends. The error is ErrLocked and names the holder's process if it is known.
func LockFolder(fsys FS, dir string) (io.Closer, error) {
	lock, err := fsys.Lock(fsys.PathJoin(dir, lockFile))
	if err != nil && !(errors.Is(err, fs.ErrPermission) && isHeld(fsys, dir)) {
		if noFile := new(fs.PathError); errors.As(err, &noFile) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("lock %s: %w", dir, err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s is open in process %s: stop it first (%v)", ErrLocked, dir, holder(fsys, dir), err)
	}
	if err := writePID(fsys, dir); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

func isHeld(fsys FS, dir string) bool { return holder(fsys, dir) != unknownHolder }

const unknownHolder = "unknown"

func holder(fsys FS, dir string) string {
	b, err := ReadFile(fsys, fsys.PathJoin(dir, pidFile), 32)
	if err != nil {
		return unknownHolder
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return unknownHolder
	}
	return strconv.Itoa(pid)
}

func writePID(fsys FS, dir string) error {
	f, err := fsys.Create(fsys.PathJoin(dir, pidFile), vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("write process id: %w", err)
	}
	pid := os.Getpid()
	if _, ok := vfs.Root(fsys).(*CrashFS); ok {
		pid = 1 // nobody else is in there, and the bytes must not depend on the process
	}
	_, err = f.Write([]byte(strconv.Itoa(pid) + "\n"))
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write process id: %w", err)
	}
	return nil
}

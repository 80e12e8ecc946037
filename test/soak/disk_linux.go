package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// A disk is a file system of its own for one node: a tmpfs in a user and a mount namespace, which
// needs no privilege where the system allows such namespaces. A holder, this program in another
// role, keeps it mounted and changes its size; everybody else reaches it below /proc.
type disk struct {
	root   string // the way in, from outside the namespace
	holder *exec.Cmd
	tell   io.WriteCloser // closed: the holder ends, the disk is gone
	hear   *bufio.Scanner
}

// holdEnv makes the program a holder; it names the folder to mount on.
const holdEnv = "ASTERISM_SOAK_HOLD"

// roomy is the size of a disk that is not full. It costs no memory before it is used.
const roomy = 8 << 30

// newDisk mounts a disk over an empty folder.
func newDisk(dir string) (*disk, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), holdEnv+"="+dir)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid: true, Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	tell, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	hear, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a process in namespaces of its own: %w", err)
	}
	d := &disk{fmt.Sprintf("/proc/%d/root%s", cmd.Process.Pid, dir), cmd, tell, bufio.NewScanner(hear)}
	err = d.answer()
	if err == nil {
		_, err = d.used()
	}
	if err != nil {
		d.close()
		return nil, fmt.Errorf("mount a file system for one node: %w", err)
	}
	return d, nil
}

// hold is the holder's part: mount, then sizes from standard input until it ends.
func hold(dir string) error {
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("mode=0700,size=%d", int64(roomy))); err != nil {
		return err
	}
	fmt.Println("ok")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		size, err := strconv.ParseInt(in.Text(), 10, 64)
		if err == nil {
			err = syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%d", size))
		}
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("ok")
	}
	return nil
}

func (d *disk) answer() error {
	if !d.hear.Scan() {
		return errors.New("the holder has ended")
	}
	if said := d.hear.Text(); said != "ok" {
		return errors.New(said)
	}
	return nil
}

func (d *disk) used() (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(d.root, &s); err != nil {
		return 0, err
	}
	return int64(s.Blocks-s.Bfree) * int64(s.Bsize), nil
}

// fill leaves so many bytes free. Its owner may be writing: it takes what it finds.
func (d *disk) fill(left int64) (err error) {
	for range 50 {
		used, err := d.used()
		if err != nil {
			return err
		}
		if err = d.resize(max(used+left, 1<<20)); err == nil {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("fill a disk: %w", err)
}

// free makes the disk roomy again.
func (d *disk) free() error { return d.resize(roomy) }

func (d *disk) resize(size int64) error {
	if _, err := fmt.Fprintln(d.tell, size); err != nil {
		return err
	}
	return d.answer()
}

// close gives the disk up with all that is on it.
func (d *disk) close() {
	d.tell.Close()
	_ = d.holder.Wait()
}

// limitFiles keeps the files of a running process from growing over a size: the poor man's full
// disk, where no file system can be mounted.
func limitFiles(pid int, size uint64) error {
	limit := syscall.Rlimit{Cur: size, Max: size}
	_, _, failed := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if failed != 0 {
		return fmt.Errorf("limit the files of process %d: %w", pid, failed)
	}
	return nil
}

// holding turns the program into a holder if it was started as one.
func holding() bool {
	dir := os.Getenv(holdEnv)
	if dir == "" {
		return false
	}
	if err := hold(dir); err != nil {
		fmt.Println(strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return true
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel/client"
)

// A node is one member of the network: its home, its addresses, and the process that runs it,
// one after the other.
type node struct {
	number  int // from 1
	name    string
	program string // kerneld
	home    string
	secret  string // file of the passphrase
	log     string
	ops     string // URL
	peers   string // setting: the others, each through its link
	disk    *disk  // nil: the home is on the machine's disk
	rpc     *client.Client
	quick   *client.Client // gives up soon: for questions to a node that may be in trouble

	mu         sync.Mutex // guards all below
	process    *process   // nil before the first start
	generation int        // starts so far
}

// answerLimit is how long a question to a node that may be in trouble waits.
const answerLimit = 3 * time.Second

func (n *node) data() string { return filepath.Join(n.home, "data") }

// start starts the node on its home.
func (n *node) start() error {
	p, err := startProcess(n.program, n.log, n.command()...)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.process, n.generation = p, n.generation+1
	return nil
}

func (n *node) command() []string {
	return []string{"run", "--home", n.home, "--passphrase-file", n.secret, "--until-stdin-ends", "--peers", n.peers}
}

// now is the process that runs the node, and which one it is.
func (n *node) now() (*process, int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process, n.generation
}

// alive is the generation of the process that runs, 0 if none does.
func (n *node) alive() int {
	if p, generation := n.now(); p != nil && !p.gone() {
		return generation
	}
	return 0
}

// info asks the node for its state, and gives up soon.
func (n *node) info(ctx context.Context) (client.Info, error) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	return n.quick.Info(ctx)
}

// crashed says how the node ended by itself, nil while it has not.
func (n *node) crashed() error {
	p, _ := n.now()
	if p == nil || !p.gone() || p.asked.Load() {
		return nil
	}
	return fmt.Errorf("%s ended by itself: %s\n%s", n.name, p.cmd.ProcessState, n.tail(3000))
}

// tail is the end of the node's log.
func (n *node) tail(size int64) string {
	b, err := readTail(n.log, size)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func readTail(name string, size int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, min(size, info.Size()))
	_, err = f.ReadAt(b, info.Size()-int64(len(b)))
	return b, err
}

// damaged lists folders that the node has set aside: it does so when its log is lost or damaged,
// which nothing here may cause.
func (n *node) damaged() error {
	found, err := filepath.Glob(n.data() + ".damaged-*")
	if err == nil && len(found) > 0 {
		err = fmt.Errorf("%s has set its folder aside as damaged: %s", n.name, strings.Join(found, ", "))
	}
	return err
}

// newestLog is the size of the segment that the node writes to.
func (n *node) newestLog() (int64, error) {
	segments, err := filepath.Glob(filepath.Join(n.data(), "log", "*.log"))
	if err != nil || len(segments) == 0 {
		return 0, errors.Join(err, fmt.Errorf("%s has no log", n.name))
	}
	info, err := os.Stat(slices.Max(segments))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// clientOf is a client whose connections do not outlive a frozen node for long.
func clientOf(url string, attempts int) *client.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost, t.IdleConnTimeout = 16, 10*time.Second
	return client.New(url, client.WithHTTP(&http.Client{Transport: t}), client.WithAttempts(attempts, 100*time.Millisecond))
}

// copyTree copies a folder with the rights of its files. The folder must not be in use.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		short, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		target := filepath.Join(to, short)
		if entry.IsDir() {
			return os.MkdirAll(target, info.Mode().Perm())
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("copy %s: not a file", name)
		}
		return copyFile(target, name, info.Mode().Perm())
	})
}

func copyFile(to, from string, rights fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, rights)
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(in)
	return errors.Join(err, out.Close())
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// How long may pass before a node must do what it is expected to do. A machine with two busy
// cores needs a fraction of it.
var (
	recoverLimit = 90 * time.Second
	failLimit    = 60 * time.Second // a full disk must end the process
)

// perform does one step and returns when its node has recovered, or has been found to be lost
// as planned.
func (r *run) perform(ctx context.Context, s *Step) error {
	n := r.nodes[s.Node-1]
	lasting := time.Duration(s.For) * time.Millisecond
	var err error
	switch s.Kind {
	case Kill:
		p, _ := n.now()
		p.kill()
		err = r.startAfter(ctx, n, lasting)
	case Restart:
		p, _ := n.now()
		if err = p.stop(); err == nil {
			err = r.startAfter(ctx, n, lasting)
		}
	case Freeze:
		err = r.freeze(ctx, n, lasting)
	case Cut, Half, Slow:
		heal := r.links.trouble(s)
		err = pause(ctx, lasting)
		heal()
	case Full:
		err = r.fillDisk(ctx, n, s)
	case Restored:
		return r.restore(ctx, n, s)
	case Copy:
		err = r.runCopy(ctx, n, lasting)
	}
	if err != nil {
		return err
	}
	return r.recovered(ctx, n, s)
}

func (r *run) startAfter(ctx context.Context, n *node, d time.Duration) error {
	if err := pause(ctx, d); err != nil {
		return err
	}
	return n.start()
}

func (r *run) freeze(ctx context.Context, n *node, d time.Duration) error {
	p, _ := n.now()
	if err := p.freeze(); err != nil {
		return err
	}
	defer p.thaw()
	return pause(ctx, d)
}

// recovered waits until the node takes part again and keeps up with the others. After a second
// copy it may sign no more, with the reason in its state: that is safe, and it is lost to the run.
func (r *run) recovered(ctx context.Context, n *node, s *Step) error {
	var locked time.Time
	return r.await(ctx, n, recoverLimit, "take part again", func(info *client.Info) bool {
		if info.State != "active" {
			if s.Kind != Copy || !signsNothing(info) {
				locked = time.Time{}
			} else if locked.IsZero() {
				locked = time.Now()
			} else if time.Since(locked) > 10*time.Second {
				r.say("%s signs no more after the second copy: %s", n.name, strings.Join(info.Reasons, " "))
				r.gate.lose(n.number)
				return true
			}
			return false
		}
		return uint64(info.Head.Index)+keepUp >= r.maxHead()
	})
}

// keepUp is how many commits a node may be behind the newest that any has shown.
const keepUp = 100

// signsNothing reports whether a node says that it follows and signs nothing, and why.
func signsNothing(info *client.Info) bool {
	return info.State == "behind" && len(info.Reasons) > 1 && info.Reasons[0] == "signer_locked" && info.Reasons[1] != ""
}

// await asks a node for its state until it is as wanted.
func (r *run) await(ctx context.Context, n *node, limit time.Duration, what string, ok func(*client.Info) bool) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	last := "nothing"
	for {
		info, err := n.info(limited)
		switch {
		case err == nil && ok(&info):
			return nil
		case err == nil:
			last = fmt.Sprintf("%s %s, commit %d, %d peers", info.State, strings.Join(info.Reasons, " "), info.Head.Index, info.Peers)
		case limited.Err() == nil:
			last = err.Error()
		}
		if err := n.crashed(); err != nil {
			return err
		}
		if pause(limited, 100*time.Millisecond) != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%s does not %s in %v; it says: %s\n%s", n.name, what, limit, last, n.tail(2000))
		}
	}
}

// Exit code and names of a node that ends for its disk's sake.
const diskCode = 74

// unfolded is how many commits a state on disk can be behind: those of two buffers. [STO-10]
const unfolded = 2 * 4096

var diskNames = [][]byte{[]byte("disk_full"), []byte("storage_failed"), []byte("no space left on device")}

// fillDisk lets the node run into a full disk. It must end by itself with the disk's code, refuse
// to start while there is no space, and go on from its own folder when there is.
func (r *run) fillDisk(ctx context.Context, n *node, s *Step) error {
	before, err := n.info(ctx)
	if err != nil {
		return fmt.Errorf("%s before its disk fills up: %w", n.name, err)
	}
	p, _ := n.now()
	p.asked.Store(true)
	if err := r.fill(n, p, s.Left<<10); err != nil {
		return err
	}
	if err := endsForTheDisk(ctx, n, p); err != nil {
		return err
	}
	if n.disk != nil {
		if err := n.start(); err != nil {
			return err
		}
		p, _ := n.now()
		p.asked.Store(true)
		if err := endsForTheDisk(ctx, n, p); err != nil {
			return fmt.Errorf("started on a full disk: %w", err)
		}
		if err := n.disk.free(); err != nil {
			return err
		}
	}
	if err := r.startAfter(ctx, n, time.Duration(s.For)*time.Millisecond); err != nil {
		return err
	}
	if err := r.await(ctx, n, recoverLimit, "start", func(*client.Info) bool { return true }); err != nil {
		return err
	}
	began, err := n.startedAt()
	if err != nil {
		return fmt.Errorf("%s after its disk was full: %w", n.name, err)
	}
	if began+unfolded < before.Head.Index {
		return fmt.Errorf("%s starts at commit %d after its disk was full; before it had %d", n.name, began, before.Head.Index)
	}
	return n.damaged()
}

// fill takes the space away: of the node's file system, or else of its files.
func (r *run) fill(n *node, p *process, left int64) error {
	if n.disk != nil {
		return n.disk.fill(left)
	}
	size, err := n.newestLog()
	if err != nil {
		return err
	}
	return limitFiles(p.pid(), uint64(size)+8<<10)
}

func endsForTheDisk(ctx context.Context, n *node, p *process) error {
	select {
	case <-p.ended:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(failLimit):
		return fmt.Errorf("%s runs on with a full disk\n%s", n.name, n.tail(2000))
	}
	said := n.tail(4000)
	if code := p.code(); code != diskCode || !containsAny([]byte(said), diskNames) {
		return fmt.Errorf("%s ends with code %d on a full disk, want %d and a name\n%s", n.name, code, diskCode, said)
	}
	return nil
}

func containsAny(text []byte, names [][]byte) bool {
	for _, name := range names {
		if bytes.Contains(text, name) {
			return true
		}
	}
	return false
}

var (
	startLine = regexp.MustCompile(`node starts.* commit=(\d+)`)
	stopLine  = regexp.MustCompile(`node stopped.* round=(\d+)`)
)

// startedAt is the commit from which the node went on when it started last, by its log.
func (n *node) startedAt() (kernel.CommitIndex, error) {
	index, err := n.lastNumber(startLine)
	return kernel.CommitIndex(index), err
}

// stoppedAt is the newest round that the node had signed when it stopped last, by its log.
func (n *node) stoppedAt() (kernel.Round, error) {
	round, err := n.lastNumber(stopLine)
	return kernel.Round(round), err
}

func (n *node) lastNumber(line *regexp.Regexp) (uint64, error) {
	lines := line.FindAllStringSubmatch(n.tail(64<<10), -1)
	if len(lines) == 0 {
		return 0, fmt.Errorf("the log of %s has no line %q", n.name, line)
	}
	return strconv.ParseUint(lines[len(lines)-1][1], 10, 64)
}

// restore puts an older copy in the place of the node's folder. The node must follow the others
// and sign nothing, and say why. Then the newer folder comes back, unless the step is to stay.
func (r *run) restore(ctx context.Context, n *node, s *Step) error {
	older, newer := n.data()+".older", n.data()+".newer"
	if err := r.copyWhileStopped(ctx, n, older, n.data()); err != nil {
		return err
	}
	p, _ := n.now()
	if err := p.stop(); err != nil {
		return err
	}
	if err := errors.Join(os.Rename(n.data(), newer), os.Rename(older, n.data())); err != nil {
		return err
	}
	signed, err := n.stoppedAt() // some of it may still be on its way to the others
	if err != nil {
		return err
	}
	if err := n.start(); err != nil {
		return err
	}
	if err := r.await(ctx, n, recoverLimit, "follow on an older copy", func(info *client.Info) bool {
		return signsNothing(info) && uint64(info.Head.Index)+keepUp >= r.maxHead()
	}); err != nil {
		return err
	}
	if err := pause(ctx, time.Duration(s.For)*time.Millisecond); err != nil {
		return err
	}
	info, err := n.info(ctx)
	if err != nil || !signsNothing(&info) {
		return fmt.Errorf("%s runs on an older copy and is %s %v: %w", n.name, info.State, info.Reasons, err)
	}
	now, err := r.newestOf(ctx, n)
	if err != nil {
		return err
	}
	if now > signed {
		return fmt.Errorf("%s has signed on an older copy: it had reached round %d, the others hold %d", n.name, signed, now)
	}
	if s.Stay {
		r.gate.lose(n.number)
		return os.RemoveAll(newer)
	}
	p, _ = n.now()
	if err := p.stop(); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(n.data()), os.Rename(newer, n.data()), n.start()); err != nil {
		return err
	}
	return r.recovered(ctx, n, s)
}

// copyWhileStopped stops a node, copies a folder of it and starts it again. It returns when the
// others hold snapshots that the copy does not know of.
func (r *run) copyWhileStopped(ctx context.Context, n *node, to, from string) error {
	p, _ := n.now()
	if err := p.stop(); err != nil {
		return err
	}
	signed, err := r.newestOf(ctx, n)
	if err != nil {
		return err
	}
	if err := errors.Join(copyTree(to, from), n.start()); err != nil {
		return err
	}
	if err := r.recovered(ctx, n, &Step{}); err != nil {
		return err
	}
	for limit := time.Now().Add(recoverLimit); time.Now().Before(limit); {
		if now, err := r.newestOf(ctx, n); err != nil || now >= signed+10 {
			return err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s is active and signs nothing in %v", n.name, recoverLimit)
}

// newestOf is the newest round of a node that any other one holds.
func (r *run) newestOf(ctx context.Context, n *node) (newest kernel.Round, err error) {
	heard := 0
	for _, other := range r.nodes {
		if other == n {
			continue
		}
		info, err := other.info(ctx)
		if err != nil {
			continue
		}
		heard++
		for _, m := range info.Members {
			if m.Name == n.name {
				newest = max(newest, m.Round)
			}
		}
	}
	if heard == 0 {
		return 0, errors.Join(ctx.Err(), errors.New("no node answers"))
	}
	return newest, nil
}

// runCopy starts a second process with the node's key on a copy of its folder while the first
// one runs. The copy must never take part.
func (r *run) runCopy(ctx context.Context, n *node, lasting time.Duration) (err error) {
	home := n.home + "-copy"
	if err := r.copyWhileStopped(ctx, n, home, n.home); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	listen, err := freeAddress()
	if err != nil {
		return err
	}
	rpc, err := freeAddress()
	if err != nil {
		return err
	}
	twin := &node{number: n.number, name: n.name + "-copy", log: strings.TrimSuffix(n.log, ".log") + "-copy.log", quick: clientOf("http://"+rpc, 1)}
	p, err := startProcess(n.program, twin.log, "run", "--home", home, "--passphrase-file", n.secret, "--until-stdin-ends",
		"--peers", n.peers, "--listen", listen, "--rpc.listen", rpc, "--ops.listen", "")
	if err != nil {
		return err
	}
	twin.process = p
	defer p.kill()
	if err := r.watchCopy(ctx, twin, lasting); err != nil {
		return err
	}
	return p.stop()
}

// watchCopy asks the copy for its state all the time; it must not be active once.
func (r *run) watchCopy(ctx context.Context, twin *node, lasting time.Duration) error {
	until := time.Now().Add(lasting)
	var last client.Info
	err := r.await(ctx, twin, lasting+recoverLimit, "answer", func(info *client.Info) bool {
		last = *info
		return info.State == "active" || time.Now().After(until)
	})
	if err != nil {
		return err
	}
	if last.State == "active" {
		return fmt.Errorf("%s, the second copy of a folder, takes part: two processes sign with one key", twin.name)
	}
	r.say("%s was %s %s", twin.name, last.State, strings.Join(last.Reasons, " "))
	return nil
}

package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// A sample is what one process has used since it started.
type sample struct {
	cpu      time.Duration // user and system, all threads
	written  uint64        // bytes that the system wrote to disks for it
	rss      uint64        // bytes, at this moment
	sent     float64       // bytes to other nodes, counted where frames are written
	received float64
	syncs    float64
	syncing  float64 // seconds spent in them
	round    float64
	made     float64 // own snapshots

	executed   float64 // commits
	checkpoint float64 // the commit of the newest
}

// ticksPerSecond is USER_HZ, which Linux fixes at 100 for all that it tells programs.
const ticksPerSecond = 100

// process reads what the system says of a process. It is Linux's /proc: a bench elsewhere says so.
func (s *sample) process(pid int) error {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return fmt.Errorf("read CPU time of node (the bench needs Linux): %w", err)
	}
	// The name in parentheses may hold anything; utime and stime are the 12th and 13th after it.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 22 {
		return fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	var ticks uint64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return fmt.Errorf("/proc/%d/stat: %w", pid, err)
		}
		ticks += n
	}
	s.cpu = time.Duration(ticks) * time.Second / ticksPerSecond
	pages, err := strconv.ParseUint(fields[21], 10, 64)
	if err != nil {
		return fmt.Errorf("/proc/%d/stat: %w", pid, err)
	}
	s.rss = pages * uint64(os.Getpagesize())
	return s.disk(pid)
}

func (s *sample) disk(pid int) error {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		return fmt.Errorf("read disk use of node: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "write_bytes: "); ok {
			s.written, err = strconv.ParseUint(strings.TrimSpace(value), 10, 64)
			return err
		}
	}
	return fmt.Errorf("/proc/%d/io has no write_bytes", pid)
}

// metrics reads the node's own counters.
func (s *sample) metrics(ctx context.Context, ops string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, ops+"/metrics", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("read metrics: %w", err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(io.LimitReader(resp.Body, 16<<20))
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if to := s.counter(name); to != nil {
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return fmt.Errorf("metric %s: %w", name, err)
			}
			*to += v
		}
	}
	return lines.Err()
}

func (s *sample) counter(name string) *float64 {
	name, _, _ = strings.Cut(name, "{")
	switch name {
	case "aster_kernel_peer_sent_bytes_total":
		return &s.sent
	case "aster_kernel_peer_received_bytes_total":
		return &s.received
	case "aster_kernel_log_syncs_total":
		return &s.syncs
	case "aster_kernel_log_sync_seconds_total":
		return &s.syncing
	case "aster_kernel_round":
		return &s.round
	case "aster_kernel_snapshots_made_total":
		return &s.made
	case "aster_kernel_commit_index":
		return &s.executed
	case "aster_kernel_checkpoint_commit":
		return &s.checkpoint
	}
	return nil
}

// A moment is a sample of every node, and of this process.
type moment struct {
	at    time.Time
	nodes []sample
	self  sample
}

func (r *run) sample(ctx context.Context) (m moment, err error) {
	m.nodes = make([]sample, len(r.pids))
	for i := range m.nodes {
		if err := m.nodes[i].metrics(ctx, r.network.Nodes[i].Ops); err != nil {
			return m, err
		}
	}
	for i, pid := range r.pids { // close together
		if err := m.nodes[i].process(pid); err != nil {
			return m, err
		}
	}
	m.at = time.Now()
	return m, m.self.process(os.Getpid())
}

// A usage is what happened between two moments, summed over the nodes.
type usage struct {
	seconds  float64
	cpu      []time.Duration // of each node
	written  float64
	sent     float64
	syncs    float64
	syncing  float64
	rounds   float64 // of the node that made most
	made     float64
	rssStart uint64 // largest of any node
	rssEnd   uint64
	self     time.Duration
}

func between(a, b moment) (u usage) {
	u.seconds = b.at.Sub(a.at).Seconds()
	for i := range a.nodes {
		x, y := a.nodes[i], b.nodes[i]
		u.cpu = append(u.cpu, y.cpu-x.cpu)
		u.written += float64(y.written - x.written)
		u.sent += y.sent - x.sent
		u.syncs += y.syncs - x.syncs
		u.syncing += y.syncing - x.syncing
		u.made += y.made - x.made
		u.rounds = max(u.rounds, y.round-x.round)
		u.rssStart, u.rssEnd = max(u.rssStart, x.rss), max(u.rssEnd, y.rss)
	}
	u.self = b.self.cpu - a.self.cpu
	return u
}

// total is the CPU time of all nodes together.
func (u *usage) total() (sum time.Duration) {
	for _, c := range u.cpu {
		sum += c
	}
	return sum
}

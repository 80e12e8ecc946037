package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/asterism-network/asterism/kernel"
)

// A Report is the outcome of one run, or of several one after the other.
type Report struct {
	OK            bool               `json:"ok"`
	Seed          uint64             `json:"seed"` // of the first run
	Runs          int                `json:"runs"`
	Nodes         int                `json:"nodes"`
	Perturbations int                `json:"perturbations"`
	Kinds         map[Kind]int       `json:"kinds"`
	MostImpaired  int                `json:"most_impaired"` // at once
	FullDisk      string             `json:"full_disk"`
	Payments      int                `json:"payments"`
	Final         int                `json:"final"` // on every node
	Again         int                `json:"submitted_again"`
	Finality      Finality           `json:"finality_ms"`
	Commits       kernel.CommitIndex `json:"commits"`
	LedgerRoot    kernel.Digest      `json:"ledger_root,omitzero"` // of the last run
	Seconds       float64            `json:"seconds"`
	Error         string             `json:"error,omitempty"`
	Replay        string             `json:"replay,omitempty"`

	times []time.Duration
}

// Finality is how long payments took from submission until a quorum of nodes showed them final.
type Finality struct {
	P50 int64 `json:"p50"`
	P90 int64 `json:"p90"`
	P99 int64 `json:"p99"`
	Max int64 `json:"max"`
}

// fill takes the figures from a run that is over.
func (p *Report) fill(r *run, took time.Duration) {
	p.Kinds, p.FullDisk, p.Seconds, p.MostImpaired = r.kindsDone(), r.how, took.Seconds(), r.gate.most
	for _, n := range p.Kinds {
		p.Perturbations += n
	}
	if r.watch == nil {
		return
	}
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	p.Payments, p.times = len(r.watch.list), r.watch.finality
	for _, x := range r.watch.list {
		if count(x.seen) == len(r.nodes) {
			p.Final++
		}
		if x.again {
			p.Again++
		}
	}
	p.percentiles()
}

func (p *Report) percentiles() {
	times := slices.Sorted(slices.Values(p.times))
	if len(times) == 0 {
		return
	}
	at := func(percent int) int64 { return times[min(len(times)-1, len(times)*percent/100)].Milliseconds() }
	p.Finality = Finality{at(50), at(90), at(99), times[len(times)-1].Milliseconds()}
}

// add appends the figures of another run.
func (p *Report) add(q *Report) {
	if p.Runs == 0 {
		*p = *q
		return
	}
	for k, n := range q.Kinds {
		p.Kinds[k] += n
	}
	p.Runs += q.Runs
	p.Perturbations += q.Perturbations
	p.MostImpaired = max(p.MostImpaired, q.MostImpaired)
	p.Payments += q.Payments
	p.Final += q.Final
	p.Again += q.Again
	p.Commits += q.Commits
	p.Seconds += q.Seconds
	p.LedgerRoot, p.FullDisk = q.LedgerRoot, q.FullDisk
	p.times = append(p.times, q.times...)
	p.percentiles()
}

// table prints the report for people.
func (p *Report) table(w io.Writer) {
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-16s %s\n", name, fmt.Sprintf(format, args...))
	}
	row("seed", "%d, %d runs of %d nodes, %.0f s", p.Seed, p.Runs, p.Nodes, p.Seconds)
	var kinds []string
	for _, k := range Kinds {
		kinds = append(kinds, fmt.Sprintf("%d %s", p.Kinds[k], k))
	}
	row("perturbations", "%d: %s; at most %d nodes impaired at once", p.Perturbations, strings.Join(kinds, ", "), p.MostImpaired)
	row("a full disk", "%s", p.FullDisk)
	row("payments", "%d, %d final on every node, %d submitted again", p.Payments, p.Final, p.Again)
	row("finality", "p50 %d ms, p90 %d ms, p99 %d ms, max %d ms (submission until a quorum shows it)", p.Finality.P50, p.Finality.P90, p.Finality.P99, p.Finality.Max)
	row("commits", "%d, ledger root %s", p.Commits, p.LedgerRoot)
	if p.OK {
		row("result", "all nodes equal, every folder verified, no fault")
	} else {
		row("result", "FAILED: %s", p.Error)
	}
}

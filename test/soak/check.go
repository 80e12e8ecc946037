package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// settle heals what is left, waits for every payment, and holds the network to its promises:
// first through the nodes' RPC, then on the folders of the stopped nodes.
func (r *run) settle(ctx context.Context, report *Report) error {
	r.say("healed; %d payments, %d not final on every node yet", len(r.watch.all()), len(r.watch.open()))
	if err := r.links.healthy(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	for _, check := range []func(context.Context) error{r.allSound, r.allFinal, r.equalStates, r.equalReceipts, r.noFaults, r.stopAll} {
		if err := check(limited); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return err
		}
	}
	return r.verifyAll(ctx, report)
}

// allSound waits until every node takes part, but for those that are known to sign nothing: they
// follow, and say why.
func (r *run) allSound(ctx context.Context) error {
	for _, n := range r.nodes {
		if err := r.await(ctx, n, recoverLimit, "recover in the end", func(info *client.Info) bool {
			if r.gate.isLost(n.number) {
				return signsNothing(info)
			}
			return info.State == "active"
		}); err != nil {
			return err
		}
	}
	return nil
}

// allFinal waits until every payment is final on every node. Those that only killed nodes held
// are submitted again, as clients do; all others must become final by themselves.
func (r *run) allFinal(ctx context.Context) error {
	for _, p := range r.watch.open() {
		if r.watch.orphaned(p) {
			p.again = true
			r.crowd.submit(ctx, p)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, finalLimit)
	defer cancel()
	for {
		open := r.watch.open()
		if len(open) == 0 {
			return nil
		}
		if pause(ctx, 100*time.Millisecond) != nil {
			p := open[0]
			return fmt.Errorf("%d payments are not final everywhere; the first, %s, was taken by %s and is shown by %d nodes: %w",
				len(open), p.hash, p.holderNames(), count(p.seen), errLost)
		}
	}
}

var errLost = errors.New("payments are lost or late")

func (p *payment) holderNames() string {
	var names []string
	for _, h := range p.holders {
		state := "ended since"
		if h.node.alive() == h.generation {
			state = "still running"
		}
		names = append(names, fmt.Sprintf("%s (%s)", h.node.name, state))
	}
	return strings.Join(names, ", ")
}

// equalStates waits until every node has executed the newest commit of any, and compares state
// and supply.
func (r *run) equalStates(ctx context.Context) error {
	var target kernel.CommitIndex
	for _, n := range r.nodes {
		info, err := n.rpc.Info(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
		target = max(target, info.Head.Index)
	}
	var digest kernel.Digest
	var assets string
	for i, n := range r.nodes {
		if err := r.await(ctx, n, recoverLimit, fmt.Sprintf("reach commit %d", target), func(info *client.Info) bool { return info.Head.Index >= target }); err != nil {
			return err
		}
		commit, err := n.rpc.Commit(ctx, target)
		if err != nil || commit == nil {
			return fmt.Errorf("%s: commit %d: %w", n.name, target, err)
		}
		supply, err := n.rpc.Supply(ctx)
		if err != nil || !supply.OK {
			return fmt.Errorf("%s: the supply does not add up: %+v, %w", n.name, supply, err)
		}
		sums := fmt.Sprintf("%+v", supply.Assets)
		if i > 0 && (commit.Digest != digest || sums != assets) {
			return fmt.Errorf("after commit %d %s has state %s and supply %s, %s has %s and %s", target, n.name, commit.Digest, sums, r.nodes[0].name, digest, assets)
		}
		digest, assets = commit.Digest, sums
	}
	r.say("all nodes have commit %d with state %s and the same supply", target, digest)
	return nil
}

// equalReceipts asks every node for the receipt of every payment.
func (r *run) equalReceipts(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for _, n := range r.nodes {
		all.Go(func() {
			for _, p := range r.watch.all() {
				status, err := n.rpc.TransactionStatus(ctx, p.hash)
				if err != nil {
					cancel(fmt.Errorf("%s: receipt of %s: %w", n.name, p.hash, err))
					return
				}
				if status.Receipt == nil || status.State != client.Final || *status.Receipt != *p.receipt {
					cancel(fmt.Errorf("%s says that payment %s is %s %+v, it was shown as %+v", n.name, p.hash, status.State, status.Receipt, *p.receipt))
					return
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// noFaults reads every node's ledger and newest graph: all members are honest here.
func (r *run) noFaults(ctx context.Context) error {
	for _, n := range r.nodes {
		faults, err := n.rpc.Faults(ctx, 0, 10)
		if err != nil || len(faults.Items) > 0 {
			return fmt.Errorf("%s has faults of honest members in its ledger: %+v, %w", n.name, faults.Items, err)
		}
		graph, err := n.rpc.Graph(ctx, 0, 0)
		if err != nil || len(graph.Equivocations) > 0 {
			return fmt.Errorf("%s holds equivocations of honest members: %+v, %w", n.name, graph.Equivocations, err)
		}
	}
	return new(forks).look(ctx, r.nodes)
}

// stopAll stops every node in good order.
func (r *run) stopAll(context.Context) error {
	var all sync.WaitGroup
	errs := make([]error, len(r.nodes))
	for i, n := range r.nodes {
		all.Go(func() {
			p, _ := n.now()
			if err := p.stop(); err != nil {
				errs[i] = fmt.Errorf("%s: %w\n%s", n.name, err, n.tail(2000))
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// verified is what kerneld verify prints.
type verified struct {
	Commit kernel.CommitIndex `json:"commit"`
	Digest kernel.Digest      `json:"digest"`
	Forks  *uint64            `json:"equivocations"`
}

// verifyAll reads the folders again from the first byte on, executes their history anew, and
// compares each with the longest one, by digest; that one is then searched for every payment.
func (r *run) verifyAll(ctx context.Context, report *Report) error {
	found := make([]verified, len(r.nodes))
	longest := 0
	for i, n := range r.nodes {
		out, err := r.offline(ctx, n, "verify", "--json")
		if err != nil {
			return err
		}
		if err := json.Unmarshal(out, &found[i]); err != nil {
			return fmt.Errorf("verify %s: %w", n.name, err)
		}
		if f := found[i].Forks; f == nil || *f != 0 {
			return fmt.Errorf("the log of %s holds two snapshots of one member for a round; every member is honest\n%s", n.name, out)
		}
		if err := n.damaged(); err != nil {
			return err
		}
		if found[i].Commit > found[longest].Commit {
			longest = i
		}
	}
	text, err := r.offline(ctx, r.nodes[longest], "export")
	if err != nil {
		return err
	}
	digests, receipts, err := readExport(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("export of %s: %w", r.nodes[longest].name, err)
	}
	for i, n := range r.nodes {
		if digests[found[i].Commit] != found[i].Digest {
			return fmt.Errorf("the folder of %s ends at commit %d with state %s; that of %s has %s there",
				n.name, found[i].Commit, found[i].Digest, r.nodes[longest].name, digests[found[i].Commit])
		}
	}
	for _, p := range r.watch.all() {
		if receipts[p.hash] != *p.receipt {
			return fmt.Errorf("the folder of %s has receipt %+v, the nodes had shown %+v", r.nodes[longest].name, receipts[p.hash], *p.receipt)
		}
	}
	report.Commits, report.LedgerRoot = found[longest].Commit, found[longest].Digest
	r.say("%d folders verified, up to commit %d", len(found), found[longest].Commit)
	return nil
}

func (r *run) offline(ctx context.Context, n *node, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, n.program, append(args, "--home", n.home)...)
	var said bytes.Buffer
	cmd.Stderr, cmd.Env = &said, environment()
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("kerneld %s of %s: %w\n%s", args[0], n.name, err, said.String())
	}
	return out, nil
}

// readExport reads the commits of an export: their states, and the receipts of all transactions.
func readExport(in io.Reader) (map[kernel.CommitIndex]kernel.Digest, map[kernel.TxHash]kernel.Receipt, error) {
	digests, receipts := map[kernel.CommitIndex]kernel.Digest{}, map[kernel.TxHash]kernel.Receipt{}
	lines := json.NewDecoder(bufio.NewReader(in))
	for {
		var line struct {
			Index    kernel.CommitIndex `json:"index"`
			Digest   kernel.Digest      `json:"digest"`
			Receipts []kernel.Receipt   `json:"receipts"`
		}
		if err := lines.Decode(&line); err == io.EOF {
			return digests, receipts, nil
		} else if err != nil {
			return nil, nil, err
		}
		if line.Index == 0 {
			continue // the head, assets, outputs
		}
		digests[line.Index] = line.Digest
		for _, receipt := range line.Receipts {
			receipts[receipt.Transaction] = receipt
		}
	}
}

// forks reads the nodes' own count of members that signed twice for a round.
type forks struct{}

func (forks) look(ctx context.Context, nodes []*node) error {
	for _, n := range nodes {
		if n.alive() == 0 {
			continue
		}
		text, err := metrics(ctx, n)
		if err != nil {
			continue // in trouble: asked again soon
		}
		if seen := metric(text, "aster_kernel_equivocations_total"); seen != 0 {
			return fmt.Errorf("%s counts %v equivocations; every member is honest", n.name, seen)
		}
	}
	return nil
}

func metrics(ctx context.Context, n *node) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, n.ops+"/metrics", nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, 4<<20))
	return string(b), err
}

// metric is the sum of a metric over its labels, -1 if it is not there: a check that reads
// nothing must not pass.
func metric(text, name string) float64 {
	sum, found := 0.0, false
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		fields := strings.Fields(rest)
		v, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err == nil {
			sum, found = sum+v, true
		}
	}
	if !found {
		return -1
	}
	return sum
}

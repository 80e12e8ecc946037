package engine

import (
	"fmt"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// TestBodySignatures: own bodies have few signatures, but for one transaction that alone has more; and all that
// wait are carried, the largest one too while small ones keep coming. [DAG-12] [DAG-22]
func TestBodySignatures(t *testing.T) {
	n := started(t, 3, 7)
	node := n.nodes[0]
	signatures := make(map[string]int)
	submit := func(each int) {
		raw := fmt.Appendf(nil, "%d:", len(signatures))
		signatures[string(raw)] = each
		n.post(node, 0, Input{Admitted: []mempool.Candidate{{Claim: claimOfRaw(raw), Raw: raw, Signatures: each}}})
	}
	for _, each := range []int{1, 1500, 1500, kernel.MaxBodySignatures, BodySignatures, 5000} {
		submit(each)
	}
	for range 100 {
		submit(700)
		n.run(n.now+7, nil)
	}
	n.run(n.now+3000, nil)
	carried, full := make(map[string]bool), false
	for _, r := range node.order {
		if r.Author != node.author {
			continue
		}
		sum, entries := 0, bodyOf(r.Raw).Entries
		for _, e := range entries {
			sum += signatures[string(e.Bytes)]
			carried[string(e.Bytes)] = true
		}
		full = full || len(entries) > 1 && sum > BodySignatures-700
		if sum > BodySignatures && len(entries) > 1 {
			t.Errorf("round %d: %d signatures in %d transactions", r.Round, sum, len(entries))
		}
	}
	if len(carried) != len(signatures) || !full {
		t.Errorf("%d of %d were carried; a full body: %v", len(carried), len(signatures), full)
	}
}

// TestRelayCuts: what a node sends around is cut into messages that others take, of any transactions, and one goes
// out at each look: every member gets all of it. [LIM] [DAG-22]
func TestRelayCuts(t *testing.T) {
	n := newNetwork(5, 7, parameters(5, 3))
	node := n.nodes[0]
	node.start() // alone: it signs nothing
	var want []string
	for i, c := range []struct{ bytes, signatures int }{{8, 40_000}, {8, 40_000}, {3 << 20, 10}, {3 << 20, 10}, {8, 10}, {8, kernel.MaxBodySignatures}} {
		raw := fmt.Appendf(make([]byte, 0, c.bytes), "%d:", i)
		raw = raw[:c.bytes]
		want = append(want, string(raw))
		node.engine.Step(Input{Now: n.now, Admitted: []mempool.Candidate{{Claim: claimOfRaw(raw), Raw: raw, Signatures: c.signatures}}})
	}
	node.engine.pool.Restart(2 * relaySoon)
	var got []string
	var sizes []int
	for range 6 {
		n.now += 2 * tickPeriod
		messages := 0
		for _, e := range node.engine.Step(Input{Now: n.now}).Send {
			m, ok := e.Message.(wire.Transactions)
			if !ok {
				continue
			}
			messages++
			sizes = append(sizes, len(m.Raw))
			if _, err := wire.Decode(wire.Append(nil, m)); err != nil {
				t.Error(err)
			}
			for _, raw := range m.Raw {
				got = append(got, string(raw))
			}
		}
		if messages > 1 {
			t.Errorf("%d messages at once", messages)
		}
	}
	if !slices.Equal(sizes, []int{1, 2, 2, 1}) || !slices.Equal(got, want) {
		t.Errorf("messages of %v transactions, %d in all", sizes, len(got))
	}
}

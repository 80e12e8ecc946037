package devnet

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

func commitAt(index kernel.CommitIndex, digest byte, receipts ...kernel.Receipt) *client.Commit {
	return &client.Commit{Index: index, Digest: kernel.Digest{digest}, Receipts: receipts}
}

func newTestWatch(nodes int) *watch {
	w := newWatch(make([]*client.Client, nodes), true)
	return w
}

func TestWatchAgrees(t *testing.T) {
	w := newTestWatch(3)
	now := time.Now()
	for index := kernel.CommitIndex(0); index < 4; index++ {
		for node := range 3 {
			if index == 3 && node == 2 {
				continue // the last node lags behind
			}
			w.add(node, commitAt(index, byte(index)), now)
		}
	}
	if w.agreed.Index != 2 || w.agreed.Digest != (kernel.Digest{2}) || w.trouble() != nil {
		t.Fatalf("agreed on %+v, trouble %v", w.agreed, w.trouble())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := w.settle(ctx); err == nil || !strings.Contains(err.Error(), "node-3 (2)") {
		t.Fatalf("a lagging node is not named: %v", err)
	}
	w.add(2, commitAt(3, 3), now)
	if at, err := w.settle(t.Context()); err != nil || at.Index != 3 {
		t.Fatalf("settled at %+v: %v", at, err)
	}
	if len(w.open) != 0 {
		t.Errorf("%d commits are kept that everybody has shown", len(w.open))
	}
}

func TestWatchFindsDisagreement(t *testing.T) {
	w := newTestWatch(2)
	w.add(0, commitAt(0, 1), time.Now())
	w.add(1, commitAt(0, 2), time.Now())
	if err := w.trouble(); err == nil || !strings.Contains(err.Error(), "disagree about commit 0") {
		t.Fatalf("two states for one commit: %v", err)
	}
	if err := w.until(t.Context(), func() bool { return false }); err == nil {
		t.Fatal("waiting goes on although nodes disagree")
	}
}

func TestWatchTimesPayments(t *testing.T) {
	w := newTestWatch(2)
	good, bad := kernel.TxHash{1}, kernel.TxHash{2}
	start := time.Now()
	w.submitted(good, start)
	w.submitted(good, start.Add(time.Second)) // sent again: the first moment counts
	w.submitted(bad, start)
	final := kernel.Receipt{Transaction: good, Status: kernel.Final}
	lost := kernel.Receipt{Transaction: bad, Status: kernel.Rejected, Rule: kernel.InputSpent}
	stranger := kernel.Receipt{Transaction: kernel.TxHash{9}, Status: kernel.Final}

	w.add(0, commitAt(0, 0, final, lost, stranger), start.Add(100*time.Millisecond))
	if len(w.times) != 0 {
		t.Fatal("final on one node counts as final everywhere")
	}
	w.add(1, commitAt(0, 0, final, lost, stranger), start.Add(300*time.Millisecond))
	var r Report
	w.fill(&r)
	if r.Final != 1 || r.Rejected != 1 || r.Finality != (Finality{300, 300, 300}) {
		t.Fatalf("report %+v", r)
	}
}

func TestFinalityPercentiles(t *testing.T) {
	w := newTestWatch(1)
	for i := range 100 {
		w.times = append(w.times, time.Duration(100-i)*time.Millisecond)
	}
	var r Report
	w.fill(&r)
	if r.Finality != (Finality{P50: 51, P99: 100, Max: 100}) {
		t.Fatalf("percentiles %+v", r.Finality)
	}
}

// TestFeed shows that the feed has each commit once and in order, whoever is first.
func TestFeed(t *testing.T) {
	w := newTestWatch(2)
	for _, step := range []struct {
		node  int
		index kernel.CommitIndex
	}{{0, 0}, {1, 0}, {1, 1}, {1, 2}, {0, 1}, {0, 2}, {0, 3}} {
		w.add(step.node, commitAt(step.index, byte(step.index)), time.Now())
	}
	page, err := w.feed.CommitsPage(t.Context(), 1, 2)
	if err != nil || len(page.Items) != 2 || page.Items[0].Index != 1 || page.Items[1].Index != 2 || page.Next != 3 || page.Head != 3 {
		t.Fatalf("page %+v: %v", page, err)
	}
	if page, _ := w.feed.CommitsPage(t.Context(), 9, 2); len(page.Items) != 0 || page.Next != 9 || page.Head != 3 {
		t.Fatalf("page beyond the head %+v", page)
	}
}

package engine

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
)

// wrongSigner shows shares of the round behind.
type wrongSigner struct{ testSigner }

func (s wrongSigner) Share(r kernel.Round) *kernel.CoinShare { return s.testSigner.Share(r + 1) }

// accusations reads the records of a kind that a node holds, by accuser.
func accusations(t *testing.T, n *testNode, kind kernel.RecordKind) map[kernel.Author][]kernel.Record {
	t.Helper()
	found := make(map[kernel.Author][]kernel.Record)
	for _, r := range n.order {
		var s kernel.Snapshot
		if err := s.UnmarshalBinary(r.Raw); err != nil {
			t.Fatal(err)
		}
		for _, e := range s.Body.Entries {
			var record kernel.Record
			if e.Kind == kernel.EntryRecord && record.UnmarshalBinary(e.Bytes) == nil && record.Kind == kind {
				found[s.Header.Author] = append(found[s.Header.Author], record)
			}
		}
	}
	return found
}

// TestWrongSharesAreShown: whoever meets a wrong share shows it to the ledger, once, and nothing
// that is right; the coin goes on.
func TestWrongSharesAreShown(t *testing.T) {
	n := newNetwork(1, 7, kernel.DefaultParameters())
	liar := n.nodes[2]
	liar.config.Signer = wrongSigner{liar.config.Signer.(testSigner)}
	for _, x := range n.nodes {
		x.start()
	}
	n.run(n.now+20_000, func() bool { return len(n.nodes[0].commits) > 20 })
	if len(n.nodes[0].commits) <= 20 {
		t.Fatal("the order does not go on")
	}
	found := accusations(t, n.nodes[0], kernel.RecordWrongShare)
	if len(found) == 0 {
		t.Fatal("nobody shows the wrong share")
	}
	for accuser, list := range found {
		if len(list) != 1 {
			t.Errorf("%d shows %d wrong shares of one author", accuser, len(list))
		}
		var h kernel.Header
		if err := h.UnmarshalBinary(list[0].Payload); err != nil || h.Author != 2 || !coin.Wrong(n.genesis.Roster(), &h) {
			t.Errorf("%d accuses %d, %v", accuser, h.Author, err)
		}
		if hash := list[0].SigningHash(); list[0].Signer != nodeKey(int(accuser)).Public() || list[0].Signature != nodeKey(int(accuser)).Sign(hash[:]) {
			t.Errorf("%d did not sign what it says", accuser)
		}
	}
	if len(accusations(t, n.nodes[0], kernel.RecordEvidence)) > 0 {
		t.Error("somebody is accused of signing twice")
	}
}

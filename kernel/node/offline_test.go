package node

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// TestVerifyCountsEquivocations puts two snapshots of one author and round into a log.
func TestVerifyCountsEquivocations(t *testing.T) {
	n := newNetwork(t, 7, 1)
	network := n.genesis.NetworkID()
	s, err := store.Open(n.configs[0].Home, network, kernel.NodeIDOf(network, n.genesis.Members[0].Key), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	body := (&kernel.Body{}).AppendBinary(nil)
	for i, round := range []kernel.Round{1, 1, 2} {
		h := &kernel.Header{Network: network, Author: 3, Round: round, Timestamp: kernel.Timestamp(i)}
		raw, err := h.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Append([]store.Record{{ID: h.ID(), Author: 3, Round: round, Header: raw, Body: body}}, true); err != nil {
			t.Fatal(err)
		}
	}
	if got := equivocations(s, n.genesis); got != 1 {
		t.Errorf("%d equivocations", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

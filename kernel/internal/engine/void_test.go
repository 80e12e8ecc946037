package engine

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
)

// TestVoidDoesNotWait tells an engine that a waiting transaction was judged void: it is not
// proposed for ever, and the node has nothing to say any more.
func TestVoidDoesNotWait(t *testing.T) {
	n := newNetwork(1, 7, parameters(5, 3))
	node := n.nodes[0]
	node.start()
	e := node.engine
	claim := claimOfRaw([]byte("void"))
	e.Step(Input{Now: n.now, Admitted: []mempool.Candidate{{Claim: claim, Raw: []byte("void"), Checked: e.executed.Index}}})
	if !e.busy() {
		t.Fatal("a waiting transaction is nothing to say")
	}
	commit := &kernel.Commit{Index: e.executed.Index + 1, Digest: kernel.Digest{2}}
	e.Step(Input{Now: n.now, Executed: []Execution{{Commit: commit, Void: []kernel.TxHash{claim.Hash}}}})
	if _, waits := e.Waiting(claim.Hash); waits || e.busy() {
		t.Error("a void transaction still waits")
	}
}

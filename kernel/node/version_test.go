package node

import (
	"errors"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// TestVersionFits: an upgrade that this program does not know stops it in its first epoch, not before.
func TestVersionFits(t *testing.T) {
	p := ledger.Protocol{Version: 1, Next: kernel.ProtocolVersion + 1, From: 5}
	for epoch, stops := range map[kernel.Epoch]bool{0: false, 4: false, 5: true, 9: true} {
		if err := versionFits(p, epoch, kernel.ProtocolVersion); errors.Is(err, ErrVersion) != stops {
			t.Errorf("epoch %d: %v", epoch, err)
		}
	}
	p.Next = kernel.ProtocolVersion
	if err := versionFits(p, 9, kernel.ProtocolVersion); err != nil {
		t.Error(err)
	}
}

// TestMisbehaviourNeedsATestNetwork: a node of a network with a ceremony refuses it.
func TestMisbehaviourNeedsATestNetwork(t *testing.T) {
	n := &Node{config: Config{Misbehave: Equivocate, Genesis: new(kernel.Genesis)}}
	if err := n.identify(); !errors.Is(err, ErrIdentity) {
		t.Error(err)
	}
}

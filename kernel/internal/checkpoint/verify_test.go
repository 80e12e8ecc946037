package checkpoint

import (
	"errors"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// TestVerify breaks each part of a certificate that a collector made.
func TestVerify(t *testing.T) {
	m := newMembers(10, 1)
	make := func() *kernel.CheckpointProof {
		c, cp := NewCollector(network, m.roster), m.checkpoint(7, 1)
		c.Own(cp)
		for a := range 9 {
			c.Add(kernel.Author(a), m.vote(a, cp))
		}
		p, _ := c.Certificate(7)
		return p
	}
	if err := Verify(network, m.roster, make()); err != nil {
		t.Fatal("the base case is not valid:", err)
	}
	for name, broken := range map[string]func(p *kernel.CheckpointProof){
		"network":        func(p *kernel.CheckpointProof) { p.Checkpoint.Network[0]++ },
		"epoch":          func(p *kernel.CheckpointProof) { p.Checkpoint.Epoch++ },
		"roster":         func(p *kernel.CheckpointProof) { p.Checkpoint.Roster[0]++ },
		"content":        func(p *kernel.CheckpointProof) { p.Checkpoint.Outputs.Root[0]++ },
		"signature":      func(p *kernel.CheckpointProof) { p.Signatures[3].Signature[9]++ },
		"one signer few": func(p *kernel.CheckpointProof) { p.Signatures = p.Signatures[1:] },
		"twice":          func(p *kernel.CheckpointProof) { p.Signatures[1] = p.Signatures[0] },
		"order":          func(p *kernel.CheckpointProof) { p.Signatures[0], p.Signatures[1] = p.Signatures[1], p.Signatures[0] },
		"stranger":       func(p *kernel.CheckpointProof) { p.Signatures[len(p.Signatures)-1].Author = 10 },
		"flagged":        func(p *kernel.CheckpointProof) { p.Signatures[len(p.Signatures)-1].Author = 9 },
	} {
		p := make()
		broken(p)
		if err := Verify(network, m.roster, p); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

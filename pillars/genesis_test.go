package pillars

import "testing"

// TestClassicGenesis recomputes the three published genesis blocks [PIL-GEN-1].
func TestClassicGenesis(t *testing.T) {
	var cases []struct {
		Profile string
		ID      BlockID
		Merkle  Hash
	}
	vectors(t, "pillars_genesis.json", &cases)
	if len(cases) != 3 {
		t.Fatalf("%d vectors, want 3", len(cases))
	}
	for _, tt := range cases {
		t.Run(tt.Profile, func(t *testing.T) {
			p, ok := ProfileByName(tt.Profile)
			if !ok {
				t.Fatal("no such profile")
			}
			b, err := p.GenesisBlock()
			if err != nil {
				t.Fatal(err)
			}
			if b.Merkle != tt.Merkle {
				t.Errorf("merkle root %s, want %s", b.Merkle, tt.Merkle)
			}
			if b.ID() != tt.ID {
				t.Errorf("id %s, want %s", b.ID(), tt.ID)
			}
		})
	}
}

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

// TestGenesisOfOurOwn makes the genesis of a devnet, and refuses what cannot be one.
func TestGenesisOfOurOwn(t *testing.T) {
	to := PubKeyHashAddress([20]byte{1}).Text(Devnet().Address)
	p := Devnet()
	p.Genesis = GenesisParams{Timestamp: 7, Text: "ours", Outputs: []GenesisOutput{{to, ETP}, {to, MaxMoney - ETP}}}
	b, err := p.GenesisBlock()
	if err != nil {
		t.Fatal(err)
	}
	again := new(Block)
	if err := again.UnmarshalBinary(b.AppendBinary(nil)); err != nil || again.ID() != b.ID() {
		t.Error(err)
	}
	if b.Number != 0 || b.Timestamp != 7 || !b.Extended() || b.ExtensionRoot != b.Extension.Root() || b.MerkleRoot() != b.Merkle {
		t.Errorf("%+v", b)
	}
	for name, outputs := range map[string][]GenesisOutput{
		"none":      nil,
		"too many":  make([]GenesisOutput, maxGenesisOutputs+1),
		"too much":  {{to, MaxMoney}, {to, 1}},
		"nobody":    {{"", 1}},
		"elsewhere": {{PubKeyHashAddress([20]byte{1}).Text(Classic().Address), 1}},
	} {
		p.Genesis.Outputs = outputs
		for i := range outputs {
			if name == "too many" {
				outputs[i] = GenesisOutput{to, 1}
			}
		}
		if _, err := p.GenesisBlock(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

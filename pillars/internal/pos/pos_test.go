package pos

import (
	"errors"
	"math/big"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// memView is a state in memory.
type memView struct {
	stakes map[pillars.Outpoint]Stake
	locks  map[pillars.Address][]Lock
	asked  int // lookups, as a flood would cause them
}

func (v *memView) Stake(o pillars.Outpoint) (Stake, bool) {
	v.asked++
	s, ok := v.stakes[o]
	return s, ok
}

func (v *memView) Locks(owner pillars.Address, each func(Lock) bool) {
	for _, l := range v.locks[owner] {
		if !each(l) {
			return
		}
	}
}

func (v *memView) put(s Stake) { v.stakes[s.Outpoint] = s }

func addressOf(key *btcec.PrivateKey) pillars.Address {
	return pillars.PubKeyHashAddress(pillars.Hash160(key.PubKey().SerializeCompressed()))
}

func keyOf(seed string) *btcec.PrivateKey {
	var b [32]byte
	copy(b[:], seed)
	key, _ := btcec.PrivKeyFromBytes(b[:])
	return key
}

// A scene is a PoS block that is valid, with all that it rests on.
type scene struct {
	p      pillars.Params
	parent consensus.Branch
	view   *memView
	key    *btcec.PrivateKey
	block  *pillars.Block
}

const tip = 100_000

func newScene(t testing.TB) *scene {
	s := &scene{p: pillars.MainnetLike(), key: keyOf("staker"), view: &memView{stakes: map[pillars.Outpoint]Stake{}, locks: map[pillars.Address][]Lock{}}}
	s.parent = consensus.Branch{Number: tip, Seal: pillars.PoW, ID: pillars.BlockID{1}, Modifier: pillars.Hash{2}}
	for i := range s.parent.Stamps {
		s.parent.Stamps[i] = 1_700_000_000 - uint32(i)*25
	}
	s.parent.Stake.Stamp = s.parent.Stamps[5]
	owner := addressOf(s.key)
	s.view.locks[owner] = []Lock{{1000 * pillars.ETP, tip - 5000, 24_000}}
	stake := Stake{Outpoint: pillars.Outpoint{Tx: pillars.TxID{3}, Index: 1}, Value: 2500 * pillars.ETP, Owner: owner, Plain: true, Height: tip - 800, Stamp: 1_699_000_000}
	small := Stake{Outpoint: pillars.Outpoint{Tx: pillars.TxID{4}}, Value: 700 * pillars.ETP, Owner: owner, Plain: true, Height: tip - 1}
	s.view.put(stake)
	s.view.put(small)
	w, ok := Prepare(&s.p, &s.parent, []Stake{stake}, 0, s.parent.Stamps[0]+100_000)
	if !ok {
		t.Fatal("no second in a day wins")
	}
	s.block = &pillars.Block{
		Header: pillars.Header{
			Version: pillars.HeaderVersion(pillars.PoS, true), Previous: s.parent.ID, Number: tip + 1, Timestamp: w.Stamp, Bits: w.Bits,
		},
		Extension: pillars.Extension{Modifier: s.parent.Modifier},
		Transactions: []*pillars.Transaction{
			{Version: 1, Inputs: []pillars.Input{{Previous: pillars.NullOutpoint, Script: []byte{1, 2}}}, Outputs: []pillars.Output{{Value: 5, Script: owner.Script(), Attachment: pillars.Attachment{Version: 1}}}},
			Coinstake(&s.p, w.Stake, []Stake{small}),
		},
	}
	s.finish(t)
	return s
}

func (s *scene) finish(t testing.TB) {
	s.block.Merkle = s.block.MerkleRoot()
	s.block.Extension.Stake = s.coinstake().Inputs[0].Previous
	if err := s.block.Sign(s.key); err != nil {
		t.Fatal(err)
	}
}

func (s *scene) coinstake() *pillars.Transaction { return s.block.Transactions[1] }

// stake changes the output that stakes.
func (s *scene) stake(change func(*Stake)) {
	o := s.coinstake().Inputs[0].Previous
	st := s.view.stakes[o]
	change(&st)
	s.view.put(st)
}

// verify asks everything in the order in which a node does.
func (s *scene) verify() error {
	if err := s.parent.Check(&s.p, &s.block.Header); err != nil {
		return err
	}
	if err := s.block.Check(&s.p); err != nil {
		return err
	}
	if err := consensus.CheckShape(s.block); err != nil {
		return err
	}
	return Verify(&s.p, s.block, &s.parent, s.view)
}

// TestRules breaks one fact of a valid PoS block at a time and expects the one rule that notices.
func TestRules(t *testing.T) {
	other := addressOf(keyOf("somebody else"))
	seen := map[consensus.Rule]bool{}
	for _, tt := range []struct {
		name   string
		broken func(s *scene)
		want   error
	}{
		{"made-up stake", func(s *scene) { s.coinstake().Inputs[0].Previous.Index++ }, consensus.StakeUnknown},
		{"stake of another branch", func(s *scene) { delete(s.view.stakes, s.coinstake().Inputs[0].Previous) }, consensus.StakeUnknown},
		{"stake with an asset", func(s *scene) { s.stake(func(x *Stake) { x.Plain = false }) }, consensus.StakeNotPlain},
		{"stake under a script hash", func(s *scene) { s.stake(func(x *Stake) { x.Owner = pillars.ScriptHashAddress([20]byte{1}) }) }, consensus.StakeNotPlain},
		{"stake too small", func(s *scene) { s.stake(func(x *Stake) { x.Value = 1000*pillars.ETP - 1 }) }, consensus.StakeTooSmall},
		{"stake too young", func(s *scene) { s.stake(func(x *Stake) { x.Height = tip - 499 }) }, consensus.StakeImmature},
		{"stake of the future", func(s *scene) { s.stake(func(x *Stake) { x.Height = tip + 1 }) }, consensus.StakeImmature},
		{"a second later", func(s *scene) { s.block.Timestamp++ }, consensus.StakeHashTooHigh},
		{"another modifier", func(s *scene) { s.parent.Modifier[0]++ }, consensus.StakeHashTooHigh},
		{"another birth of the stake", func(s *scene) { s.stake(func(x *Stake) { x.Stamp++ }) }, consensus.StakeHashTooHigh},
		{"harder", func(s *scene) {
			s.p.PoS.Minimum.Mul(&s.p.PoS.Minimum, uint256.NewInt(1000))
			s.p.Stake.MaturityMin, s.p.Stake.MaturityScale = 1, 1
			s.block.Bits = s.p.PoS.Minimum
		}, consensus.StakeHashTooHigh},
		{"signed by another", func(s *scene) { s.key = keyOf("somebody else") }, consensus.SignerNotOwner},
		{"no lock", func(s *scene) { clear(s.view.locks) }, consensus.StakeNotLocked},
		{"somebody else's lock", func(s *scene) {
			s.view.locks[other] = s.view.locks[addressOf(s.key)]
			delete(s.view.locks, addressOf(s.key))
		}, consensus.StakeNotLocked},
		{"two half locks", func(s *scene) {
			half := Lock{500 * pillars.ETP, tip - 5000, 24_000}
			s.view.locks[addressOf(s.key)] = []Lock{half, half}
		}, consensus.StakeNotLocked},
		{"SegWit coinstake", nil, consensus.CoinstakeVersion}, // below: such a block has no coinstake's shape
		{"eleven inputs", func(s *scene) {
			for i := range 9 {
				from := Stake{Outpoint: pillars.Outpoint{Tx: pillars.TxID{9}, Index: uint32(i)}, Value: 1, Owner: addressOf(s.key), Plain: true}
				s.view.put(from)
				s.coinstake().Inputs = append(s.coinstake().Inputs, pillars.Input{Previous: from.Outpoint})
				s.coinstake().Outputs[1].Value++
			}
		}, consensus.CoinstakeInputs},
		{"unknown second input", func(s *scene) { s.coinstake().Inputs[1].Previous.Index = 77 }, consensus.StakeUnknown},
		{"somebody else's second input", func(s *scene) {
			from := Stake{Outpoint: pillars.Outpoint{Tx: pillars.TxID{8}}, Value: 700 * pillars.ETP, Owner: other, Plain: true}
			s.view.put(from)
			s.coinstake().Inputs[1].Previous = from.Outpoint
		}, consensus.CoinstakeOwner},
		{"second input with an asset", func(s *scene) {
			o := s.coinstake().Inputs[1].Previous
			from := s.view.stakes[o]
			from.Plain = false
			s.view.put(from)
		}, consensus.CoinstakeOwner},
		{"pays another", func(s *scene) { s.coinstake().Outputs[2].Script = other.Script() }, consensus.CoinstakeOwner},
		{"carries a message", func(s *scene) { s.coinstake().Outputs[2].Attachment.Payload = pillars.Message{Text: "x"} }, pillars.AttachmentMisplaced},
		{"eleven pieces", func(s *scene) {
			for len(s.coinstake().Outputs) < 12 {
				s.coinstake().Outputs = append(s.coinstake().Outputs, s.coinstake().Outputs[1])
			}
		}, consensus.CoinstakePieces},
		{"a small piece", func(s *scene) {
			s.coinstake().Outputs[1].Value--
			s.coinstake().Outputs[2].Value++
		}, consensus.CoinstakePieces},
		{"a gain", func(s *scene) { s.coinstake().Outputs[3].Value++ }, consensus.CoinstakeValue},
		{"a fee", func(s *scene) { s.coinstake().Outputs[3].Value-- }, consensus.CoinstakeValue},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			if err := s.verify(); err != nil {
				t.Fatal("base case is not valid:", err)
			}
			if tt.broken == nil {
				s.coinstake().Version = pillars.VersionSegWit
				if err := CheckCoinstake(&s.p, s.coinstake(), &Stake{}, s.view); !errors.Is(err, tt.want) {
					t.Fatalf("got %v, want %v", err, tt.want)
				}
				return
			}
			tt.broken(s)
			s.finish(t)
			if err := s.verify(); !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
		})
		if rule, ok := tt.want.(consensus.Rule); ok {
			seen[rule] = true
		}
	}
	for r := consensus.StakeUnknown; r <= consensus.CoinstakeValue; r++ {
		if !seen[r] {
			t.Errorf("%v has no case", r)
		}
	}
}

// TestCoinstakeCarriesNothing, also where only this package looks.
func TestCoinstakeCarriesNothing(t *testing.T) {
	for _, a := range []pillars.Attachment{
		{Version: pillars.AttachmentPlain, Payload: pillars.Message{Text: "x"}},
		{Version: pillars.AttachmentAvatars, To: "somebody"},
	} {
		s := newScene(t)
		s.coinstake().Outputs[1].Attachment = a
		stake := s.view.stakes[s.coinstake().Inputs[0].Previous]
		if err := CheckCoinstake(&s.p, s.coinstake(), &stake, s.view); !errors.Is(err, consensus.CoinstakeOwner) {
			t.Errorf("%+v: %v", a, err)
		}
	}
}

// TestSignature: what is signed cannot be changed afterwards.
func TestSignature(t *testing.T) {
	s := newScene(t)
	s.block.Signature[40] ^= 1
	if err := s.verify(); !errors.Is(err, pillars.BlockSignatureInvalid) {
		t.Error(err)
	}
	s = newScene(t)
	s.block.Merkle[0] ^= 1
	if err := Verify(&s.p, s.block, &s.parent, s.view); !errors.Is(err, pillars.BlockSignatureInvalid) {
		t.Error(err)
	}
}

// TestFloodIsCheap: a block with a stake that does not exist costs one lookup, and one with a stake that does not
// win costs no signature [PIL-POS-1].
func TestFloodIsCheap(t *testing.T) {
	s := newScene(t)
	s.coinstake().Inputs[0].Previous.Index = 99
	s.block.Signature = [64]byte{}
	if err := Verify(&s.p, s.block, &s.parent, s.view); !errors.Is(err, consensus.StakeUnknown) || s.view.asked != 1 {
		t.Errorf("%v after %d lookups", err, s.view.asked)
	}
	s = newScene(t)
	s.block.Timestamp++
	s.block.Signature = [64]byte{}
	if err := Verify(&s.p, s.block, &s.parent, s.view); !errors.Is(err, consensus.StakeHashTooHigh) || s.view.asked != 1 {
		t.Errorf("%v after %d lookups", err, s.view.asked)
	}
}

// TestWins holds the strict comparison of [PIL-POS-3] at its edges.
func TestWins(t *testing.T) {
	top := new(uint256.Int).SetAllOne()
	for _, tt := range []struct {
		hash, value, bits uint64
		want              bool
	}{
		{0, 1, 1, true},
		{0, 0, 1, false}, // nothing below nothing
		{0, 1, 0, false}, // no difficulty, no target
		{9, 10, 0, false},
	} {
		hash := pillars.Hash(uint256.NewInt(tt.hash).Bytes32())
		if got := Wins(hash, pillars.Amount(tt.value), uint256.NewInt(tt.bits)); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
	// target = 5 for bits = floor(max/5); five times seven is 35.
	bits := new(uint256.Int).Div(top, uint256.NewInt(5))
	for hash, want := range map[uint64]bool{34: true, 35: false, 36: false} {
		if got := Wins(uint256.NewInt(hash).Bytes32(), 7, bits); got != want {
			t.Errorf("%d: %v", hash, got)
		}
	}
	if Wins(top.Bytes32(), 1, uint256.NewInt(1)) {
		t.Error("the largest hash is not below the largest target")
	}
	if !Wins(top.Bytes32(), 2, uint256.NewInt(1)) {
		t.Error("beyond 256 bits every hash is below")
	}
}

// TestWinsExact compares with products of any size, and holds linearity: value counts, its pieces do not.
func TestWinsExact(t *testing.T) {
	max := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	rapid.Check(t, func(t *rapid.T) {
		var hash pillars.Hash
		copy(hash[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
		value := rapid.Uint64Range(0, uint64(pillars.MaxMoney)).Draw(t, "value")
		bits := rapid.Uint64Min(1).Draw(t, "bits")
		want := new(big.Int).Quo(max, new(big.Int).SetUint64(bits))
		want.Mul(want, new(big.Int).SetUint64(value))
		if got := Wins(hash, pillars.Amount(value), uint256.NewInt(bits)); got != (new(big.Int).SetBytes(hash[:]).Cmp(want) < 0) {
			t.Fatal(got)
		}
	})
}

// TestMaturity holds [PIL-POS-4] to the figures that the running network's rule gives, with D in whole units of its
// base, and to values between.
func TestMaturity(t *testing.T) {
	p := pillars.MainnetLike().Stake
	p.MaturityBase = *uint256.NewInt(100_000_000)
	for d, want := range map[uint64]uint32{0: 250, 1: 500, 2: 667, 3: 750, 5: 833, 10: 909, 100: 990} {
		if got := Maturity(&p, uint256.NewInt(d*100_000_000)); got != want {
			t.Errorf("D = %d: %d, want %d", d, got, want)
		}
	}
	for bits, want := range map[uint64]uint32{150_000_000: 600, 50_000_000: 333, 33_400_000: 250, 33_333_333: 250, 1 << 63: 1000} {
		if got := Maturity(&p, uint256.NewInt(bits)); got != want {
			t.Errorf("bits = %d: %d, want %d", bits, got, want)
		}
	}
	if got := Maturity(&p, new(uint256.Int).SetAllOne()); got != 1000 {
		t.Errorf("hardest: %d", got)
	}
	last := uint32(0)
	for shift := range uint(256) {
		if got := Maturity(&p, new(uint256.Int).Lsh(uint256.NewInt(1), shift)); got < last {
			t.Errorf("it falls at 2^%d", shift)
		} else {
			last = got
		}
	}
}

// TestLockEdges holds each bound of [PIL-POS-5] at its edge.
func TestLockEdges(t *testing.T) {
	p := pillars.MainnetLike().Stake
	good := Lock{Value: 1000 * pillars.ETP, Height: tip - 120, Blocks: 24_000}
	if !good.counts(&p, tip) {
		t.Fatal("the least lock does not count")
	}
	for name, l := range map[string]Lock{
		"a satoshi short": {good.Value - 1, good.Height, good.Blocks},
		"a block young":   {good.Value, good.Height + 1, good.Blocks},
		"a block short":   {good.Value, good.Height, good.Blocks - 1},
		"in the tail":     {good.Value, tip - 23_000, 24_000},
		"from the future": {good.Value, tip + 1, good.Blocks},
	} {
		if l.counts(&p, tip) {
			t.Errorf("%s: counts", name)
		}
	}
	params, owner := pillars.MainnetLike(), addressOf(keyOf("x"))
	short := Lock{good.Value, good.Height, 1}
	for i, locks := range [][]Lock{{good}, {short, good}, {good, short}, {short, short, good, short}} {
		v := &memView{locks: map[pillars.Address][]Lock{owner: locks}}
		if !Eligible(&params, tip, owner, v) {
			t.Errorf("%d: the one lock that counts is not found", i)
		}
	}
	if last := (Lock{good.Value, tip - 22_999, 24_000}); !last.counts(&p, tip) {
		t.Error("the last block before the tail does not count")
	}
	if long := (Lock{good.Value, tip - 120, 0xffffffff}); !long.counts(&p, tip) {
		t.Error("a long lock overflows")
	}
}

// TestPrepare finds what Verify accepts, the earliest such second, and nothing that may not stake.
func TestPrepare(t *testing.T) {
	s := newScene(t)
	stake := s.view.stakes[s.coinstake().Inputs[0].Previous]
	first := s.block.Timestamp
	if _, ok := Prepare(&s.p, &s.parent, []Stake{stake}, 0, first-1); ok {
		t.Error("an earlier second wins")
	}
	for name, broken := range map[string]func(*Stake){
		"not plain": func(x *Stake) { x.Plain = false },
		"too small": func(x *Stake) { x.Value = 999 * pillars.ETP },
		"too young": func(x *Stake) { x.Height = tip - 499 },
	} {
		bad := stake
		broken(&bad)
		if _, ok := Prepare(&s.p, &s.parent, []Stake{bad}, 0, first+100_000); ok {
			t.Errorf("%s: wins", name)
		}
		if w, ok := Prepare(&s.p, &s.parent, []Stake{bad, stake}, 0, first); !ok || w.Stamp != first || w.Stake.Outpoint != stake.Outpoint {
			t.Errorf("%s: hides the good one", name)
		}
	}
	s.parent.StakeRun = s.p.Runs.PoS
	if _, ok := Prepare(&s.p, &s.parent, []Stake{stake}, 0, first+1000); ok {
		t.Error("stakes beyond the run")
	}
	if _, ok := Prepare(&s.p, &consensus.Branch{}, nil, 0xfffffff0, 0xffffffff); ok {
		t.Error("time ends, and something wins")
	}
}

// TestCoinstakeMade: whatever a staker has, the transaction made for him passes, and pays out all.
func TestCoinstakeMade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pillars.MainnetLike()
		p.Stake.MaxInputs = rapid.Uint32Range(1, 12).Draw(t, "inputs")
		p.Stake.MaxPieces = rapid.Uint32Range(1, 12).Draw(t, "pieces")
		v := &memView{stakes: map[pillars.Outpoint]Stake{}}
		owner := addressOf(keyOf("x"))
		all := make([]Stake, rapid.IntRange(1, 20).Draw(t, "outputs"))
		for i := range all {
			all[i] = Stake{Outpoint: pillars.Outpoint{Index: uint32(i)}, Owner: owner, Plain: true, Value: pillars.Amount(rapid.Uint64Range(1, 3000*uint64(pillars.ETP)).Draw(t, "value"))}
			v.put(all[i])
		}
		all[0].Value += p.Stake.Minimum
		v.put(all[0])
		tx := Coinstake(&p, &all[0], all)
		if !tx.IsCoinstake() {
			t.Fatal("no coinstake")
		}
		if err := CheckCoinstake(&p, tx, &all[0], v); err != nil {
			t.Fatal(err)
		}
		if err := tx.Check(&p); err != nil {
			t.Fatal(err)
		}
	})
}

package pillars

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestLockModels follows models of the running network's documentation and of its clients' tests
// through time: what is locked after so many blocks.
func TestLockModels(t *testing.T) {
	for _, tt := range []struct {
		model  string
		locked map[uint64]uint64
		end    uint64
	}{
		{"PN=0;LH=20;TYPE=1;LQ=15;LP=60;UN=3", map[uint64]uint64{0: 15, 19: 15, 20: 10, 39: 10, 40: 5, 59: 5}, 60},
		{"PN=0;LH=20000;TYPE=1;LQ=9001;LP=60001;UN=3", map[uint64]uint64{19999: 9001, 20000: 6001, 40000: 3001, 60000: 3001}, 60001},
		{"PN=0;LH=20000;TYPE=2;LQ=9001;LP=60001;UN=3;UC=20000,20000,20001;UQ=3000,3000,3001", map[uint64]uint64{20000: 6001, 60000: 3001}, 60001},
		{"PN=1;LH=0;TYPE=2;LQ=15;LP=100;UN=3;UC=1,9,90;UQ=5,4,6", map[uint64]uint64{0: 6, 89: 6}, 90},
		{"PN=2;LH=5;TYPE=1;LQ=15;LP=60;UN=3", map[uint64]uint64{0: 5, 4: 5}, 5},
		{"PN=0;LH=1;TYPE=1;LQ=18446744073709551615;LP=18446744073709551615;UN=18446744073709551615", map[uint64]uint64{1 << 60: 1<<64 - 1 - 1<<60}, 1<<64 - 1},
	} {
		m, err := ParseLockModel(tt.model)
		if err != nil {
			t.Fatal(err)
		}
		if m.String() != tt.model {
			t.Errorf("%s prints as %s", tt.model, m)
		}
		for blocks, want := range tt.locked {
			if later, ended := m.After(blocks); ended || later.Locked() != want {
				t.Errorf("%s after %d blocks: %d locked, ended %v, want %d", tt.model, blocks, later.Locked(), ended, want)
			}
		}
		if _, ended := m.After(tt.end - 1); ended {
			t.Errorf("%s ends before %d", tt.model, tt.end)
		}
		if _, ended := m.After(tt.end); !ended {
			t.Errorf("%s does not end at %d", tt.model, tt.end)
		}
	}
}

// TestLockModelRules breaks a model in each way [PIL-LCK-1].
func TestLockModelRules(t *testing.T) {
	good := []string{"PN=0;LH=20;TYPE=1;LQ=15;LP=60;UN=3", "UN=3;LP=60;LQ=15;TYPE=1;LH=20;PN=0",
		"PN=0;LH=1;TYPE=2;LQ=15;LP=100;UN=3;UC=1,9,90;UQ=5,4,6", "PN=0;LH=1;TYPE=3;LQ=15;LP=100;UN=3;IR=8;UC=1,9,90;UQ=5,4,6"}
	for _, s := range good {
		if _, err := ParseLockModel(s); err != nil {
			t.Error(err)
		}
	}
	for _, s := range []string{
		"", "PN", "PN=0", good[0] + ";", good[0] + ";PN=0", good[0] + ";IR=8", good[0] + ";XX=1", strings.Replace(good[0], "LH=20", "LH=020", 1),
		"PN=0;LH=20;TYPE=1;LQ=15;LP=60", "PN=0;LH=20;TYPE=0;LQ=15;LP=60;UN=3", "PN=0;LH=20;TYPE=4;LQ=15;LP=60;UN=3",
		"PN=3;LH=20;TYPE=1;LQ=15;LP=60;UN=3", "PN=0;LH=21;TYPE=1;LQ=15;LP=60;UN=3", "PN=0;LH=0;TYPE=1;LQ=15;LP=60;UN=0",
		"PN=0;LH=20;TYPE=1;LQ=2;LP=60;UN=3", "PN=0;LH=0;TYPE=1;LQ=15;LP=2;UN=3", "PN=0;LH=-1;TYPE=1;LQ=15;LP=60;UN=3",
		"PN=0;LH=1;TYPE=2;LQ=15;LP=100;UN=3;UC=1,9,90", "PN=0;LH=1;TYPE=2;LQ=15;LP=100;UN=3;UC=1,9,90;UQ=5,4,6;IR=1",
		"PN=0;LH=1;TYPE=2;LQ=15;LP=100;UN=2;UC=1,9,90;UQ=5,4,6", "PN=0;LH=1;TYPE=2;LQ=15;LP=101;UN=3;UC=1,9,90;UQ=5,4,6",
		"PN=0;LH=1;TYPE=2;LQ=14;LP=100;UN=3;UC=1,9,90;UQ=5,4,6", "PN=0;LH=1;TYPE=2;LQ=9;LP=100;UN=3;UC=1,9,90;UQ=5,4,0",
		"PN=0;LH=1;TYPE=2;LQ=15;LP=100;UN=3;UC=1,9,90;UQ=5,4,6,", "PN=0;LH=1;TYPE=3;LQ=15;LP=100;UN=3;IR=0;UC=1,9,90;UQ=5,4,6",
		"PN=0;LH=1;TYPE=3;LQ=15;LP=100;UN=3;IR=100001;UC=1,9,90;UQ=5,4,6", "PN=0;LH=1;TYPE=3;LQ=15;LP=100;UN=3;UC=1,9,90;UQ=5,4,6",
		"PN=0;LH=1;TYPE=2;LQ=1;LP=2;UN=2;UC=1,1;UQ=2,18446744073709551615",
		"PN=0;LH=1;TYPE=2;LQ=101;LP=101;UN=101;UC=" + ones(101) + ";UQ=" + ones(101),
		good[0] + strings.Repeat(" ", 520),
	} {
		if m, err := ParseLockModel(s); !errors.Is(err, ModelInvalid) {
			t.Errorf("%q is %v, %v", s, m, err)
		}
	}
}

func ones(n int) string { return strings.TrimSuffix(strings.Repeat("1,", n), ",") }

// TestNewLocks makes models of each type, which must be valid, and follows them.
func TestNewLocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		periods := rapid.Uint64Range(1, 20).Draw(t, "periods")
		quantity := rapid.Uint64Range(periods, 1<<40).Draw(t, "quantity")
		blocks := rapid.Uint64Range(periods, 1<<30).Draw(t, "blocks")
		m, err := NewFixedLock(quantity, blocks, periods)
		if err != nil || m.Locked() != quantity {
			t.Fatalf("%s: %v", m, err)
		}
		follow(t, m)
		m, err = NewInflationLock(quantity, blocks, periods, rapid.Uint64Range(1, 30).Draw(t, "rate"))
		if err == nil { // small quantities have releases of nothing
			follow(t, m)
			m, err = NewCustomLock(m.Lengths, m.Releases)
			if err != nil || m.Locked() != quantity {
				t.Fatalf("%s: %v", m, err)
			}
		}
	})
	m, err := NewInflationLock(20_000_000, 12_000, 12, 8)
	want := "PN=0;LH=1000;TYPE=3;LQ=20000000;LP=12000;UN=12;IR=8;UC=1000,1000,1000,1000,1000,1000,1000,1000,1000,1000,1000,1000;" +
		"UQ=8577657,686212,741109,800398,864430,933584,1008271,1088932,1176047,1270131,1371741,1481488"
	if err != nil || m.String() != want {
		t.Errorf("%s, %v", m, err)
	}
	for _, bad := range [][4]uint64{{1, 2, 2, 8}, {9, 1, 2, 8}, {9, 9, 0, 8}, {9, 9, 101, 8}, {9, 9, 2, 0}, {9, 9, 2, 100_001}} {
		if _, err := NewInflationLock(bad[0], bad[1], bad[2], bad[3]); !errors.Is(err, ModelInvalid) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func follow(t *rapid.T, m LockModel) {
	again, err := ParseLockModel(m.String())
	if err != nil || again.String() != m.String() {
		t.Fatalf("%s: %v", m, err)
	}
	out, locked := uint64(0), m.Locked()
	for later, ended := m, false; !ended; {
		step := max(1, later.Left)
		if later, ended = later.After(step); ended {
			out += locked
			break
		}
		out += locked - later.Locked()
		locked = later.Locked()
	}
	if out != m.Quantity {
		t.Fatalf("%s frees %d", m, out)
	}
}

// TestLongModels refuses a model that no script can push, though its figures are right.
func TestLongModels(t *testing.T) {
	m := LockModel{Type: LockCustom, Periods: 60}
	for range m.Periods {
		m.Lengths, m.Releases = append(m.Lengths, 10_000), append(m.Releases, 10_000)
	}
	m.Left, m.Blocks, m.Quantity = 10_000, 600_000, 600_000
	if m.check() != nil || len(m.String()) <= maxLockModel {
		t.Fatal("the model is not long and right:", m)
	}
	if _, err := ParseLockModel(m.String()); !errors.Is(err, ModelInvalid) {
		t.Error(err)
	}
	if _, err := NewCustomLock(m.Lengths, m.Releases); !errors.Is(err, ModelInvalid) {
		t.Error(err)
	}
}

// TestMiningTerms reads what a mining certificate may say [PIL-ATT-13].
func TestMiningTerms(t *testing.T) {
	for s, want := range map[string]MiningTerms{
		"initial:1000,interval:500000,base:0.95": {1000, 500000, 95, 100},
		"initial:1,interval:1,base:1":            {1, 1, 1, 1},
		"initial:7,interval:2,base:0.050":        {7, 2, 50, 1000},
	} {
		if m, err := ParseMiningTerms(s); err != nil || m != want || m.String() != s {
			t.Errorf("%s is %+v, %v", s, m, err)
		}
	}
	for _, s := range []string{
		"", "initial:1,interval:1", "initial:1,interval:1,base:1,x:1", "interval:1,initial:1,base:1", "initial:1,interval:1,base:0",
		"initial:1,interval:1,base:0.0", "initial:1,interval:1,base:1.1", "initial:1,interval:1,base:2", "initial:1,interval:0,base:1",
		"initial:1,interval:1,base:0.0123456789", "initial:1,interval:1,base:.5", "initial:1,interval:4294967296,base:1",
		"initial:18446744073709551616,interval:1,base:1", "initial:01,interval:1,base:1", "initial:-1,interval:1,base:1", "initial:,interval:1,base:1",
	} {
		if m, err := ParseMiningTerms(s); !errors.Is(err, MiningContent) {
			t.Errorf("%s is %+v, %v", s, m, err)
		}
	}
}

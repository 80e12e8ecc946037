package forge

import (
	"errors"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
)

const guardFile = "/used"

func openGuard(t testing.TB, fs kv.FS) *Guard {
	t.Helper()
	g, err := OpenGuard(fs, guardFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

func stakeNo(n byte) pillars.Outpoint { return pillars.Outpoint{Tx: pillars.TxID{n}, Index: uint32(n)} }

// TestGuardNeverTwice: a stake is used once in a second and once at a height, also by the next process.
func TestGuardNeverTwice(t *testing.T) {
	fs := kv.Memory()
	g := openGuard(t, fs)
	for range 2 {
		for _, u := range []struct {
			stake         byte
			stamp, height uint32
			want          error
		}{
			{1, 100, 10, nil}, {1, 100, 10, ErrUsed}, {1, 100, 11, ErrUsed}, {1, 101, 10, ErrUsed}, {1, 101, 11, nil},
			{2, 100, 10, nil}, {2, 101, 10, ErrUsed},
		} {
			want := u.want
			if g.Used(stakeNo(1), 100, 10) && g.Used(stakeNo(2), 100, 10) {
				want = ErrUsed // the second process
			}
			if err := g.Use(stakeNo(u.stake), u.stamp, u.height); !errors.Is(err, want) {
				t.Fatalf("%+v: %v, want %v", u, err, want)
			}
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		g = openGuard(t, fs)
	}
}

// TestGuardAfterPowerLoss: whatever the disk forgets, a use that was granted is not granted again.
func TestGuardAfterPowerLoss(t *testing.T) {
	fs := kv.Crashable()
	g := openGuard(t, fs)
	for n := range byte(20) {
		if err := g.Use(stakeNo(n), 100, 10); err != nil {
			t.Fatal(err)
		}
		after := fs.Crash(50, uint64(n))
		again := openGuard(t, after)
		for k := range n + 1 {
			if err := again.Use(stakeNo(k), 100, 10); !errors.Is(err, ErrUsed) {
				t.Fatalf("after a crash behind use %d, use %d: %v", n, k, err)
			}
		}
		if again.Used(stakeNo(n+1), 100, 10) {
			t.Fatal("a use that was never asked for")
		}
	}
}

// TestGuardDamage: a tail that was cut off goes; anything else keeps the staker from starting.
func TestGuardDamage(t *testing.T) {
	fs := kv.Memory()
	g := openGuard(t, fs)
	for n := range byte(3) {
		if err := g.Use(stakeNo(n), 100, 10); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := kv.ReadFile(fs, guardFile, guardLimit)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) {
		got, err := parseGuard(whole[:cut])
		want := max(0, cut-len(guardMagic)) / guardRecord
		if err != nil || len(got) != want {
			t.Fatalf("cut at %d: %d records, %v", cut, len(got), err)
		}
	}
	for at := range whole {
		bad := append([]byte{}, whole...)
		bad[at] ^= 4
		got, err := parseGuard(bad)
		last := at >= len(whole)-guardRecord
		if last && (err != nil || len(got) != 2) || !last && !errors.Is(err, ErrGuardDamaged) {
			t.Errorf("bit at %d: %d records, %v", at, len(got), err)
		}
	}
}

func FuzzGuard(f *testing.F) {
	f.Add([]byte(guardMagic))
	f.Add(append([]byte(guardMagic), guardEntry{stakeNo(1), 2, 3}.bytes()...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		records, err := parseGuard(raw)
		if err != nil {
			return
		}
		b := []byte(guardMagic)
		for _, r := range records {
			b = append(b, r.bytes()...)
		}
		if again, err := parseGuard(b); err != nil || len(again) != len(records) {
			t.Fatalf("%d records, then %d, %v", len(records), len(again), err)
		}
	})
}

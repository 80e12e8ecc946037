package kv

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// TestDamagedManifest flips every bit of a manifest and cuts it everywhere: a flip that Pebble
// would take for the end of the file is damage, and an end that a crash tore is none.
func TestDamagedManifest(t *testing.T) {
	disk := Crashable()
	db := open(t, disk)
	fill(t, db, 3000)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := disk.List("db")
	if err != nil {
		t.Fatal(err)
	}
	name := ""
	for _, n := range names {
		if strings.HasPrefix(n, "MANIFEST-") {
			name = n
		}
	}
	whole, err := ReadFile(disk, "db/"+name, 1<<20)
	if err != nil || len(whole) < 300 {
		t.Fatal(name, len(whole), err)
	}
	if at, ok := soundChunks(whole); !ok || at != len(whole) {
		t.Fatalf("a good manifest of %d bytes is sound to %d: %v", len(whole), at, ok)
	}
	for i := range 8 * len(whole) {
		broken := bytes.Clone(whole)
		broken[i/8] ^= 1 << (i % 8)
		if _, ok := soundChunks(broken); ok {
			t.Errorf("bit %d of byte %d: nobody noticed", i%8, i/8)
		}
	}
	for n := range whole {
		if _, ok := soundChunks(whole[:n]); !ok {
			t.Errorf("cut to %d bytes, as a crash does: damaged", n)
		}
		if n%sector == 0 {
			if _, ok := soundChunks(append(bytes.Clone(whole[:n]), make([]byte, 700)...)); !ok {
				t.Errorf("zeros from byte %d on, as a crash leaves them: damaged", n)
			}
		}
	}
	broken := bytes.Clone(whole)
	broken[len(broken)-1] ^= 1
	file, err := disk.Create("db/"+name, "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(broken); err != nil {
		t.Fatal(err)
	}
	file.Close()
	if _, err := Open(disk, "db", Options{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("opened with a damaged manifest: %v", err)
	}
}

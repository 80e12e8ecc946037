package kv

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestMarkersPointAtDurableNames cuts the power around a marker's coming and going: the file that
// it points at, and the marker that takes its place, are there.
func TestMarkersPointAtDurableNames(t *testing.T) {
	disk := Crashable()
	if err := MakeDir(disk, "d"); err != nil {
		t.Fatal(err)
	}
	g := &guardedFS{FS: disk, fatal: func(err error) { t.Error(err) }}
	create := func(name string) {
		t.Helper()
		f, err := g.Create(name, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	survives := func(name string) bool {
		_, err := disk.Crash(0, 1).Stat(name)
		return err == nil
	}
	create("d/MANIFEST-1")
	if survives("d/MANIFEST-1") {
		t.Fatal("names are durable without a sync: this test shows nothing")
	}
	create("d/marker.manifest.1")
	if !survives("d/MANIFEST-1") {
		t.Error("a marker can outlive the file that it points at")
	}
	if err := g.Remove("d/marker.manifest.0"); err == nil {
		t.Error("removed a marker that never was")
	}
	if !survives("d/marker.manifest.1") {
		t.Error("the old marker can be gone before the new one is there")
	}
}

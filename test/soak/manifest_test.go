package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestManifests draws many: never more than f nodes are impaired at once, every kind is there
// even in a short one, and there are enough steps.
func TestManifests(t *testing.T) {
	stays := 0
	for seed := range uint64(300) {
		for _, o := range []Options{
			{seed, 7, shortSeconds, shortSteps, 5}, {seed, 7, 480, 60, 5}, {seed, 13, 60, 12, 5}, {seed, 50, 60, 12, 5},
		} {
			m := Generate(o)
			if err := m.Check(); err != nil {
				t.Fatalf("%+v: %v", o, err)
			}
			if len(m.Steps) < o.Least {
				t.Errorf("%+v: %d steps", o, len(m.Steps))
			}
			seen := map[Kind]int{}
			for _, s := range m.Steps {
				seen[s.Kind]++
				if s.Stay {
					stays++
				}
			}
			if len(seen) != len(Kinds) {
				t.Errorf("%+v: kinds %v", o, seen)
			}
			if most := mostAtOnce(m); most != m.Tolerated() {
				t.Errorf("%+v: %d impaired at once, want %d", o, most, m.Tolerated())
			}
		}
	}
	if stays == 0 {
		t.Error("no node ever keeps the older copy")
	}
}

// mostAtOnce counts at every millisecond at which anything begins, apart from Check.
func mostAtOnce(m *Manifest) int {
	most := 0
	for _, begun := range m.Steps {
		nodes := map[int]bool{}
		for _, s := range m.Steps {
			if s.At <= begun.At && begun.At < s.End() {
				nodes[s.Node] = true
			}
		}
		most = max(most, len(nodes))
	}
	return most
}

func TestManifestIsOfItsSeed(t *testing.T) {
	o := Options{77, 7, 60, 12, 5}
	if !reflect.DeepEqual(Generate(o), Generate(o)) {
		t.Error("equal seeds, different manifests")
	}
	o.Seed++
	if reflect.DeepEqual(Generate(o).Steps, Generate(Options{77, 7, 60, 12, 5}).Steps) {
		t.Error("different seeds, equal manifests")
	}
}

func TestManifestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "manifest.json")
	m := Generate(Options{3, 7, 60, 12, 5})
	if err := m.Write(name); err != nil {
		t.Fatal(err)
	}
	again, err := ReadManifest(name)
	if err != nil || !reflect.DeepEqual(m, again) {
		t.Fatalf("read back %+v, %v", again, err)
	}
	text, _ := os.ReadFile(name)
	for _, bad := range []string{
		strings.Replace(string(text), `"version":1`, `"version":2`, 1),
		strings.Replace(string(text), `"nodes":7`, `"nodes":6`, 1),
		strings.Replace(string(text), `"nodes":7`, `"colour":7`, 1),
		strings.Replace(string(text), `"kind":"cut"`, `"kind":"melt"`, 1),
		strings.Replace(string(text), `"kind":"cut"`, `"kind":"kill"`, 1),
	} {
		if err := os.WriteFile(name, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadManifest(name); err == nil || bad == string(text) {
			t.Errorf("accepted:\n%.200s", bad)
		}
	}
}

// TestManifestRefusesTooMuch crowds the steps of a good manifest together.
func TestManifestRefusesTooMuch(t *testing.T) {
	m := Generate(Options{4, 7, 60, 12, 5})
	for i := range m.Steps {
		m.Steps[i].At = 0
	}
	if err := m.Check(); err == nil {
		t.Error("every node in trouble at once is accepted")
	}
	m = Generate(Options{4, 7, 60, 12, 5})
	m.Steps = m.Steps[:2]
	m.Steps[1] = m.Steps[0]
	m.Steps[1].Kind = Kill
	m.Steps[1].Peers, m.Steps[1].Way = nil, ""
	if err := m.Check(); err == nil {
		t.Error("one node in two troubles at once is accepted")
	}
}

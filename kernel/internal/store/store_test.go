package store

import (
	"bytes"
	"errors"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
)

func TestLife(t *testing.T) { eachEngine(t, testLife) }

func testLife(t *testing.T) {
	f := newFixture(t, kv.Memory(), 1)
	if !Exists(f.dir, f.options) {
		t.Fatal("created folder does not exist")
	}
	s := f.open(t)
	if s.LogState() != Unused {
		t.Fatalf("fresh log is %v", s.LogState())
	}
	r := f.record(1, 1)
	if err := s.Append([]Record{r}, true); err != nil {
		t.Fatal(err)
	}
	c, d := f.commit(s, []Record{r}, 3)
	before := s.View()
	if err := s.Commit(c, d, []byte("rule")); err != nil {
		t.Fatal(err)
	}
	if before.Head().Index != 0 {
		t.Fatal("view moved with the commit")
	}
	f.close(t, s)
	s = f.open(t)
	if s.LogState() != Intact || s.Head() != d.Head || string(s.Consensus()) != "rule" {
		t.Fatalf("after reopening: %v, head %d, %q", s.LogState(), s.Head().Index, s.Consensus())
	}
	got, ok := s.Snapshot(r.ID)
	if !ok || !equalRecord(got, r) {
		t.Fatalf("snapshot read back: %v %+v", ok, got)
	}
	if _, receipts, ok := s.CommitAt(1); !ok || len(receipts) != len(d.Receipts) {
		t.Fatalf("commit 1: %v, %d receipts", ok, len(receipts))
	}
	f.close(t, s)
}

func equalRecord(a, b Record) bool {
	return a.ID == b.ID && a.Author == b.Author && a.Round == b.Round &&
		bytes.Equal(a.Header, b.Header) && bytes.Equal(a.Body, b.Body) && bytes.Equal(a.Meta, b.Meta)
}

func TestRefusals(t *testing.T) {
	f := newFixture(t, kv.Memory(), 1)
	if err := Create(f.dir, f.genesis, f.self, f.initial, nil, f.options); !errors.Is(err, ErrExists) {
		t.Errorf("create over a folder: %v", err)
	}
	if _, err := Open("nowhere", f.network, f.self, f.options); !errors.Is(err, ErrNotFound) {
		t.Errorf("open nothing: %v", err)
	}
	if _, err := Open(f.dir, kernel.NetworkID{1}, f.self, f.options); !errors.Is(err, ErrNetwork) {
		t.Errorf("open with another network: %v", err)
	}
	if _, err := Open(f.dir, f.network, kernel.NodeID{1}, f.options); !errors.Is(err, ErrNode) {
		t.Errorf("open as another node: %v", err)
	}
	s := f.open(t)
	if _, err := Open(f.dir, f.network, f.self, f.options); !errors.Is(err, ErrLocked) {
		t.Errorf("open twice: %v", err)
	}
	r := f.record(1, 1)
	long := r
	long.Meta = make([]byte, MaxMeta+1)
	if err := s.Append([]Record{long}, false); !errors.Is(err, ErrTooLarge) {
		t.Errorf("append over the limit: %v", err)
	}
	if err := s.Append([]Record{r}, false); err != nil {
		t.Fatal(err)
	}
	if err := s.Append([]Record{r}, false); !errors.Is(err, ErrDuplicate) {
		t.Errorf("append twice: %v", err)
	}
	other := f.record(1, 2)
	c, d := f.commit(s, []Record{other}, 1)
	if err := s.Commit(c, d, nil); !errors.Is(err, ErrNotInLog) {
		t.Errorf("commit what is not in the log: %v", err)
	}
	f.close(t, s)
}

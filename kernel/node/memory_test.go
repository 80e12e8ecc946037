package node

import (
	"context"
	"testing"
	"time"
)

func TestWeighedStaysWithinItsRoom(t *testing.T) {
	w := newWeighed[int, string](100, 800)
	for i := range 50 {
		w.add(i, "value", 60)
		if w.bytes > 800 || w.cache.Len() > 13 {
			t.Fatalf("%d bytes in %d values", w.bytes, w.cache.Len())
		}
	}
	if _, ok := w.get(0); ok {
		t.Error("the oldest value is still there")
	}
	w.add(49, "again", 10)
	if v, _ := w.get(49); v != "again" || w.bytes != 12*60+10 {
		t.Errorf("replaced: %q, %d bytes", v, w.bytes)
	}
	w.add(100, "too large", 101)
	if _, ok := w.get(100); ok {
		t.Error("one value took an eighth of the room")
	}
	w.remove(49)
	if w.bytes != 12*60 {
		t.Errorf("%d bytes after a removal", w.bytes)
	}
}

func TestBudgetHoldsBack(t *testing.T) {
	b := newBudget(100)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if !b.take(ctx, 60) {
		t.Fatal("no room at first")
	}
	if b.take(ctx, 60) {
		t.Fatal("120 of 100 bytes taken")
	}
	done := make(chan bool)
	go func() { done <- b.take(context.Background(), 1000) }() // more than all: alone
	b.give(60)
	if !<-done || b.free != 0 {
		t.Fatalf("%d free", b.free)
	}
	b.give(1000)
	if b.free != 100 {
		t.Fatalf("%d free at the end", b.free)
	}
}

package node

import (
	"context"
	"testing"
	"time"
)

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

package sim

import "testing"

func testNetwork(seed uint64, n int) (*Network, *Clock) {
	clock := new(Clock)
	return NewNetwork(clock, Stream(seed, "network"), n, 5, 9), clock
}

// TestNetworkDelays: without conditions every message arrives once, after the link's own delay.
func TestNetworkDelays(t *testing.T) {
	w, _ := testNetwork(1, 4)
	for from := range 4 {
		for to := range 4 {
			first, n := w.Send(from, to, 100)
			again, m := w.Send(from, to, 1_000_000)
			if n != 1 || m != 1 || first[0] != again[0] || first[0] < 5 || first[0] > 9 {
				t.Fatalf("%d to %d: %v %d, then %v %d", from, to, first, n, again, m)
			}
		}
	}
}

// TestNetworkCuts: links are directed, and mended as often as they were cut.
func TestNetworkCuts(t *testing.T) {
	w, _ := testNetwork(1, 3)
	sends := func(from, to int) bool { _, n := w.Send(from, to, 1); return n > 0 }
	w.Cut(0, 1)
	w.Cut(0, 1)
	if sends(0, 1) || !sends(1, 0) || w.Connected(0, 1) || w.Connected(1, 0) {
		t.Error("a cut link sends, or its way back does not")
	}
	w.Mend(0, 1)
	if sends(0, 1) {
		t.Error("one mend undoes two cuts")
	}
	w.Mend(0, 1)
	w.Mend(0, 1) // once too often does not count
	if !sends(0, 1) || !w.Connected(0, 1) {
		t.Error("a mended link does not send")
	}
	w.Cut(0, 1)
	if sends(0, 1) {
		t.Error("a mend too often outlasts the next cut")
	}
	w.Cut(2, 0)
	w.MendAll()
	if !sends(0, 1) || !sends(2, 0) || w.Stats.Cut != 3 {
		t.Errorf("after MendAll; %d messages were cut, want 3", w.Stats.Cut)
	}
}

// TestNetworkGrow: a network with more ends keeps its links.
func TestNetworkGrow(t *testing.T) {
	w, _ := testNetwork(3, 3)
	before, _ := w.Send(2, 1, 1)
	w.Cut(1, 2)
	w.Grow(5)
	after, _ := w.Send(2, 1, 1)
	if _, n := w.Send(1, 2, 1); before != after || n != 0 {
		t.Errorf("delay %v became %v; a cut link sends %d", before, after, n)
	}
	if _, n := w.Send(4, 0, 1); n != 1 {
		t.Error("a new end is not connected")
	}
}

// TestNetworkConditions: losses, repeats and late messages come about as often as asked.
func TestNetworkConditions(t *testing.T) {
	w, _ := testNetwork(7, 2)
	w.Conditions = Conditions{Loss: 100, Twice: 200, Late: 50, LateBy: 1000, Jitter: 10}
	const messages = 20_000
	longest, copies := Time(0), 0
	for range messages {
		delays, n := w.Send(0, 1, 100)
		copies += n
		for _, d := range delays[:n] {
			longest = max(longest, d)
		}
	}
	s := w.Stats
	within := func(what string, got uint64, perMille int) {
		want := messages * perMille / 1000
		if int(got) < want*8/10 || int(got) > want*12/10 {
			t.Errorf("%d %s, want about %d", got, what, want)
		}
	}
	within("lost", s.Lost, 100)
	within("repeated", s.Repeated, 180) // of those not lost
	within("late", s.Late, 45)
	if uint64(copies) != messages-s.Lost+s.Repeated || s.Sent != messages || s.Bytes != 100*messages {
		t.Errorf("%d copies of %+v", copies, s)
	}
	if longest < 500 || longest > 9+10+1000+50 {
		t.Errorf("the longest delay is %d", longest)
	}
}

// TestNetworkBandwidth: bytes wait for the bytes before them, and the link recovers in time.
func TestNetworkBandwidth(t *testing.T) {
	w, clock := testNetwork(1, 2)
	w.Bandwidth = 10
	first, _ := w.Send(0, 1, 100)
	second, _ := w.Send(0, 1, 95)
	own := w.link(0, 1).delay
	if first[0] != own+10 || second[0] != own+20 {
		t.Errorf("delays %d and %d, want %d and %d", first[0], second[0], own+10, own+20)
	}
	clock.Step(1000)
	if third, _ := w.Send(0, 1, 100); third[0] != own+10 {
		t.Errorf("after a pause %d, want %d", third[0], own+10)
	}
	if back, _ := w.Send(1, 0, 1); back[0] != w.link(1, 0).delay+1 {
		t.Error("the other direction waits too")
	}
	w.Slow(0, 1, -1000)
	if d, _ := w.Send(0, 1, 10); d[0] < 0 {
		t.Error("a delay is negative")
	}
}

// TestResent: a lost packet costs a round trip, and nothing overtakes what it delays.
func TestResent(t *testing.T) {
	var clock Clock
	w := NewNetwork(&clock, Stream(1, "resent"), 2, 100, 100)
	w.Conditions = Conditions{Resent: 5_000}
	var last Time
	late := 0
	const messages = 2000
	for range messages {
		copies, n := w.Send(0, 1, 2*packet)
		at := clock.Now() + copies[0]
		if n != 1 || at < last || copies[0] < 100 {
			t.Fatalf("%d copies, after %d, at %d behind one at %d", n, copies[0], at, last)
		}
		last = at
		if copies[0] >= 300 {
			late++
		}
		clock.Step(clock.Now() + 1000) // what came before has arrived
	}
	if late < messages/20 || late > messages/6 { // two packets, each lost once in twenty
		t.Errorf("%d of %d messages came a round trip late", late, messages)
	}
	a, _ := w.Send(0, 1, 1000*packet) // fifty packets are lost: some of them twice
	b, _ := w.Send(0, 1, 1)
	if a[0] < 500 || b[0] < a[0] {
		t.Errorf("delays %d, then %d on the same link", a[0], b[0])
	}
}

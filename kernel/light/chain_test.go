package light

import (
	"errors"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// lying is a forgery of a change to the next epoch; the world itself does not move.
func lying(name string, want Refusal, tamper func(w *world, change *kernel.RosterChange)) forgery {
	return forgery{name, func(w *world, c *Chain) error {
		change := w.nextChange()
		tamper(w, change)
		ahead := *c
		err := ahead.Change(change)
		if head, _ := ahead.Head(); err != nil && (ahead.Epoch() != c.Epoch() || head.Index != c.head.Checkpoint.Index) {
			return errors.New("a change that was refused changes something")
		}
		return err
	}, want}
}

// nextChange is a good change, without going there.
func (w *world) nextChange() *kernel.RosterChange {
	next := *w.roster
	next.Epoch++
	next.CheckpointKeys = slices.Clone(next.CheckpointKeys)
	next.Members = slices.Clone(next.Members)
	cp := w.last.Checkpoint
	cp.Index, cp.Next = cp.Index+1, next.Hash(w.network)
	return &kernel.RosterChange{End: *signed(cp, w.keys, w.signers()...), Next: next}
}

// again signs a change that was tampered with as its members would.
func (w *world) again(change *kernel.RosterChange) {
	change.End.Checkpoint.Next = change.Next.Hash(w.network)
	change.End = *signed(change.End.Checkpoint, w.keys, w.signers()...)
}

var changeForgeries = []forgery{
	lying("a committee that nobody certified", WrongRoster, func(w *world, change *kernel.RosterChange) {
		for i, key := range w.outsiders() {
			change.Next.CheckpointKeys[i] = key.Public()
		}
	}),
	lying("a committee that certified itself", SignatureInvalid, func(w *world, change *kernel.RosterChange) {
		for i, key := range w.outsiders() {
			change.Next.CheckpointKeys[i] = key.Public()
		}
		w.again(change)
		change.End = *signed(change.End.Checkpoint, w.outsiders(), w.signers()...)
	}),
	lying("a committee that too few certified", TooFewSigners, func(w *world, change *kernel.RosterChange) {
		change.End.Signatures = change.End.Signatures[:w.roster.Roster().Quorum()-1]
	}),
	lying("a flag taken away", WrongRoster, func(w *world, change *kernel.RosterChange) {
		change.Next.Members[w.flagged()].Flagged = false
		change.Next.CoinKey = make([]kernel.Key, change.Next.Roster().Faulty()+1)
	}),
	lying("one signature bad", SignatureInvalid, func(w *world, change *kernel.RosterChange) {
		change.End.Signatures[w.random.IntN(len(change.End.Signatures))].Signature[9] ^= 1
	}),
	lying("no next roster", NotEpochEnd, func(w *world, change *kernel.RosterChange) {
		cp := change.End.Checkpoint
		cp.Next = kernel.Hash{}
		change.End = *signed(cp, w.keys, w.signers()...)
	}),
	lying("an epoch left out", BadRoster, func(w *world, change *kernel.RosterChange) {
		change.Next.Epoch++
		w.again(change)
	}),
	lying("three members", BadRoster, func(w *world, change *kernel.RosterChange) {
		change.Next.Members = change.Next.Members[:3]
		change.Next.CheckpointKeys = change.Next.CheckpointKeys[:3]
		w.again(change)
	}),
	lying("a copied key", BadRoster, func(w *world, change *kernel.RosterChange) {
		change.Next.CheckpointKeys[1] = change.Next.CheckpointKeys[0]
		w.again(change)
	}),
}

// alarm is a pair of certificates that both carry good signatures of a quorum. Each is tried on a
// chain that holds the world's newest checkpoint.
func alarm(name string, want Refusal, make func(w *world, cp *kernel.Checkpoint)) forgery {
	return forgery{name, func(w *world, c *Chain) error {
		cp := w.last.Checkpoint
		make(w, &cp)
		ahead := w.ahead(c)
		err := ahead.Accept(w.certify(cp))
		var a *Alarm
		if !errors.As(err, &a) || a.Shown.Checkpoint != cp || a.Held.Index == 0 {
			return errors.New("no alarm that shows both")
		}
		if head, _ := ahead.Head(); head != w.last.Checkpoint {
			return errors.New("the head has moved")
		}
		return err
	}, want}
}

var alarms = []forgery{
	alarm("another digest", Forked, func(w *world, cp *kernel.Checkpoint) { cp.Digest[0] ^= 1 }),
	alarm("another root", Forked, func(w *world, cp *kernel.Checkpoint) { cp.Outputs.Root[0] ^= 1 }),
	alarm("another time", Forked, func(w *world, cp *kernel.Checkpoint) { cp.Timestamp++ }),
	alarm("ends the epoch, and does not", Forked, func(w *world, cp *kernel.Checkpoint) { cp.Next = kernel.Hash{1} }),
	alarm("ends the epoch before", Forked, func(w *world, cp *kernel.Checkpoint) { cp.Index--; cp.Next = kernel.Hash{1} }),
	alarm("before its epoch", Forked, func(w *world, cp *kernel.Checkpoint) { cp.Index = 1 }),
	alarm("time falls", GoesBack, func(w *world, cp *kernel.Checkpoint) { cp.Index++; cp.Timestamp-- }),
	alarm("receipts vanish", GoesBack, func(w *world, cp *kernel.Checkpoint) { cp.Index++; cp.Receipts.Count-- }),
	alarm("outputs vanish", GoesBack, func(w *world, cp *kernel.Checkpoint) { cp.Index++; cp.Outputs.Count-- }),
	alarm("more before than after", GoesBack, func(w *world, cp *kernel.Checkpoint) { cp.Index--; cp.Outputs.Count++ }),
	{"another proof under a certificate that contradicts", func(w *world, c *Chain) error {
		p := w.final()
		p.Certificate.Checkpoint.Digest[0] ^= 1
		p.Certificate = *w.certify(p.Certificate.Checkpoint)
		return w.ahead(c).Final(p)
	}, Forked},
	{"older", func(w *world, c *Chain) error {
		cp := w.last.Checkpoint
		cp.Index, cp.Timestamp = cp.Index-1, cp.Timestamp-1
		return w.ahead(c).Accept(w.certify(cp))
	}, Older},
}

// TestForkAtTheEnd shows two ends of one epoch, each with its own committee.
func TestForkAtTheEnd(t *testing.T) {
	w, c := lived(t, 10, 3)
	good, other := w.nextChange(), w.nextChange()
	other.Next.Members[0].Name = "somebody"
	w.again(other)
	later := w.nextChange()
	later.End.Checkpoint.Index += 3
	w.again(later)
	keys, signers, epoch := w.keys, w.signers(), w.roster.Epoch
	if err := c.Change(good); err != nil {
		t.Fatal(err)
	}
	var a *Alarm
	for name, change := range map[string]*kernel.RosterChange{"another committee": other, "a later end": later} {
		if err := c.Change(change); !errors.Is(err, Forked) || !errors.As(err, &a) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := c.Change(good); err != nil {
		t.Errorf("the same change again: %v", err)
	}
	if c.Epoch() != epoch+1 {
		t.Errorf("epoch %d, want %d", c.Epoch(), epoch+1)
	}
	cp := good.End.Checkpoint
	cp.Index, cp.Next = cp.Index+1, kernel.Hash{}
	if err := c.Accept(signed(cp, keys, signers...)); !errors.Is(err, Forked) {
		t.Errorf("the epoch goes on behind its end: %v", err)
	}
	cp.Index -= 2
	if err := c.Accept(signed(cp, keys, signers...)); !errors.Is(err, GoesBack) && !errors.Is(err, Forked) && !errors.Is(err, Older) {
		t.Errorf("before the end: %v", err)
	}
	if err := c.Accept(&good.End); err != nil {
		t.Errorf("the end itself: %v", err)
	}
}

// TestEndHeld accepts the end of an epoch as a checkpoint first: nothing of the epoch comes behind it.
func TestEndHeld(t *testing.T) {
	w, c := lived(t, 10, 4)
	change := w.nextChange()
	accept(t, c, &change.End)
	cp := change.End.Checkpoint
	cp.Index, cp.Next = cp.Index+1, kernel.Hash{}
	if err := c.Accept(w.certify(cp)); !errors.Is(err, Forked) {
		t.Errorf("behind the end: %v", err)
	}
	if err := c.Change(change); err != nil {
		t.Error("the change itself:", err)
	}
}

// TestManyEpochs verifies a chain of epochs together and one by one: the same verdict, the same
// state, whichever change is bad and however.
func TestManyEpochs(t *testing.T) {
	w := newWorld(t, 10, 9)
	for i := range 2*changesAtOnce + 9 {
		w.pay(1)
		w.endEpoch(10+i%3, i%3)
	}
	singly := func(changes []kernel.RosterChange) (*Chain, int, error) {
		c := Start(w.genesis)
		for i := range changes {
			if err := c.Change(&changes[i]); err != nil {
				return c, i, err
			}
		}
		return c, len(changes), nil
	}
	agree := func(name string, changes []kernel.RosterChange, want int) {
		t.Helper()
		together := Start(w.genesis)
		n, err := together.Changes(changes)
		alone, m, errAlone := singly(changes)
		var r, s Refusal
		errors.As(err, &r)
		errors.As(errAlone, &s)
		if n != want || m != want || r != s || (err == nil) != (errAlone == nil) {
			t.Errorf("%s: %d, %v; one by one %d, %v; want %d", name, n, err, m, errAlone, want)
		}
		if string(together.AppendBinary(nil)) != string(alone.AppendBinary(nil)) {
			t.Errorf("%s: the states differ", name)
		}
	}
	agree("good", w.changes, len(w.changes))
	for _, i := range []int{0, 1, changesAtOnce - 1, changesAtOnce, len(w.changes) - 1} {
		bad := slices.Clone(w.changes)
		bad[i].End.Signatures = slices.Clone(bad[i].End.Signatures)
		bad[i].End.Signatures[3].Signature[40] ^= 1
		agree("a bad signature", bad, i)
		if i > 0 {
			bad[i-1].Next.Epoch++
			agree("a bad signature, and a bad roster before", bad, i-1)
		}
		bad = slices.Clone(w.changes)
		bad[i].End.Signatures = bad[i].End.Signatures[:2]
		agree("too few signers", bad, i)
	}
}

// TestMarks goes through more checkpoints than are remembered, and through many epochs.
func TestMarks(t *testing.T) {
	w := newWorld(t, 10, 11)
	c := Start(w.genesis)
	w.pay(30)
	first := w.checkpoint()
	accept(t, c, first)
	change := w.endEpoch(10, 1)
	if err := c.Change(change); err != nil {
		t.Fatal(err)
	}
	for range maxMarks + 20 {
		accept(t, c, w.checkpoint())
	}
	if len(c.marks) != maxMarks || len(c.AppendBinary(nil)) > MaxStateSize {
		t.Errorf("%d marks, %d bytes", len(c.marks), len(c.AppendBinary(nil)))
	}
	if err := c.Change(change); err != nil {
		t.Error("the epoch's change again, its mark gone:", err)
	}
	if err := c.Accept(&change.End); !errors.Is(err, Older) {
		t.Error("the epoch's end again, its mark gone:", err)
	}
	if err := c.Accept(first); !errors.Is(err, Older) {
		t.Error("the first checkpoint again:", err)
	}
	if w.index <= c.head.Checkpoint.Index-1 {
		t.Error("the head is not the newest")
	}
}

// TestRestart writes and reads the state at every step of a life.
func TestRestart(t *testing.T) {
	w := newWorld(t, 10, 12)
	c := Start(w.genesis)
	restart := func() {
		t.Helper()
		b := c.AppendBinary(nil)
		again, err := Restore(w.genesis, b)
		if err != nil {
			t.Fatal(err)
		}
		if string(again.AppendBinary(nil)) != string(b) {
			t.Fatal("restored, it has another state")
		}
		c = again
	}
	restart()
	for i := range 4 {
		w.pay(10)
		accept(t, c, w.checkpoint())
		restart()
		if err := c.Change(w.endEpoch(10, i%2)); err != nil {
			t.Fatal(err)
		}
		restart()
	}
	b := c.AppendBinary(nil)
	for i := range b {
		bad := slices.Clone(b)
		bad[i] ^= 4
		if _, err := Restore(w.genesis, bad); err == nil {
			t.Fatalf("byte %d changed: restored", i)
		}
	}
	other := newWorld(t, 11, 12)
	if _, err := Restore(other.genesis, b); err == nil {
		t.Error("restored on another network")
	}
	if _, err := Restore(w.genesis, nil); err == nil {
		t.Error("restored from nothing")
	}
}

// TestRestoreRefuses writes states, checksum and all, that no chain can have.
func TestRestoreRefuses(t *testing.T) {
	base := func() (*world, *Chain) {
		w, c := lived(t, 10, 12)
		accept(t, c, w.checkpointAgain())
		w.pay(3)
		accept(t, c, w.checkpoint())
		return w, c
	}
	for name, broken := range map[string]func(w *world, c *Chain){
		"another roster of epoch 0": func(w *world, c *Chain) {
			*c = *Start(w.genesis)
			roster := copyRoster(c.current.roster)
			roster.Members[0].Name = "x"
			c.current = newTerm(c.network, roster, mark{})
		},
		"another network":    func(w *world, c *Chain) { c.network[0] ^= 1 },
		"no epoch before":    func(w *world, c *Chain) { c.previous = nil },
		"one before epoch 0": func(w *world, c *Chain) { c.current = newTerm(c.network, w.genesis.EpochRoster(), mark{}) },
		"an epoch left out":  func(w *world, c *Chain) { c.previous = newTerm(c.network, w.genesis.EpochRoster(), mark{}) },
		"no head":            func(w *world, c *Chain) { c.head = kernel.CheckpointProof{} },
		"no marks":           func(w *world, c *Chain) { c.marks = nil },
		"another mark last":  func(w *world, c *Chain) { c.marks = c.marks[:len(c.marks)-1] },
		"marks out of order": func(w *world, c *Chain) { c.marks[0], c.marks[1] = c.marks[1], c.marks[0] },
		"an epoch not begun": func(w *world, c *Chain) { c.current.start.index += 1000 },
		"head of another chain": func(w *world, c *Chain) {
			c.head.Checkpoint.Network[0] ^= 1
			c.marks[len(c.marks)-1] = markOf(&c.head.Checkpoint)
		},
	} {
		w, c := base()
		if _, err := Restore(w.genesis, c.AppendBinary(nil)); err != nil {
			t.Fatal("base case is not valid:", err)
		}
		broken(w, c)
		if _, err := Restore(w.genesis, c.AppendBinary(nil)); err == nil {
			t.Errorf("%s: restored", name)
		}
	}
}

func TestRefusalNames(t *testing.T) {
	seen := map[string]bool{}
	for r := Refusal(1); r < refusalEnd; r++ {
		if name := r.Error(); name == "" || seen[name] {
			t.Errorf("refusal %d has the name %q", r, name)
		}
		seen[r.Error()] = true
	}
	if len(seen) != RefusalCount || Refusal(0).Error() == "" || refusalEnd.Error() == "" {
		t.Errorf("%d names, want %d", len(seen), RefusalCount)
	}
}

func FuzzRestore(f *testing.F) {
	w := newWorld(f, 10, 13)
	c := Start(w.genesis)
	f.Add(c.AppendBinary(nil)[:len(c.AppendBinary(nil))-32])
	w.pay(5)
	if err := c.Change(w.endEpoch(10, 1)); err != nil {
		f.Fatal(err)
	}
	f.Add(c.AppendBinary(nil)[:len(c.AppendBinary(nil))-32])
	f.Fuzz(func(t *testing.T, body []byte) {
		b := withChecksum(stateLabel, body)
		c, err := Restore(w.genesis, b)
		if err == nil && string(c.AppendBinary(nil)) != string(b) {
			t.Error("written again it is another state")
		}
	})
}

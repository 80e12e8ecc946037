package mempool

import (
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"pgregory.net/rapid"
)

// A model says what a pool must answer, by looking at everything each time.
type model struct {
	limits  Limits
	waiting []Candidate // by arrival
	since   map[kernel.TxHash]kernel.Round
	held    map[kernel.SnapshotID][]Claim
}

func (m *model) bytes() (n int) {
	for _, c := range m.waiting {
		n += len(c.Raw)
	}
	return n
}

func share(x, y []Touch) bool {
	return slices.ContainsFunc(x, func(t Touch) bool { return slices.Contains(y, t) })
}

func (m *model) find(h kernel.TxHash) int {
	return slices.IndexFunc(m.waiting, func(c Candidate) bool { return c.Hash == h })
}

// free reports whether no held snapshot repeats or contradicts c.
func (m *model) free(c Candidate) bool {
	for _, claims := range m.held {
		for _, h := range claims {
			if share(h.Touches, c.Touches) {
				return false
			}
		}
	}
	return true
}

func (m *model) carried(h kernel.TxHash) bool {
	for _, claims := range m.held {
		if slices.ContainsFunc(claims, func(c Claim) bool { return c.Hash == h }) {
			return true
		}
	}
	return false
}

// touches counts what waiting transactions and held snapshots take, each transaction's hash among it.
func (m *model) touches() int {
	taken := make(map[Touch]bool)
	take := func(c Claim) {
		taken[hashTouch(c.Hash)] = true
		for _, t := range c.Touches {
			taken[t] = true
		}
	}
	for _, c := range m.waiting {
		take(c.Claim)
	}
	for _, claims := range m.held {
		for _, c := range claims {
			take(c)
		}
	}
	return len(taken)
}

func (m *model) pick(k kernel.CommitIndex, room Room) (out []kernel.TxHash) {
	for _, c := range m.waiting {
		fits := len(c.Raw) <= room.Bytes && c.Signatures <= room.Signatures
		if len(out) < room.Count && m.free(c) && c.Checked <= k && (fits || len(out) == 0) {
			room.Bytes -= len(c.Raw)
			room.Signatures -= c.Signatures
			out = append(out, c.Hash)
		}
	}
	return out
}

func touch(n int) Touch { return InputTouch(kernel.OutputRef{Index: uint16(n)}) }

func claim(t *rapid.T) Claim {
	c := Claim{Hash: kernel.TxHash{byte(rapid.IntRange(1, 40).Draw(t, "transaction"))}}
	// What a transaction takes is a function of it: one to three of a few touches, at times one twice.
	for i := range 1 + int(c.Hash[0])%3 {
		c.Touches = append(c.Touches, touch((int(c.Hash[0])*7+i*i)%12))
	}
	if c.Hash[0]%5 == 0 {
		c.Touches = append(c.Touches, c.Touches[0])
	}
	return c
}

// TestPool compares the pool with the model through random lives.
func TestPool(t *testing.T) {
	if full() {
		flag.Set("rapid.checks", "5000")
	}
	rapid.Check(t, life)
}

// FuzzPool is TestPool with a fuzzer in the place of chance.
func FuzzPool(f *testing.F) {
	for seed := range uint64(4) { // rapid draws from the bytes and wants many
		b, random := make([]byte, 8<<10), rand.New(rand.NewPCG(seed, 0))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(rapid.MakeFuzz(life))
}

// full is set by make test-full: the whole numbers of the test plan instead of a sample. It is
// asked inside tests: what is read before them does not count for the cache of test results.
func full() bool { return os.Getenv("ASTERISM_FULL") != "" }

func life(t *rapid.T) {
	limits := Limits{Count: rapid.IntRange(1, 8).Draw(t, "count"), Bytes: 200}
	pool := New(limits)
	m := &model{limits: limits, since: make(map[kernel.TxHash]kernel.Round), held: make(map[kernel.SnapshotID][]Claim)}
	t.Repeat(map[string]func(*rapid.T){
		"":        func(t *rapid.T) { m.compare(t, pool) },
		"add":     func(t *rapid.T) { m.add(t, pool) },
		"hold":    func(t *rapid.T) { m.hold(t, pool) },
		"release": func(t *rapid.T) { m.release(t, pool) },
		"settle":  func(t *rapid.T) { m.settle(t, pool) },
		"overdue": func(t *rapid.T) { m.overdue(t, pool) },
	})
}

func (m *model) compare(t *rapid.T, p *Pool) {
	if p.Len() != len(m.waiting) || p.Bytes() != m.bytes() {
		t.Fatalf("%d waiting of %d bytes, want %d of %d", p.Len(), p.Bytes(), len(m.waiting), m.bytes())
	}
	if p.Len() > m.limits.Count || p.Bytes() > m.limits.Bytes {
		t.Fatal("above the limits")
	}
	if want := slices.ContainsFunc(m.waiting, m.free); p.Waiting() != want {
		t.Fatalf("waiting is %v, want %v", p.Waiting(), want)
	}
	if got, want := len(p.takings.cells)-1-len(p.takings.free), m.touches(); got != want {
		t.Fatalf("%d touches are kept, want %d", got, want)
	}
	for h := range byte(41) {
		tx := kernel.TxHash{h}
		if _, waits := p.Get(tx); waits != (m.find(tx) >= 0) || p.Carried(tx) != m.carried(tx) {
			t.Fatalf("transaction %d waits: %v, is carried: %v; one of it is wrong", h, waits, p.Carried(tx))
		}
	}
	k := kernel.CommitIndex(rapid.IntRange(0, 4).Draw(t, "k"))
	room := Room{rapid.IntRange(0, 9).Draw(t, "pick count"), rapid.IntRange(0, 120).Draw(t, "pick bytes"), rapid.IntRange(0, 8).Draw(t, "pick signatures")}
	var got []kernel.TxHash
	for _, c := range p.Pick(k, room) {
		got = append(got, c.Hash)
	}
	if want := m.pick(k, room); !slices.Equal(got, want) {
		t.Fatalf("picked %v, want %v", got, want)
	}
}

func (m *model) add(t *rapid.T, p *Pool) {
	c := Candidate{Claim: claim(t), Raw: make([]byte, rapid.IntRange(1, 80).Draw(t, "size")), Signatures: rapid.IntRange(1, 5).Draw(t, "signatures"), Checked: kernel.CommitIndex(rapid.IntRange(0, 4).Draw(t, "checked"))}
	round := kernel.Round(rapid.IntRange(0, 9).Draw(t, "round"))
	err := p.Add(c, round)
	conflict := slices.IndexFunc(m.waiting, func(o Candidate) bool { return share(o.Touches, c.Touches) })
	var with *Conflict
	switch {
	case m.find(c.Hash) >= 0:
		if err != nil {
			t.Fatal("a known one is refused:", err)
		}
	case conflict >= 0:
		if !errors.As(err, &with) || m.find(with.With) < 0 {
			t.Fatal("got", err, "want a conflict")
		}
	case len(m.waiting) == m.limits.Count || m.bytes()+len(c.Raw) > m.limits.Bytes:
		if !errors.Is(err, ErrFull) {
			t.Fatal("got", err, "want full")
		}
	default:
		if err != nil {
			t.Fatal(err)
		}
		m.waiting = append(m.waiting, c)
		m.since[c.Hash] = round
	}
}

func (m *model) hold(t *rapid.T, p *Pool) {
	id := kernel.SnapshotID{byte(rapid.IntRange(0, 5).Draw(t, "snapshot"))}
	claims := []Claim{claim(t), claim(t)}
	p.Hold(id, claims)
	if _, known := m.held[id]; !known {
		m.held[id] = claims
	}
}

func (m *model) release(t *rapid.T, p *Pool) {
	id := kernel.SnapshotID{byte(rapid.IntRange(0, 5).Draw(t, "snapshot"))}
	p.Release(id)
	delete(m.held, id)
}

func (m *model) settle(t *rapid.T, p *Pool) {
	c, final := claim(t), rapid.Bool().Draw(t, "final")
	var want []kernel.TxHash
	m.waiting = slices.DeleteFunc(m.waiting, func(o Candidate) bool {
		if o.Hash != c.Hash && final && share(o.Touches, c.Touches) {
			want = append(want, o.Hash)
			return true
		}
		return o.Hash == c.Hash
	})
	got := p.Settle(c, final)
	byHash := func(x, y kernel.TxHash) int { return x.Compare(y) }
	slices.SortFunc(got, byHash)
	slices.SortFunc(want, byHash)
	if !slices.Equal(got, want) {
		t.Fatalf("beats %v, want %v", got, want)
	}
}

func (m *model) overdue(t *rapid.T, p *Pool) {
	after, now := kernel.Round(rapid.IntRange(1, 10).Draw(t, "after")), kernel.Round(10)
	room := Room{rapid.IntRange(0, 3).Draw(t, "count"), rapid.IntRange(0, 120).Draw(t, "bytes"), rapid.IntRange(0, 8).Draw(t, "signatures")}
	var want, got []kernel.TxHash
	bytes, signatures := 0, 0
	for _, c := range m.waiting {
		if now <= m.since[c.Hash]+after {
			continue
		}
		bytes, signatures = bytes+len(c.Raw), signatures+c.Signatures
		if len(want) == room.Count || len(want) > 0 && (bytes > room.Bytes || signatures > room.Signatures) {
			break
		}
		m.since[c.Hash] = now
		want = append(want, c.Hash)
	}
	for _, c := range p.Overdue(now, after, room) {
		got = append(got, c.Hash)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("overdue are %v, want %v", got, want)
	}
}

// BenchmarkPick takes a body out of a full pool.
func BenchmarkPick(b *testing.B) {
	p := New(Limits{Count: 50_000, Bytes: 64 << 20})
	for i := range 50_000 {
		c := Candidate{Claim: Claim{Hash: kernel.TxHash{byte(i), byte(i >> 8), 1}, Touches: []Touch{touch(i)}}, Raw: make([]byte, 300)}
		if err := p.Add(c, 1); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		p.Pick(0, Room{1000, 1 << 20, 2048})
	}
}

// TestPickSignatures fills bodies up to their signatures: what has more than is left waits until it is the oldest, and
// what has more than all of the room then goes alone, however many with one come after it.
func TestPickSignatures(t *testing.T) {
	p, room := New(Limits{Count: 100, Bytes: 1000}), Room{Count: 10, Bytes: 1000, Signatures: 8}
	add := func(hash byte, signatures int) {
		if err := p.Add(Candidate{Claim: Claim{Hash: kernel.TxHash{hash}, Touches: []Touch{touch(int(hash))}}, Raw: []byte{1}, Signatures: signatures}, 1); err != nil {
			t.Fatal(err)
		}
	}
	add(1, 3)
	add(2, 6)
	add(3, 20)
	add(4, 5)
	for body, want := range [][]byte{{1, 4}, {2, 101, 102}, {3}, {100, 103, 104, 105, 106}} {
		var got []byte
		for _, c := range p.Pick(1, room) {
			got = append(got, c.Hash[0])
			p.Settle(c.Claim, true)
		}
		if !slices.Equal(got, want) {
			t.Errorf("body %d has %v, want %v", body, got, want)
		}
		if body == 0 {
			add(100, 3)
			for i := range byte(3) {
				add(101+i, 1)
			}
		}
		add(104+byte(body), 1)
	}
}

// TestOverdueRoom: what one message has no room for goes with the next, in its order, and nothing is left behind.
func TestOverdueRoom(t *testing.T) {
	p := New(Limits{Count: 10, Bytes: 1000})
	for i, c := range []struct{ bytes, signatures int }{{1, 1}, {1, 9}, {3, 1}, {50, 99}, {5, 5}, {5, 5}, {1, 0}, {1, 1}, {1, 1}, {1, 1}} {
		if err := p.Add(Candidate{Claim: Claim{Hash: kernel.TxHash{byte(i)}}, Raw: make([]byte, c.bytes), Signatures: c.signatures}, 1); err != nil {
			t.Fatal(err)
		}
	}
	var got []int
	next := byte(0)
	for {
		list := p.Overdue(20, 10, Room{Count: 3, Bytes: 10, Signatures: 10})
		if len(list) == 0 {
			break
		}
		got = append(got, len(list))
		for _, c := range list {
			if c.Hash != (kernel.TxHash{next}) {
				t.Fatalf("number %d is another", next)
			}
			next++
		}
	}
	if want := []int{2, 1, 1, 2, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("sent so many at a time: %v, want %v", got, want)
	}
}

// TestCarried follows a transaction that two snapshots carry until both are settled.
func TestCarried(t *testing.T) {
	p := New(Limits{Count: 10, Bytes: 1000})
	c := Claim{Hash: kernel.TxHash{1}, Touches: []Touch{KeyTouch(kernel.Key{1})}}
	a, b := kernel.SnapshotID{1}, kernel.SnapshotID{2}
	p.Hold(a, []Claim{c})
	p.Hold(b, []Claim{c})
	p.Release(a)
	if !p.Carried(c.Hash) || p.Carried(kernel.TxHash{2}) {
		t.Error("carried by one snapshot still: not known, or another one is")
	}
	p.Release(b)
	p.Release(b)
	if p.Carried(c.Hash) {
		t.Error("carried by nobody, but known")
	}
}

// TestOverdueOverEpochs: rounds begin anew with every epoch, and what was waited is not forgotten.
func TestOverdueOverEpochs(t *testing.T) {
	p := New(Limits{Count: 10, Bytes: 1000})
	if err := p.Add(Candidate{Claim: Claim{Hash: kernel.TxHash{1}}, Raw: []byte{1}}, 5); err != nil {
		t.Fatal(err)
	}
	for epoch := range 3 { // of 25 rounds each, the first heard of it in round 5
		if list := p.Overdue(25, 100, Room{Count: 10}); len(list) != 0 {
			t.Fatalf("overdue in epoch %d", epoch)
		}
		p.Restart(25)
	}
	if list := p.Overdue(30, 100, Room{Count: 10}); len(list) != 0 { // 20 + 25 + 25 + 30
		t.Fatal("overdue after 100 rounds")
	}
	if list := p.Overdue(31, 100, Room{Count: 10}); len(list) != 1 {
		t.Fatal("not overdue after 101 rounds, over four epochs")
	}
	if list := p.Overdue(131, 100, Room{Count: 10}); len(list) != 0 {
		t.Fatal("sent around again too soon")
	}
	if list := p.Overdue(132, 100, Room{Count: 10}); len(list) != 1 {
		t.Fatal("not sent around again")
	}
}

func TestTouchesDiffer(t *testing.T) {
	input := func(index uint16, b byte) Touch {
		return InputTouch(kernel.OutputRef{Hash: kernel.TxHash{b}, Index: index})
	}
	seen := make(map[Touch]int)
	for i, x := range []Touch{
		input(0, 0), input(1, 0), input(256, 0), input(0, 1),
		KeyTouch(kernel.Key{}), KeyTouch(kernel.Key{1}), KeyTouch(kernel.Key{31: 1}),
		IdentityTouch(kernel.Hash{}), IdentityTouch(kernel.Hash{1}), IdentityTouch(kernel.Hash{31: 1}),
	} {
		if j, twice := seen[x]; twice {
			t.Errorf("touches %d and %d are equal", j, i)
		}
		seen[x] = i
	}
}

// BenchmarkHold holds, settles and releases snapshots of 20 payments of five touches each, of which 1,000 are unsettled,
// while 4,000 other payments wait.
func BenchmarkHold(b *testing.B) {
	const unsettled, payments, waiting = 1000, 20, 4000
	random := rand.NewChaCha8([32]byte{1})
	payment := func() (c Claim) {
		_, _ = random.Read(c.Hash[:])
		for range 5 {
			var k kernel.Key
			_, _ = random.Read(k[:])
			c.Touches = append(c.Touches, KeyTouch(k))
		}
		return c
	}
	p := New(Limits{Count: waiting, Bytes: 1})
	for range waiting {
		if err := p.Add(Candidate{Claim: payment()}, 1); err != nil {
			b.Fatal(err)
		}
	}
	type snapshot struct {
		id     kernel.SnapshotID
		claims []Claim
	}
	list := make([]snapshot, 4*unsettled)
	for i := range list {
		_, _ = random.Read(list[i].id[:])
		for range payments {
			list[i].claims = append(list[i].claims, payment())
		}
	}
	for i := range unsettled {
		p.Hold(list[i].id, list[i].claims)
	}
	i := 0
	for b.Loop() {
		next, oldest := &list[(i+unsettled)%len(list)], &list[i%len(list)]
		p.Hold(next.id, next.claims)
		for _, c := range oldest.claims {
			p.Settle(c, true)
		}
		p.Release(oldest.id)
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/payments, "ns/payment")
}

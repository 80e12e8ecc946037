package sim

import (
	"context"
	"flag"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

var (
	firstSeed = flag.Uint64("first", 1, "first seed of the random tests")
	attackOf  = flag.String("attack", "", "only this attack")
)

// full says that the long figures are asked for. The longest are make sim-pillars and make reorgs.
func full() bool { return os.Getenv("ASTERISM_FULL") != "" }

// pick is a figure for each length of tests.
func pick(short, usual, all int) int {
	switch {
	case full():
		return all
	case testing.Short():
		return short
	}
	return usual
}

func never() bool { return false }

// TestSteady: work every 28 s and stake every 252 s, nine of ten by work; all nodes agree, the referee finds nothing, the
// store of the whole chain has the state that was computed beside it.
func TestSteady(t *testing.T) {
	o := Options{
		Profile: "steady", First: *firstSeed, Blocks: pick(1200, 1200, 20_000), Warmup: pick(4000, 4000, 10_000), Seeds: pick(1, 1, 5),
	}
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Runs {
		t.Logf("seed %d: %.2f s and %.1f s, %.4f and %.4f, %d stale, deepest reorganisation %d, stalled %.4f, %d by the valve", s.Seed, s.PoW, s.PoS, s.PoWShare, s.PoSShare, s.Stale, s.Deepest, s.Stalled, s.Valve)
		if s.Error != "" {
			t.Error(s.Error)
		}
	}
	if full() && !r.Ok {
		t.Error(r.Complaints)
	}
	loose := 0.15 // short runs are far from their mean
	if !near(r.PoW, wantPoW, loose) || !near(r.PoS, wantPoS, 2*loose) {
		t.Errorf("%.2f s and %.1f s", r.PoW, r.PoS)
	}
}

// TestSameSeed: a run is a function of its options, whatever runs beside it.
func TestSameSeed(t *testing.T) {
	o, err := Options{Blocks: 150, Warmup: 550, Seeds: 2, Workers: 2}.filled()
	if err != nil {
		t.Fatal(err)
	}
	quiet := func(uint32) {}
	one := steady(o, pillars.MainnetLike(), 7, quiet, never)
	two := steady(o, pillars.MainnetLike(), 7, quiet, never)
	if one != two || one.Error != "" {
		t.Errorf("%+v\n%+v", one, two)
	}
	if other := steady(o, pillars.MainnetLike(), 8, quiet, never); other.Tip == one.Tip {
		t.Error("two seeds, one chain")
	}
}

// TestShock: ten times the hash rate and a tenth of it, against the old rule.
func TestShock(t *testing.T) {
	if testing.Short() {
		t.Skip("some ten thousand blocks")
	}
	r, err := Run(t.Context(), Options{Profile: "shock", First: *firstSeed, Seeds: pick(1, 1, 5)})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Shocks {
		t.Logf("%+v", s)
	}
	if !r.Ok {
		t.Error(r.Complaints)
	}
}

// TestExpected: what the rules by themselves give is near what their drift gives, where that can be integrated: with the bound of
// runs away, blocks are the integral of 1/E[ln(1+A/2048)] over the logarithm of the difficulty.
func TestExpected(t *testing.T) {
	p := pillars.MainnetLike()
	p.Runs.PoW = 1 << 30
	e := expect(&p, sim.Stream(1, "test"))
	for _, tt := range []struct {
		name            string
		from, to        float64
		mean, deviation float64
	}{{"up", 1.0 / shockFactor, shockNear, e.Up, e.UpSpread}, {"down", shockFactor, 1 / shockNear, e.Down, e.DownSpread}} {
		want := 0.0
		const parts = 1000
		h := math.Log(tt.to/tt.from) / parts
		for i := range parts {
			x := tt.from * math.Exp((float64(i)+0.5)*h)
			drift, more := 0.0, math.Exp(-float64(p.PoW.DivisorMilli)/1000/target(&p.PoW)/x) // the chance that an interval has one step more
			for k := range 400 {
				a := max(float64(p.PoW.Up)-float64(k), -float64(p.PoW.Down))
				drift += math.Pow(more, float64(k)) * (1 - more) * math.Log(1+a/float64(p.PoW.Scale))
			}
			want += h / drift
		}
		if math.Abs(tt.mean-want) > 4*tt.deviation/math.Sqrt(shockDraws)+10 { // and a step or so past the end
			t.Errorf("%s: %.0f blocks with a deviation of %.0f, the integral says %.0f", tt.name, tt.mean, tt.deviation, want)
		}
	}
}

// TestAttacks: no attack gains more than its bound, and each does what it says.
func TestAttacks(t *testing.T) {
	for _, a := range attacks {
		if *attackOf != "" && a.name != *attackOf {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			o, err := Options{Blocks: pick(1000, 1000, 20_000)}.filled()
			if err != nil {
				t.Fatal(err)
			}
			o.brief = !full()
			for seed := *firstSeed; seed < *firstSeed+uint64(pick(1, 1, 5)); seed++ {
				g := attackRun(a, o, seed, never)
				t.Logf("seed %d gains %.4f of at most %.4f, noise %.4f: %v", seed, g.Gain, g.Bound, g.Noise, g.Detail)
				if !g.Ok {
					t.Errorf("seed %d: gains %.4f, bound %.4f; %s", seed, g.Gain, g.Bound, g.Error)
				}
			}
		})
	}
}

// TestReorganisations: state after any reorganisation is the state built straight, also after crashes on the way.
func TestReorganisations(t *testing.T) {
	cases := pick(12, 30, 1000)
	var all Reorg
	sim.Each(t.Context(), cases, 2, func(i int) Reorg { return ReorgCase(*firstSeed+uint64(i), 0) }, func(_ int, r Reorg) bool {
		all.add(r)
		return r.Error == ""
	})
	t.Logf("%d cases, %d blocks taken back, deepest %d, %d crashes", all.Cases, all.Undone, all.Deepest, all.Crashes)
	if all.Error != "" {
		t.Fatal(all.Error)
	}
	if all.Cases != cases || all.Crashes < cases {
		t.Errorf("%+v", all)
	}
	if r := ReorgCase(*firstSeed, deepestReorg); r.Error != "" || r.Deepest != deepestReorg {
		t.Errorf("%+v", r)
	}
}

// TestCanaries: every rule that is broken is noticed, and by the one that watches over it.
func TestCanaries(t *testing.T) {
	want := map[string]string{
		"difficulty-off-by-one": "PIL-DIF-1", "retarget-steps": "PIL-DIF-1", "stake-retarget": "PIL-DIF-1", "no-work-run": "PIL-RUN-1",
		"free-stake-weight": "the chain weighs", "young-stake": "PIL-POS-4", "generous-subsidy": "PIL-RWD-2", "wide-window": "ahead of its clock",
	}
	p := pillars.MainnetLike()
	p.Runs.Grace = 700
	run := func(t *testing.T, canary string) string {
		o, err := Options{Blocks: 200, Warmup: 900, Canary: canary}.filled()
		if err != nil {
			t.Fatal(err)
		}
		return steady(o, p, *firstSeed, func(uint32) {}, never).Error
	}
	if text := run(t, ""); text != "" {
		t.Fatal("nothing is broken:", text)
	}
	for _, c := range Canaries() {
		t.Run(c.Name, func(t *testing.T) {
			if text := run(t, c.Name); !strings.Contains(text, want[c.Name]) || want[c.Name] == "" {
				t.Errorf("%q, want %q", text, want[c.Name])
			}
		})
	}
}

// TestSearch: the draw has the mean that hash rate and difficulty give, and nothing is found while a run is used up.
func TestSearch(t *testing.T) {
	p := pillars.MainnetLike()
	b := consensus.Start(&pillars.Header{Version: pillars.HeaderVersion(pillars.PoW, true), Timestamp: genesisStamp})
	rng := sim.Stream(1, "test")
	rate := p.PoW.Minimum.Float64() / 28
	const draws = 20_000
	sum := 0.0
	now := sim.Time(genesisStamp+5) * 1000
	same := func(second uint32) uint32 { return second }
	for range draws {
		after, stamp, ok := search(&p, &b, rate, rng, now, same)
		if !ok || stamp != uint32((now+after)/1000) {
			t.Fatalf("after %d ms with stamp %d, %v", after, stamp, ok)
		}
		sum += float64(after) / 1000
	}
	if mean := sum / draws; math.Abs(mean-28) > 28*4/math.Sqrt(draws) {
		t.Errorf("a mean of %.2f s", mean)
	}
	p.Runs.Grace, p.Runs.PoW = 0, 1
	b.WorkRun = 1
	after, stamp, ok := search(&p, &b, 1e18, rng, now, same)
	if opens := genesisStamp + p.Runs.ValveSeconds; !ok || stamp != opens || after < sim.Time(opens)*1000-now {
		t.Errorf("found after %d ms with stamp %d: the valve opens at %d", after, stamp, opens)
	}
	p.Runs.ValveFactor = 0
	if _, _, ok := search(&p, &b, 1e18, rng, now, same); ok {
		t.Error("found what may not follow")
	}
}

// TestDrawnSeals: nobody has a seal that the world did not give.
func TestDrawnSeals(t *testing.T) {
	d := newDrawn(sim.Stream(1, "seals"))
	h := pillars.Header{Version: pillars.HeaderVersion(pillars.PoW, true), Number: 1}
	forged := h
	d.seal(&h)
	changed := h
	changed.Timestamp++
	stake := pillars.Header{Version: pillars.HeaderVersion(pillars.PoS, true)}
	for i, tt := range []struct {
		headers []*pillars.Header
		good    int
	}{
		{[]*pillars.Header{&h, &stake}, 2},
		{[]*pillars.Header{&h, &forged}, 1},
		{[]*pillars.Header{&changed, &h}, 0},
	} {
		if good, err := d.Verify(tt.headers); good != tt.good || (err == nil) != (good == len(tt.headers)) {
			t.Errorf("case %d: %d good, %v", i, good, err)
		}
	}
	if newDrawn(sim.Stream(2, "seals")).mix(&h) == h.MixHash {
		t.Error("two worlds have one secret")
	}
}

// TestCourt: the state after a block is the same whichever way the court came there.
func TestCourt(t *testing.T) {
	o, err := Options{}.filled()
	if err != nil {
		t.Fatal(err)
	}
	p := contestParams(contestRate, contestOutputs, nearStart)
	scene := newScene(p, steadyParts(o.HashRate, 2), sim.Stream(3, "scene"))
	w, err := newWorld(scene, &scene.params, 3)
	if err != nil {
		t.Fatal(err)
	}
	w.runTo(300, never)
	tip := w.nodes[0].tip().ID()
	before := w.court.view(tip).root()
	stakes := append([]string{}, names(w)...)
	for _, r := range w.court.chain(tip) {
		w.court.move(r.branch.ID)
	}
	if w.court.view(tip).root() != before || !reflect.DeepEqual(stakes, names(w)) {
		t.Error("another state on another way")
	}
	if root := w.nodes[0].full.Store().StateRoot(); root != before {
		t.Error("the store has another state")
	}
}

func names(w *world) (all []string) {
	for _, owner := range w.owners() {
		for _, s := range w.court.stakes(w.nodes[0].tip().ID(), owner) {
			all = append(all, s.Outpoint.Tx.String())
		}
	}
	return all
}

// TestOptions: what makes no sense is refused with a reason.
func TestOptions(t *testing.T) {
	for _, o := range []Options{
		{Profile: "none"}, {Attack: "none"}, {Canary: "none"}, {Blocks: -1}, {Blocks: maxBlocks}, {Seeds: -1}, {Stakers: -1}, {Stakers: 21},
		{HashRate: 1}, {HashRate: math.NaN()}, {HashRate: math.Inf(1)}, {Workers: -1}, {Cases: -1}, {Warmup: -1},
	} {
		if _, err := Run(context.Background(), o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

// TestInterrupted: a report of a run that was stopped says so and is not ok.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, err := Run(ctx, Options{Profile: "steady", Seeds: 1, Progress: func(string) { cancel() }})
	if err != nil || r.Ok || !r.Interrupted {
		t.Errorf("%+v, %v", r, err)
	}
}

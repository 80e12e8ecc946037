package sim

import (
	"math/rand/v2"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
)

// A profile is a way to make a network suffer. Its fields are drawn anew for each seed.
type profile struct {
	nodes       int
	parameters  kernel.Parameters
	near, far   sim.Time // delays of links
	conditions  sim.Conditions
	batchWindow kernel.Timestamp
	execution   sim.Time // of a commit takes less than this, by chance; 0 is no time at all
	fanout      int
	limits      engine.Limits
	appetite    appetite
	traitors    int // at most f
	scheme      bool
	renews      bool     // members have stakes, and epochs change
	extras      int      // people who are no members at first
	payments    int      // transactions or pairs that clients make
	gap         sim.Time // between them, on average
	rounds      kernel.Round
	patience    sim.Time // after all is calm, until everything has an answer
	plan        func(*planner)
}

// A Profile is a profile as the command line names it.
type Profile struct {
	Name string
	Help string
	draw func(p *profile, dice *rand.Rand)
}

// Profiles lists what there is.
func Profiles() []Profile {
	return []Profile{
		{"chaos", "everything at once: loss, long delays, partitions, crashes, full disks, wrong clocks, liars", drawChaos},
		{"async", "an adversary owns the network: splits votes, hides leaders, f members silent", drawAsync},
		{"byzantine", "f members do what they can, on a network that is merely bad", drawByzantine},
		{"storm", "links clog in turn and all nodes restart, again and again, then calm", drawStorm},
		{"horizon", "a short memory: late snapshots, long partitions and conflicts at the horizon", drawHorizon},
		{"clients", "double spends, resubmission, other envelopes, deposits and withdrawals", drawClients},
		{"clock", "clocks that are wrong, drift, jump and stand still", drawClock},
		{"restart", "crashes at every moment between deciding, writing and sending; restored and copied folders", drawRestart},
		{"disk", "torn and lost writes, full disks, errors, flipped bits", drawDisk},
		{"loss", "a node loses its disk and comes back with its key only", drawLoss},
		{"epochs", "the coin's key is renewed again and again, with crashes and partitions in between", drawEpochs},
		{"members", "nodes join, leave, lie about the key and lose their stakes, with crashes and partitions in between", drawMembers},
		{"coin", "wrong, missing and late coin shares", drawCoin},
	}
}

// sizes is how large networks are, by how often. Larger ones have rows of their own.
var sizes = []int{7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 8, 8, 10}

// base is a network on which nothing goes wrong, yet.
func base(p *profile, nodes int, dice *rand.Rand) {
	p.nodes = nodes
	if nodes == 0 {
		p.nodes = sizes[dice.IntN(len(sizes))]
	}
	p.parameters = kernel.DefaultParameters()
	p.parameters.Wave = uint8(4 + dice.IntN(2))
	p.parameters.Slots = uint8([]int{1, 2, 1, 2, 3}[dice.IntN(5)])
	p.parameters.Horizon, p.parameters.Depth = 40, 20
	p.near, p.far = 1, sim.Time(2+dice.IntN(30))
	p.conditions = sim.Conditions{Jitter: sim.Time(dice.IntN(12))}
	p.batchWindow, p.execution = 10, 3
	p.payments, p.gap = 90, 20+p.far+p.conditions.Jitter // about two rounds
	p.rounds, p.patience = 200, 60_000
	p.appetite = appetite{doubles: 5, deposits: 4, withdrawals: 4, wrong: 4}
	p.limits.Pending, p.limits.Pool.Count = 64, 4096
	if dice.IntN(8) == 0 { // everything that is bounded, bounded tightly
		p.limits.Pending, p.limits.Serve, p.limits.MakeAtOnce, p.limits.BodyEntries = 2+dice.IntN(8), 4+dice.IntN(12), 1+dice.IntN(3), 1+dice.IntN(3)
		p.limits.Pool.Count = 8
	}
	if p.nodes > 10 { // the work of a round grows with the square of the nodes, at least
		p.rounds, p.payments = max(40, 1500/kernel.Round(p.nodes)), 60
	}
}

func drawChaos(p *profile, dice *rand.Rand) {
	p.conditions.Loss, p.conditions.Twice = dice.IntN(4)*40, dice.IntN(3)*100
	p.conditions.Late, p.conditions.LateBy = dice.IntN(3)*10, sim.Time(1000<<dice.IntN(7))
	p.conditions.Bandwidth = []int{0, 0, 200, 1000}[dice.IntN(4)]
	p.fanout = []int{0, 0, 0, 3}[dice.IntN(4)]
	f := (p.nodes - 1) / 3
	p.traitors = dice.IntN(f + 1)
	p.appetite.doubles = dice.IntN(21)
	p.plan = func(b *planner) {
		b.several(2, (*planner).partition)
		b.several(2, (*planner).oneWay)
		b.several(1, (*planner).isolate)
		b.several(3, (*planner).crash)
		b.several(2, (*planner).dooms)
		b.several(1, (*planner).freeze)
		b.several(1, (*planner).fullDisk)
		b.several(1, (*planner).slowLedger)
		b.several(1, (*planner).skew)
		b.spoil(1, (*planner).wipe)
		b.spoil(1, (*planner).restore)
	}
}

func drawAsync(p *profile, dice *rand.Rand) {
	p.scheme = true
	p.traitors = (p.nodes - 1) / 3
	if dice.IntN(2) == 0 {
		p.traitors = dice.IntN(p.traitors) // the adversary silences others in their place, others each time
	}
	p.parameters.Wave = 5
	p.payments = 100
	p.plan = func(b *planner) { b.traitorsAre("silent") }
}

func drawByzantine(p *profile, dice *rand.Rand) {
	p.conditions.Loss, p.conditions.Twice = dice.IntN(3)*15, dice.IntN(2)*50
	p.traitors = (p.nodes - 1) / 3
	p.scheme = dice.IntN(3) == 0
	p.payments, p.rounds = 85, 180
	p.plan = func(b *planner) {
		b.several(1, (*planner).partition)
		b.several(1, (*planner).crash)
	}
}

func drawStorm(p *profile, dice *rand.Rand) {
	p.patience = 30_000
	p.plan = func(b *planner) {
		for range 3 {
			b.several(8, (*planner).clog)
			b.everybody()
		}
	}
}

func drawHorizon(p *profile, dice *rand.Rand) {
	g := kernel.Round(6 + dice.IntN(12))
	p.parameters.Horizon, p.parameters.Depth = g, 1+kernel.Round(dice.IntN(int(g)-1))
	p.traitors = dice.IntN((p.nodes-1)/3 + 1)
	p.appetite.doubles = 15
	p.conditions.Twice, p.conditions.Late, p.conditions.LateBy = 50, 10, 2000
	p.plan = func(b *planner) {
		b.several(3, (*planner).isolate)
		b.several(2, (*planner).partition)
		b.several(3, (*planner).oneWay)
	}
}

func drawClients(p *profile, dice *rand.Rand) {
	p.appetite = appetite{doubles: dice.IntN(21), wrong: 15, deposits: 12, withdrawals: 12}
	p.conditions.Loss = dice.IntN(2) * 20
	p.traitors = dice.IntN(2)
	p.payments, p.gap = 160, p.gap*2/3
	p.plan = func(b *planner) { b.several(1, (*planner).crash) }
}

func drawClock(p *profile, dice *rand.Rand) {
	p.plan = func(b *planner) { b.several(p.nodes, (*planner).skew) }
}

func drawRestart(p *profile, dice *rand.Rand) {
	p.plan = func(b *planner) {
		b.several(8, (*planner).dooms)
		b.several(3, (*planner).crash)
		b.spoil(1, (*planner).restore)
		b.spoil(1, (*planner).copy)
	}
}

func drawDisk(p *profile, dice *rand.Rand) {
	p.plan = func(b *planner) {
		b.several(5, (*planner).crash)
		b.several(4, (*planner).dooms)
		b.several(3, (*planner).fullDisk)
		b.several(3, (*planner).diskError)
		b.several(1, (*planner).slowDisk)
		b.spoil(1, (*planner).flip)
	}
}

func drawLoss(p *profile, dice *rand.Rand) {
	p.plan = func(b *planner) {
		b.spoil(1+dice.IntN(2), (*planner).wipe)
		b.several(2, (*planner).crash)
	}
}

func drawCoin(p *profile, dice *rand.Rand) {
	p.traitors = (p.nodes - 1) / 3
	p.scheme = dice.IntN(2) == 0
	p.plan = func(b *planner) { b.traitorsAre("bad-share", "no-share", "late-share") }
}

func drawEpochs(p *profile, dice *rand.Rand) {
	p.renews = true
	p.parameters.EpochLength = uint64(100 + 40*int(p.parameters.Slots) + dice.IntN(200))
	p.parameters.CheckpointPeriod = uint64(1000 + 50*dice.IntN(80)) // ms
	p.appetite.deposits = 0                                         // there is no more XIN to come
	p.conditions.Loss, p.conditions.Twice = dice.IntN(3)*20, dice.IntN(2)*50
	p.rounds, p.payments = 500, 120
	if p.nodes > 10 { // an epoch needs its ceremony, some forty rounds; the rest is work that grows with the square of the nodes
		p.rounds, p.payments = max(130, 5000/kernel.Round(p.nodes)), 60
		p.parameters.EpochLength = uint64(100 + 40*int(p.parameters.Slots))
	}
	p.plan = func(b *planner) {
		b.several(2, (*planner).partition)
		b.several(2, (*planner).oneWay)
		b.several(2, (*planner).isolate)
		b.several(4, (*planner).crash)
		b.several(4, (*planner).dooms)
		b.several(1, (*planner).slowLedger)
		for range dice.IntN(2) {
			b.everybody()
		}
		b.spoil(1, (*planner).wipe)
		b.spoil(1, (*planner).restore)
		b.spoil(1, (*planner).copy)
	}
}

func drawMembers(p *profile, dice *rand.Rand) {
	drawEpochs(p, dice)
	p.parameters.Pledge = kernel.NewAmount(400_00000000)
	p.extras = dice.IntN(3)
	if p.nodes+p.extras > kernel.MaxMembers {
		p.extras = kernel.MaxMembers - p.nodes
	}
	leaves, rebels := dice.IntN(3), dice.IntN((p.nodes-1)/3+1)
	cheats := dice.IntN(2) == 0
	if p.nodes+2 >= kernel.MaxMembers { // as many as there may be, and then fewer
		p.extras, leaves = kernel.MaxMembers-p.nodes, 1+dice.IntN(2)
	}
	faults := p.plan
	p.plan = func(b *planner) {
		b.members(p.extras, leaves)
		b.rebels(rebels)
		if cheats {
			b.cheats()
		}
		faults(b)
	}
}

// profileOf draws the profile of a run.
func profileOf(o Options) (*profile, bool) {
	for _, candidate := range Profiles() {
		if candidate.Name == o.Profile {
			p, dice := new(profile), sim.Stream(o.Seed, "profile")
			base(p, o.Nodes, dice)
			candidate.draw(p, dice)
			return p, true
		}
	}
	return nil, false
}

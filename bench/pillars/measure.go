package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/asterism-network/asterism/internal/cputime"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/mining"
	"github.com/asterism-network/asterism/pillars/internal/pow"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// A cost is what something took: on the clock, and of the processors (user and system, all threads).
type cost struct {
	Wall time.Duration
	CPU  time.Duration
}

// measure runs something with so many processors.
func measure(processors int, do func() error) (c cost, err error) {
	before := runtime.GOMAXPROCS(processors)
	defer runtime.GOMAXPROCS(before)
	runtime.GC()
	cpu, start := cputime.Process(), time.Now()
	err = do()
	return cost{time.Since(start), cputime.Process() - cpu}, err
}

// median of durations.
func median(all []time.Duration) time.Duration {
	s := slices.Sorted(slices.Values(all))
	return s[len(s)/2]
}

// runOurs connects a series in a folder of its own, and measures the second part. The clock stands long after the blocks, as in a synchronisation: neither side
// waits for the disk at each block.
func runOurs(m *maker, s series, dir string, processors int) (cost, error) {
	c, err := openChain(filepath.Join(dir, "ours"), m.params, m.caches, kv.Disk(), kv.Pebble, processors)
	if err != nil {
		return cost{}, err
	}
	defer func() { _ = c.Close() }()
	for _, raw := range s.setup {
		if err := give(c, raw); err != nil {
			return cost{}, err
		}
	}
	return measure(processors, func() error {
		for _, raw := range s.measured {
			if err := give(c, raw); err != nil {
				return err
			}
		}
		return nil
	})
}

func runBtcd(m *btcdMaker, s series, dir string, processors int) (cost, error) {
	c, err := openBtcd(filepath.Join(dir, "btcd"), m.params)
	if err != nil {
		return cost{}, err
	}
	defer func() { _ = c.close() }()
	for _, raw := range s.setup {
		if err := c.give(raw); err != nil {
			return cost{}, err
		}
	}
	return measure(processors, func() error {
		for _, raw := range s.measured {
			if err := c.give(raw); err != nil {
				return err
			}
		}
		return nil
	})
}

// inFolder runs with an empty folder on the disk.
func inFolder[T any](base string, do func(dir string) (T, error)) (out T, err error) {
	dir, err := os.MkdirTemp(base, "bench-pillars-")
	if err != nil {
		return out, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	return do(dir)
}

// A Pair is one sort of payment on both sides.
type Pair struct {
	Payments sort    `json:"payments"`
	Ours     Side    `json:"ours"`
	Btcd     Side    `json:"btcd"`
	Ratio    float64 `json:"cpu_ratio"` // btcd's CPU for a signature / ours: above 1 we are faster
}

// A Side is medians over the rounds.
type Side struct {
	CPUMicros  float64   `json:"cpu_us_per_signature"`
	WallMicros float64   `json:"wall_us_per_signature_1"` // one processor
	BlocksSec  float64   `json:"blocks_per_second_1"`
	TxSec      float64   `json:"transactions_per_second_1"`
	TxSec2     float64   `json:"transactions_per_second_2"` // two
	SpeedUp    float64   `json:"speed_up_2"`
	Rounds     []float64 `json:"cpu_us_rounds"`
}

// comparePayments alternates both sides, with one processor and with two.
func comparePayments(o options, kind sort, say func(string, ...any)) (p Pair, err error) {
	p.Payments = kind
	say("%s: making %d blocks of %d payments for each side", p.Payments, o.blocks, o.payments)
	ours, err := newMaker(o.payments/500 + 2)
	if err != nil {
		return p, err
	}
	a, err := ours.paymentBlocks(o.blocks, o.payments, kind)
	if err != nil {
		return p, fmt.Errorf("our blocks: %w", err)
	}
	theirs, err := newBtcdMaker(kind)
	if err != nil {
		return p, err
	}
	b, err := theirs.paymentBlocks(o.blocks, o.payments, 500)
	if err != nil {
		return p, fmt.Errorf("btcd's blocks: %w", err)
	}
	if o.profile != "" {
		return p, profile(o, ours, a)
	}
	var costs [2][2][]cost // side, processors-1
	for round := range o.rounds {
		for processors := 1; processors <= 2; processors++ {
			x, err := inFolder(o.dir, func(dir string) (cost, error) { return runOurs(ours, a, dir, processors) })
			if err != nil {
				return p, fmt.Errorf("ours: %w", err)
			}
			y, err := inFolder(o.dir, func(dir string) (cost, error) { return runBtcd(theirs, b, dir, processors) })
			if err != nil {
				return p, fmt.Errorf("btcd: %w", err)
			}
			costs[0][processors-1], costs[1][processors-1] = append(costs[0][processors-1], x), append(costs[1][processors-1], y)
			say("%s, round %d, %d processor(s): ours %.1f µs of CPU a signature, btcd %.1f", p.Payments, round+1, processors, micros(x.CPU, a.payments), micros(y.CPU, b.payments))
		}
	}
	p.Ours, p.Btcd = side(costs[0], a), side(costs[1], b)
	p.Ratio = p.Btcd.CPUMicros / p.Ours.CPUMicros
	return p, nil
}

// errProfiled ends a run that only wrote a profile.
var errProfiled = errors.New("the profile is written")

// profile runs our side alone under the profiler.
func profile(o options, m *maker, s series) error {
	f, err := os.Create(o.profile)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	for range o.rounds {
		if _, err := inFolder(o.dir, func(dir string) (cost, error) { return runOurs(m, s, dir, 1) }); err != nil {
			return err
		}
	}
	return errProfiled
}

func micros(d time.Duration, n int) float64 { return float64(d.Nanoseconds()) / 1000 / float64(n) }

func side(costs [2][]cost, s series) (out Side) {
	var wall, cpu [2][]time.Duration
	for i := range costs {
		for _, c := range costs[i] {
			wall[i], cpu[i] = append(wall[i], c.Wall), append(cpu[i], c.CPU)
		}
	}
	for _, c := range cpu[0] {
		out.Rounds = append(out.Rounds, micros(c, s.payments))
	}
	one, two := median(wall[0]).Seconds(), median(wall[1]).Seconds()
	out.CPUMicros, out.WallMicros = micros(median(cpu[0]), s.payments), micros(median(wall[0]), s.payments)
	out.BlocksSec, out.TxSec, out.TxSec2 = float64(len(s.measured))/one, float64(s.payments)/one, float64(s.payments)/two
	out.SpeedUp = one / two
	return out
}

// Headers is what the seals of headers cost, on one processor.
type Headers struct {
	WorkMicros     float64 `json:"pow_us"`        // with the sizes of Ethash on a public network
	WorkTinyMicros float64 `json:"pow_devnet_us"` // on a development network
	StakeMicros    float64 `json:"pos_us"`        // the signature and the stake's hash; the stake itself is judged with the block
	CacheSeconds   float64 `json:"pow_cache_s"`   // once an epoch of 30,000 blocks
}

func headerCosts() (h Headers, err error) {
	public, tiny := pow.Sizes(pillars.MainnetLike().Ethash), pow.Sizes(pillars.Devnet().Ethash)
	c, err := measure(1, func() error { pow.NewCache(public, 66); return nil })
	if err != nil {
		return h, err
	}
	h.CacheSeconds = c.CPU.Seconds()
	if h.WorkMicros, err = verifyWork(mining.NewCaches(public), 66*public.Epoch, 500); err != nil {
		return h, err
	}
	if h.WorkTinyMicros, err = verifyWork(mining.NewCaches(tiny), 1, 5000); err != nil {
		return h, err
	}
	m, err := newMaker(4)
	if err != nil {
		return h, err
	}
	if err := m.mixedBlocks(10, 1, func(int) {}); err != nil {
		return h, err
	}
	b := new(pillars.Block)
	if err := b.UnmarshalBinary(m.blocks[9]); err != nil {
		return h, err
	}
	const n = 2000
	c, err = measure(1, func() error {
		for range n {
			if err := b.VerifySignature(); err != nil {
				return err
			}
		}
		return nil
	})
	h.StakeMicros = micros(c.CPU, n)
	return h, err
}

func verifyWork(caches *mining.Caches, height uint32, n int) (float64, error) {
	h := pillars.Header{Version: pillars.HeaderVersion(pillars.PoW, true), Number: height}
	h.Bits.SetOne()
	cache := caches.Cache(caches.Sizes().EpochOf(height))
	h.MixHash, _ = cache.Hash(pow.Head(&h), 0)
	c, err := measure(1, func() error {
		for range n {
			if err := pow.Verify(&h, caches); err != nil {
				return err
			}
		}
		return nil
	})
	return micros(c.CPU, n), err
}

// Sync is a first synchronisation from one peer that answers at once.
type Sync struct {
	Blocks       int     `json:"blocks"`
	Stakes       int     `json:"under_stake"`
	Transactions int     `json:"transactions"`
	Bytes        int     `json:"bytes"`
	Processors   int     `json:"processors"`
	HeaderSec    float64 `json:"headers_s"`
	BlockSec     float64 `json:"blocks_s"`
	CPUSeconds   float64 `json:"cpu_s"`
	BlocksPerSec float64 `json:"blocks_per_second"`
	DiskBytes    uint64  `json:"disk_bytes"`
	// What btcd takes for as many blocks with as many payments. Its work is two hashes of SHA-256, and it has no stake.
	BtcdSec float64 `json:"btcd_s"`
	BtcdCPU float64 `json:"btcd_cpu_s"`
}

// syncAll makes a chain once and follows it as a node does: headers first, 2,000 at a time, then their blocks.
func syncAll(o options, say func(string, ...any)) (s Sync, err error) {
	m, err := newMaker(4 + o.syncPayments)
	if err != nil {
		return s, err
	}
	start := time.Now()
	if err := m.mixedBlocks(o.syncBlocks, o.syncPayments, func(n int) {
		say("sync: %d of %d blocks made, %.0f s", n, o.syncBlocks, time.Since(start).Seconds())
	}); err != nil {
		return s, err
	}
	s.Blocks, s.Processors = len(m.blocks), runtime.GOMAXPROCS(0)
	heads := make([]tree.Head, len(m.blocks))
	for i, raw := range m.blocks {
		b := new(pillars.Block)
		if err := b.UnmarshalBinary(raw); err != nil {
			return s, err
		}
		heads[i] = tree.HeadOf(b)
		s.Bytes += len(raw)
		s.Transactions += len(b.Transactions)
		if b.Seal() == pillars.PoS {
			s.Stakes++
		}
	}
	say("sync: all blocks made")
	_, err = inFolder(o.dir, func(dir string) (struct{}, error) {
		return struct{}{}, m.follow(filepath.Join(dir, "sync"), heads, &s, say)
	})
	if err != nil || o.syncPayments == 0 {
		return s, err
	}
	return s, syncBtcd(o, &s, say)
}

// syncBtcd gives btcd as many blocks with as many payments.
func syncBtcd(o options, s *Sync, say func(string, ...any)) error {
	m, err := newBtcdMaker(keyHash)
	if err != nil {
		return err
	}
	say("sync: making btcd's blocks")
	all, err := m.paymentBlocks(s.Blocks, o.syncPayments, max(o.syncPayments, 10))
	if err != nil {
		return err
	}
	c, err := inFolder(o.dir, func(dir string) (cost, error) { return runBtcd(m, all, dir, s.Processors) })
	s.BtcdSec, s.BtcdCPU = c.Wall.Seconds(), c.CPU.Seconds()
	return err
}

func (m *maker) follow(dir string, heads []tree.Head, s *Sync, say func(string, ...any)) error {
	c, err := openChain(dir, m.params, m.caches, kv.Disk(), kv.Pebble, s.Processors)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	now, begin := uint32(time.Now().Unix()), time.Now()
	const batch = 2000
	var headers time.Duration
	total, err := measure(s.Processors, func() error {
		for at := 0; at < len(heads); at += batch {
			end := min(at+batch, len(heads))
			start := time.Now()
			if known, rule, _, err := c.Headers(1, heads[at:end], now); err != nil || rule != nil || known != end-at {
				return fmt.Errorf("headers from %d: %d known, %v, %w", at+1, known, rule, err)
			}
			headers += time.Since(start)
			for _, raw := range m.blocks[at:end] {
				if err := give(c, raw); err != nil {
					return err
				}
			}
			say("sync: %d of %d blocks followed, %.0f s", end, len(heads), time.Since(begin).Seconds())
		}
		return nil
	})
	if err != nil {
		return err
	}
	if c.Store().StateRoot() != m.chain.Store().StateRoot() {
		return fmt.Errorf("the state is another after %d blocks", s.Blocks)
	}
	s.HeaderSec, s.BlockSec, s.CPUSeconds = headers.Seconds(), (total.Wall - headers).Seconds(), total.CPU.Seconds()
	s.BlocksPerSec = float64(s.Blocks) / total.Wall.Seconds()
	s.DiskBytes = c.Store().DiskBytes()
	return nil
}

package ledger

import (
	"math/bits"

	"github.com/asterism-network/asterism/kernel"
)

// All sums of XIN in this file and in mint_shares.go are units of 10^-8 in 64 bits: the whole
// supply is 10^14 of them.

const (
	mintYear   = 365        // days
	millisADay = 86_400_000 // of Unix time, which knows no leap seconds
)

// mintDay is the number of the UTC day that t falls into.
func mintDay(t kernel.Timestamp) uint64 { return uint64(t) / millisADay }

// scheduled is what the schedule leaves in a pool after the given batch (day): each year a tenth
// of what the year began with goes out, in 365 equal days; every division is rounded down. [MNT-1]
func scheduled(pool, batch uint64) uint64 {
	for range batch / mintYear {
		if pool == 0 {
			return 0
		}
		pool = nineTenths(pool)
	}
	return pool - batch%mintYear*aDay(pool)
}

// aDay is a day's part of what a year began with.
func aDay(pool uint64) uint64 { return pool / 10 / mintYear }

func nineTenths(n uint64) uint64 {
	hi, lo := bits.Mul64(n, 9)
	tenth, _ := bits.Div64(hi, lo, 10)
	return tenth
}

// A mintState is how far the mint has come: the row "mint".
type mintState struct {
	Batch   uint64 // the newest day that is settled, counted from the genesis' day
	Surplus uint64 // what the pool held at the beginning of the mint year beyond the schedule
	Pool    uint64 // of genesis: the schedule's
	Start   uint64 // UTC day of genesis
	Count   uint64 // distributions so far
}

// due is what the days after m.Batch up to batch release of a pool that holds held, and the state
// after them. Beyond the schedule for the genesis' pool, a tenth of what the year began with beyond
// it goes out too, in 365 equal days: so what flows back is paid out again. [MNT-2]
func (m mintState) due(genesisPool, held, batch uint64) (amount uint64, next mintState) {
	next = m
	for next.Batch < batch {
		end := min(batch, (next.Batch/mintYear+1)*mintYear) // this year's days only
		amount += scheduled(genesisPool, next.Batch) - scheduled(genesisPool, end)
		amount += (end - next.Batch) * aDay(next.Surplus)
		amount = min(amount, held)
		if next.Batch = end; end%mintYear == 0 {
			next.Surplus = held - amount - min(held-amount, scheduled(genesisPool, end))
		}
	}
	return amount, next
}

// mintSplit is how a day's release is split: parts of ten in the running network's 5, 4, 1. Every
// division is rounded down; what that leaves stays in the pool. [MNT-3]
type mintSplit struct{ Nodes, Domains, Light uint8 }

func (s mintSplit) of(amount uint64) (nodes, light uint64) {
	part := amount / (uint64(s.Nodes) + uint64(s.Domains) + uint64(s.Light))
	return part * uint64(s.Nodes), part * uint64(s.Light)
}

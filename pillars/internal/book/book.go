// Package book remembers where other nodes listen: addresses that were heard of, and those that a connection proved. Both
// are bounded, and one network can fill only a part of either, whatever it says [PIL-PEE-2].
//
// It is pure: clock and randomness are arguments.
package book

import (
	"encoding/binary"
	"slices"

	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// Bounds of the book [PIL-PEE-2].
const (
	freshBuckets = 256 // of addresses heard of
	triedBuckets = 64  // of addresses that were connected to
	bucketSize   = 32
	perSource    = 32 // buckets of the fresh that one network's word can reach
	perGroup     = 8  // buckets of the tried that one network's addresses can reach
)

// An Addr is where a node listens: an IP as IPv6 has it, and a port.
type Addr struct {
	IP   [16]byte
	Port uint16
}

// A Record is what is known of an address.
type Record struct {
	Addr
	Source [16]byte // who said it first
	Seen   uint32   // seconds: when it was last said or proved to be there
	Last   uint32   // of the last attempt
	Fails  uint32   // attempts since it was last proved
	Tried  bool     // it was proved once

	bucket int
}

// A Book is one node's addresses. One goroutine owns it.
type Book struct {
	k0, k1 uint64 // a secret: nobody else knows which bucket an address has
	local  bool   // take addresses of private networks and of this machine
	fresh  [freshBuckets][]*Record
	tried  [triedBuckets][]*Record
	byAddr map[Addr]*Record
}

// New returns an empty book. The secret must be drawn anew for each node. A local one also takes addresses of private
// networks.
func New(k0, k1 uint64, local bool) *Book {
	return &Book{k0: k0, k1: k1, local: local, byAddr: map[Addr]*Record{}}
}

// Local reports whether addresses of private networks count, where all nodes may be of one network.
func (b *Book) Local() bool { return b.local }

// Group is the network that an address counts for: the first 16 bits of an IPv4, the first 32 of another.
func Group(ip [16]byte) [5]byte {
	if isV4(ip) {
		return [5]byte{4, ip[12], ip[13]}
	}
	return [5]byte{6, ip[0], ip[1], ip[2], ip[3]}
}

func isV4(ip [16]byte) bool {
	return [12]byte(ip[:12]) == [12]byte{10: 0xff, 11: 0xff}
}

// Usable reports whether a node can listen at an address: not nowhere, not everywhere, and on the public network
// not on a private one.
func (b *Book) Usable(a Addr) bool {
	if a.Port == 0 || a.IP == [16]byte{} {
		return false
	}
	if isV4(a.IP) {
		one, two := a.IP[12], a.IP[13]
		private := one == 10 || one == 127 || one == 172 && two&0xf0 == 16 || one == 192 && two == 168 || one == 169 && two == 254 ||
			one == 100 && two&0xc0 == 64
		return one != 0 && one < 224 && (b.local || !private)
	}
	loopback := a.IP == [16]byte{15: 1}
	private := a.IP[0]&0xfe == 0xfc || a.IP[0] == 0xfe && a.IP[1]&0xc0 == 0x80
	return a.IP[0] != 0xff && (b.local || !loopback && !private)
}

// Add takes an address that somebody named. It reports whether it is new.
func (b *Book) Add(a Addr, source [16]byte, seen uint32) bool {
	if !b.Usable(a) {
		return false
	}
	if r := b.byAddr[a]; r != nil {
		r.Seen = max(r.Seen, seen)
		return false
	}
	r := &Record{Addr: a, Source: source, Seen: seen}
	r.bucket = b.freshBucket(r)
	if len(b.fresh[r.bucket]) == bucketSize && !b.makeRoom(r.bucket) {
		return false
	}
	b.fresh[r.bucket] = append(b.fresh[r.bucket], r)
	b.byAddr[a] = r
	return true
}

// makeRoom drops the worst address of a full bucket: one that failed most, of equals the one heard of longest ago.
func (b *Book) makeRoom(bucket int) bool {
	worst := slices.MaxFunc(b.fresh[bucket], func(x, y *Record) int {
		if x.Fails != y.Fails {
			return int(min(x.Fails, 100)) - int(min(y.Fails, 100))
		}
		return compare(y.Seen, x.Seen)
	})
	b.drop(worst)
	return true
}

func compare(a, b uint32) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (b *Book) drop(r *Record) {
	same := func(o *Record) bool { return o == r }
	if r.Tried {
		b.tried[r.bucket] = slices.DeleteFunc(b.tried[r.bucket], same)
	} else {
		b.fresh[r.bucket] = slices.DeleteFunc(b.fresh[r.bucket], same)
	}
	delete(b.byAddr, r.Addr)
}

// Good is told that a node answered at an address.
func (b *Book) Good(a Addr, now uint32) {
	b.Add(a, a.IP, now)
	r := b.byAddr[a]
	if r == nil {
		return
	}
	r.Seen, r.Last, r.Fails = now, now, 0
	if r.Tried {
		return
	}
	b.drop(r)
	r.Tried, r.bucket = true, b.triedBucket(r)
	if bucket := b.tried[r.bucket]; len(bucket) == bucketSize {
		oldest := slices.MinFunc(bucket, func(x, y *Record) int { return compare(x.Seen, y.Seen) })
		b.drop(oldest)
	}
	b.tried[r.bucket] = append(b.tried[r.bucket], r)
	b.byAddr[a] = r
}

// giveUp is after how many attempts in a row an address that was never proved is forgotten.
const giveUp = 8

// Attempt is told that an address is dialled: it failed, unless Good follows.
func (b *Book) Attempt(a Addr, now uint32) {
	if r := b.byAddr[a]; r != nil {
		r.Last = now
		r.Fails++
		if r.Fails > giveUp && !r.Tried {
			b.drop(r)
		}
	}
}

// backoff is how many seconds an address rests after so many failures: ten, twice as many each time, at most
// an hour.
func backoff(fails uint32) uint32 { return min(uint32(10)<<min(fails, 9), 3600) }

// Pick chooses an address to dial by a random number: as often a proved one as one heard of, from a random bucket
// on. What skip says is passed over, and what failed lately too.
func (b *Book) Pick(draw uint64, now uint32, skip func(Addr) bool) (a Addr, ok bool) {
	usable := func(r *Record) bool { return (r.Fails == 0 || r.Last+backoff(r.Fails) <= now) && !skip(r.Addr) }
	first, second := b.tried[:], b.fresh[:]
	if draw&1 == 1 {
		first, second = second, first
	}
	for _, table := range [][][]*Record{first, second} {
		start := int(draw >> 1 % uint64(len(table)))
		for i := range table {
			bucket := table[(start+i)%len(table)]
			for j := range bucket {
				if r := bucket[(int(draw>>40)+j)%len(bucket)]; usable(r) {
					return r.Addr, true
				}
			}
		}
	}
	return a, false
}

// Sample returns at most so many addresses for another node, from a random bucket on: what is worth telling.
func (b *Book) Sample(draw uint64, most int, now uint32) (all []wire.Address) {
	const old = 30 * 24 * 3600
	for _, table := range [][][]*Record{b.tried[:], b.fresh[:]} {
		start := int(draw >> 1 % uint64(len(table)))
		for i := range table {
			for _, r := range table[(start+i)%len(table)] {
				if len(all) < most && r.Fails < 3 && uint64(r.Seen)+old > uint64(now) {
					all = append(all, wire.Address{IP: r.IP, Port: r.Port, Seen: r.Seen})
				}
			}
		}
	}
	return all
}

// All returns what is to be kept on disk.
func (b *Book) All() (all []Record) {
	for _, table := range [][][]*Record{b.tried[:], b.fresh[:]} {
		for _, bucket := range table {
			for _, r := range bucket {
				all = append(all, *r)
			}
		}
	}
	return all
}

// Load takes what All returned in an earlier life.
func (b *Book) Load(all []Record) {
	for _, r := range all {
		if b.Add(r.Addr, r.Source, r.Seen) {
			fresh := b.byAddr[r.Addr]
			if r.Tried {
				b.Good(r.Addr, r.Seen)
			}
			fresh.Last, fresh.Fails = r.Last, r.Fails
		}
	}
}

// Len is how many addresses are known.
func (b *Book) Len() int { return len(b.byAddr) }

func (b *Book) freshBucket(r *Record) int {
	source, group := Group(r.Source), Group(r.IP)
	slot := b.hash(append(group[:], source[:]...)) % perSource
	return int(b.hash(binary.BigEndian.AppendUint64(source[:], slot)) % freshBuckets)
}

func (b *Book) triedBucket(r *Record) int {
	group := Group(r.IP)
	slot := b.hash(binary.BigEndian.AppendUint16(r.IP[:], r.Port)) % perGroup
	return int(b.hash(binary.BigEndian.AppendUint64(group[:], slot)) % triedBuckets)
}

func (b *Book) hash(of []byte) uint64 { return wire.SipHash(b.k0, b.k1, of) }

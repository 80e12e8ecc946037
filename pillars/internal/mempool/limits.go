package mempool

import "github.com/asterism-network/asterism/pillars"

// Limits are the policy of one node. The zero value of each field is its default. A transaction that breaks them is
// valid in a block all the same.
type Limits struct {
	RelayFee pillars.Amount // least fee for 1,000 bytes, and the step of a replacement; default 1,000 satoshis
	Bytes    int            // of memory for what waits, see Entry.cost; default 128 MiB
	Size     int            // of one transaction; default 100,000 bytes

	Ancestors       int // that one may build on, itself counted; default 25
	AncestorBytes   int // of these together; default 101,000
	Descendants     int // that may build on one, itself counted; default 25
	DescendantBytes int // of these together; default 101,000
	Replaced        int // that one may replace, with all that builds on them; default 100

	Wait uint32 // seconds until one is given up; default 14 days

	Orphans         int    // whose inputs are missing; default 1,000
	OrphanBytes     int    // of these together; default 8 MiB
	PeerOrphans     int    // from one peer; default 100
	PeerOrphanBytes int    // from one peer; default 1 MiB
	OrphanWait      uint32 // seconds until one is given up; default 20 minutes
}

func (l Limits) filled() Limits {
	if l.RelayFee == 0 {
		l.RelayFee = 1000
	}
	for _, f := range []struct {
		field *int
		value int
	}{
		{&l.Bytes, 128 << 20}, {&l.Size, 100_000},
		{&l.Ancestors, 25}, {&l.AncestorBytes, 101_000}, {&l.Descendants, 25}, {&l.DescendantBytes, 101_000}, {&l.Replaced, 100},
		{&l.Orphans, 1000}, {&l.OrphanBytes, 8 << 20}, {&l.PeerOrphans, 100}, {&l.PeerOrphanBytes, 1 << 20},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if l.Wait == 0 {
		l.Wait = 14 * 24 * 3600
	}
	if l.OrphanWait == 0 {
		l.OrphanWait = 20 * 60
	}
	return l
}

// sigOpsPart is which part of a block's signatures one transaction may ask for.
const sigOpsPart = 5

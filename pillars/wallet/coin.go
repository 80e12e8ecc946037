package wallet

import (
	"context"
	"math"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// Unconfirmed is the height of what is in no block yet.
const Unconfirmed = math.MaxUint32

// A Tip is the last block that a Source answers from.
type Tip struct {
	Height uint32
	ID     pillars.BlockID
	Median uint32 // median time of the last blocks, this one included: what time locks compare with
}

// An Output is what the chain says about one output that pays to an address of the wallet.
type Output struct {
	Point     pillars.Outpoint
	Output    pillars.Output
	Version   uint32 // of the transaction that made it
	Height    uint32 // of its block, or Unconfirmed
	Time      uint32 // of its block
	Median    uint32 // median time before its block
	Generated bool   // by a coinbase or coinstake: it ripens

	Spent       bool
	SpentBy     pillars.TxID
	SpentHeight uint32 // or Unconfirmed
	SpentTime   uint32
}

// A Source answers from the chain and the mempool of a node; the daemon is one, through its client.
// It learns the wallet's addresses and nothing else. An output belongs to the address that
// script.Classify finds in it, so locked outputs belong to the owner of the key.
type Source interface {
	// Tip returns the last block.
	Tip(ctx context.Context) (Tip, error)
	// Outputs returns a page of all outputs, spent ones included, that ever paid to one of at most
	// MaxQuery addresses, in an order that stays; next is empty at the end and else what to give as
	// from for the next page.
	Outputs(ctx context.Context, to []pillars.Address, from string) (page []Output, next string, err error)
	// Transaction returns a transaction that made one of those outputs, whole.
	Transaction(ctx context.Context, id pillars.TxID) (*pillars.Transaction, error)
}

// MaxQuery is the most addresses that a Source is asked about at once.
const MaxQuery = 100

// A Reason says why an output cannot be spent now, or not by a transaction of one kind.
type Reason string

// The reasons, the empty one for none.
const (
	Spendable    Reason = ""
	Pending      Reason = "unconfirmed"   // in no block yet
	Immature     Reason = "immature"      // a block's reward that has not ripened
	TimeLocked   Reason = "locked"        // under a relative lock
	Carries      Reason = "carries_asset" // holds more than ETP: spent only by what moves that
	OtherVersion Reason = "other_version" // of a kind that this transaction cannot spend
	Reserved     Reason = "reserved"      // by a payment that was sent and is in no block yet
	Frozen       Reason = "frozen"        // by the owner
	Elsewhere    Reason = "other_account" // of another account, or not among the chosen coins
	NoKey        Reason = "unknown_script"
)

// reasons is their order in messages.
var reasons = []Reason{Pending, Immature, TimeLocked, Carries, OtherVersion, Reserved, Frozen, Elsewhere, NoKey}

// A Coin is an unspent output of the wallet.
type Coin struct {
	Output
	Purse  *Purse
	Script script.Output
	Reason Reason // why it cannot be spent now, whatever by
	// When a reason of time ends: a height that the next block must have, or a median time.
	UntilHeight uint32
	UntilTime   uint32
}

// judge finds the reason that lies in the output itself and in time.
func (c *Coin) judge(p *pillars.Params, tip Tip) {
	c.Script = script.Classify(c.Output.Output.Script)
	next := uint64(tip.Height) + 1
	if c.Height > tip.Height {
		c.Reason = Pending
		return
	}
	if c.Generated {
		if ripe := uint64(c.Height) + uint64(p.Subsidy.Maturity); next < ripe {
			c.Reason, c.UntilHeight = Immature, clip(ripe)
			return
		}
	}
	switch c.Script.Template {
	case script.PubKeyHash, script.PubKey, script.ScriptHash, script.WitnessPubKeyHash, script.WitnessScriptHash, script.Taproot, script.Attenuation:
	case script.LockHeight:
		if free := uint64(c.Height) + uint64(c.Script.Lock); next < free {
			c.Reason, c.UntilHeight = TimeLocked, clip(free)
		}
	case script.SequenceLock:
		c.judgeLock(next, tip.Median)
	default:
		c.Reason = NoKey
	}
}

// judgeLock asks when a relative lock ends.
func (c *Coin) judgeLock(next uint64, median uint32) {
	lock, ok := relativeLock(c.Script.Lock)
	if !ok {
		return
	}
	if free := uint64(c.Height) + uint64(lock.Blocks); next < free {
		c.Reason, c.UntilHeight = TimeLocked, clip(free)
	}
	if free := uint64(c.Median) + lock.Seconds; lock.Seconds > 0 && uint64(median) < free {
		c.Reason, c.UntilTime = TimeLocked, clip(free)
	}
}

func clip(v uint64) uint32 { return uint32(min(v, math.MaxUint32)) }

// relativeLock reads a lock as versions 2 to 4 do.
func relativeLock(lock uint32) (script.RelativeLock, bool) {
	return script.Relative(&pillars.Transaction{Version: pillars.VersionCurrent, Inputs: []pillars.Input{{Sequence: lock}}}, 0)
}

// Free reports whether the coin is plain ETP that either kind of transaction treats as money.
func (c *Coin) Free() bool { return c.Output.Output.Attachment.Type() == pillars.TypeETP }

// takes reports whether a transaction of a kind may spend the coin: the hash of a key by either,
// witness programs, hashed too, by version 5, everything else by the kind that made it [PIL-SPD-1]. Locks mean
// something in versions 1 to 4 only.
func (c *Coin) takes(segwit bool) bool {
	made := c.Version == pillars.VersionSegWit
	switch c.Script.Template {
	case script.PubKeyHash:
		return !segwit || c.Free()
	case script.WitnessPubKeyHash, script.WitnessScriptHash, script.Taproot:
		return segwit && c.Free()
	case script.ScriptHash:
		if script.Classify(c.Purse.Redeem).Template.Witness() {
			return segwit && c.Free()
		}
		return segwit == made
	case script.PubKey:
		return segwit == made
	}
	return !segwit && !made
}

// sequence is what the input must say so that the coin's lock is met.
func (c *Coin) sequence(lockTime uint32) uint32 {
	if c.Script.Template == script.SequenceLock {
		if _, ok := relativeLock(c.Script.Lock); ok {
			return c.Script.Lock
		}
	}
	if lockTime != 0 {
		return math.MaxUint32 - 1
	}
	return math.MaxUint32
}

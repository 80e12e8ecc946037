package client

import (
	"context"
	"encoding/hex"

	"github.com/asterism-network/asterism/kernel"
)

// SendRecord submits a signed record: a motion, a vote, a light witness's card or report, or a
// resignation. A refusal is an *Error that names the rule.
func (c *Client) SendRecord(ctx context.Context, raw []byte) (kernel.Hash, error) {
	var result struct {
		Hash kernel.Hash `json:"hash"`
	}
	err := c.Call(ctx, "sendrecord", named{"hex": hex.EncodeToString(raw)}, &result)
	return result.Hash, err
}

// RegisterDomain asks for a domain's registration, or for a change of its nodes, and returns its state.
func (c *Client) RegisterDomain(ctx context.Context, id string, nodes []kernel.Key) (state kernel.DomainState, err error) {
	err = c.Call(ctx, "kernel_registerDomain", []any{id, nodes}, &state)
	return state, err
}

// Stake returns the XIN that is in no output, and the parameters in force; nil where the network has none.
func (c *Client) Stake(ctx context.Context) (*StakeInfo, error) {
	return get[*StakeInfo](ctx, c, "getstake", nil)
}

// Members returns everybody who pledges, is a member or was one.
func (c *Client) Members(ctx context.Context) ([]MemberRecord, error) {
	result, err := get[struct {
		Items []MemberRecord `json:"items"`
	}](ctx, c, "listmembers", nil)
	return result.Items, err
}

// Motions returns at most limit motions below number before, newest first; 0 begins with the newest.
func (c *Client) Motions(ctx context.Context, before uint64, limit int) (MotionPage, error) {
	return get[MotionPage](ctx, c, "listmotions", named{"before": before, "limit": limit})
}

// Motion returns a motion with its votes from a number on, nil if there is none.
func (c *Client) Motion(ctx context.Context, id kernel.Hash, from uint32, limit int) (*MotionVotes, error) {
	return get[*MotionVotes](ctx, c, "getmotion", named{"motion": id, "from": from, "limit": limit})
}

// Appeals returns the members that are punished, with the appeals about it.
func (c *Client) Appeals(ctx context.Context) ([]PenalisedMember, error) {
	result, err := get[struct {
		Items []PenalisedMember `json:"items"`
	}](ctx, c, "listappeals", nil)
	return result.Items, err
}

// Witnesses returns the light witnesses that count.
func (c *Client) Witnesses(ctx context.Context) ([]WitnessInfo, error) {
	result, err := get[struct {
		Items []WitnessInfo `json:"items"`
	}](ctx, c, "listwitnesses", nil)
	return result.Items, err
}

// Locks returns at most limit of the outputs that cannot be spent yet, behind what an earlier page ended
// with; "" begins.
func (c *Client) Locks(ctx context.Context, after string, limit int) (LockPage, error) {
	return get[LockPage](ctx, c, "listlocks", named{"after": after, "limit": limit})
}

// MintSchedule returns how far the mint has come, with its newest distributions; nil where the network has none.
func (c *Client) MintSchedule(ctx context.Context) (*MintSchedule, error) {
	return get[*MintSchedule](ctx, c, "getmintschedule", nil)
}

// Domain returns what is known of a domain.
func (c *Client) Domain(ctx context.Context, id string) (DomainInfo, error) {
	return get[DomainInfo](ctx, c, "getdomain", named{"id": id})
}

// Fault returns a fault with what proves it, nil if there is none of that number.
func (c *Client) Fault(ctx context.Context, number uint64) (*FaultEvidence, error) {
	return get[*FaultEvidence](ctx, c, "getfault", named{"number": number})
}

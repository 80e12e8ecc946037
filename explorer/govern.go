package explorer

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// What the pages of the network show at most; the rest is for the RPC.
const (
	shownMembers       = 120
	shownMotions       = 50
	shownFaults        = 50
	shownWitnesses     = 50
	shownDistributions = 14
	shownVotes         = 200
	shownText          = 9000
)

// A networkView is what the network says of itself: who runs it, what is at stake, what is voted on.
type networkView struct {
	Info      client.Info           `json:"-"`
	Stake     *client.StakeInfo     `json:"stake"`
	Members   []client.MemberRecord `json:"members"`
	Punished  []punished            `json:"punished"`
	Faults    []numberedFault       `json:"faults"` // newest first
	Motions   []client.MotionInfo   `json:"motions"`
	Mint      *client.MintSchedule  `json:"mint"`
	Witnesses []client.WitnessInfo  `json:"witnesses"`
	Names     map[kernel.Key]string `json:"-"`
	Roster    []client.MemberInfo   `json:"roster"`
	Epoch     kernel.Epoch          `json:"epoch"`
	Commit    kernel.CommitIndex    `json:"commit"`
	Voting    int                   `json:"voting"`
	Quorum    int                   `json:"quorum"`
}

// A punished member with the appeal about it.
type punished struct {
	client.PenalisedMember
	Reached int `json:"reached"` // light witnesses that told it was in reach
}

// A numberedFault is a fault and its number in listfaults.
type numberedFault struct {
	client.Fault
	Number uint64 `json:"number"`
	Name   string `json:"name"`
}

// Penalty is a member's penalty in words.
func (v networkView) Penalty(m client.MemberRecord) string {
	switch {
	case m.Escrowed:
		return "removed; the stake is in escrow until commit " + formatUint(uint64(m.EscrowUntil))
	case m.Flag == "in_force":
		return "flagged since epoch " + formatUint(uint64(m.FlagEpoch))
	case m.Flag == "due":
		return "flagged from the next epoch on"
	}
	return ""
}

// NameOf is a share's member, or that it is a light witness.
func (v networkView) NameOf(s client.MintShare) string {
	if name := v.Names[s.Key]; name != "" {
		return name
	}
	if s.Light {
		return "light witness " + s.Key.String()[:8]
	}
	return s.Key.String()[:8]
}

func (e *Explorer) network(ctx context.Context) (networkView, error) {
	return get(ctx, e.fetched, "network", func(ctx context.Context) (networkView, time.Duration, error) {
		v, err := each(ctx, e, askNetwork, func(networkView) bool { return true })
		return v, briefly, err
	})
}

func askNetwork(ctx context.Context, c *client.Client) (v networkView, err error) {
	if v.Info, err = c.Info(ctx); err != nil {
		return v, err
	}
	v.Epoch, v.Commit, v.Names = v.Info.EpochNumber, v.Info.Head.Index, map[kernel.Key]string{}
	v.Roster = v.Info.Members[:min(len(v.Info.Members), shownMembers)]
	for i := range v.Roster {
		m := &v.Roster[i]
		m.Name = clip(m.Name, 40)
		if v.Names[m.Signer] = m.Name; !m.Flagged {
			v.Voting++
		}
	}
	v.Quorum = v.Voting - (v.Voting-1)/3
	if err := v.askFaults(ctx, c); err != nil {
		return v, err
	}
	if v.Stake, err = c.Stake(ctx); err != nil || v.Stake == nil {
		return v, err
	}
	if err := v.askStake(ctx, c); err != nil {
		return v, err
	}
	if v.Mint, err = c.MintSchedule(ctx); err == nil && v.Mint != nil {
		v.Mint.Recent = v.Mint.Recent[:min(len(v.Mint.Recent), shownDistributions)]
	}
	return v, err
}

func (v *networkView) askStake(ctx context.Context, c *client.Client) (err error) {
	if v.Members, err = c.Members(ctx); err != nil {
		return err
	}
	v.Members = v.Members[:min(len(v.Members), shownMembers)]
	for i := range v.Members {
		v.Members[i].Name = clip(v.Members[i].Name, 40)
		v.Names[v.Members[i].Key] = v.Members[i].Name
	}
	page, err := c.Motions(ctx, 0, shownMotions)
	if err != nil {
		return err
	}
	v.Motions = page.Items[:min(len(page.Items), shownMotions)]
	for i := range v.Motions {
		clipMotion(&v.Motions[i])
	}
	if v.Witnesses, err = c.Witnesses(ctx); err != nil {
		return err
	}
	v.Witnesses = v.Witnesses[:min(len(v.Witnesses), shownWitnesses)]
	appeals, err := c.Appeals(ctx)
	for _, p := range appeals[:min(len(appeals), shownMembers)] {
		x := punished{PenalisedMember: p}
		x.Member.Name = clip(p.Member.Name, 40)
		for _, s := range p.Seen {
			if s.Reachable {
				x.Reached++
			}
		}
		v.Punished = append(v.Punished, x)
	}
	return err
}

func clipMotion(m *client.MotionInfo) {
	m.Motion.Title, m.Motion.Text = clip(m.Motion.Title, kernel.MaxMotionTitle), clip(m.Motion.Text, shownText)
}

// askFaults takes the newest of the faults, newest first.
func (v *networkView) askFaults(ctx context.Context, c *client.Client) error {
	var all []client.Fault
	var first uint64
	for from := uint64(0); ; {
		page, err := c.Faults(ctx, from, 500)
		if err != nil {
			return err
		}
		if all = append(all, page.Items...); len(all) > shownFaults {
			first += uint64(len(all) - shownFaults)
			all = all[len(all)-shownFaults:]
		}
		if len(page.Items) == 0 || page.Next <= from {
			break
		}
		from = page.Next
	}
	for i := range all {
		f := numberedFault{Fault: all[i], Number: first + uint64(i)}
		f.Kind = clip(f.Kind, 40)
		for _, m := range v.Roster {
			if m.Node == f.Node {
				f.Name = m.Name
			}
		}
		v.Faults = append([]numberedFault{f}, v.Faults...)
	}
	return nil
}

func (p *pageServer) networkPage(w http.ResponseWriter, r *http.Request) {
	v, err := p.network(r.Context())
	if err != nil {
		p.failed(w, r, err)
		return
	}
	p.write(w, r, http.StatusOK, "network", view{Title: "Members, stake and votes", Page: v, JSON: v})
}

// A faultView is a fault with what proves it.
type faultView struct {
	*client.FaultEvidence
	Name   string
	Record string // the beginning, for people
	Bytes  int
}

// Cost is what the fault costs, in words.
func (f faultView) Cost() string {
	return "The first fault flags a member: its snapshots count for nothing until voters lift the flag. A fault under the flag takes the whole stake."
}

func (p *pageServer) faultPage(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.ParseUint(r.PathValue("number"), 10, 63)
	if err != nil {
		p.say(w, r, http.StatusBadRequest, message{"This is not a fault", "Faults have numbers, from 0 on.", ""})
		return
	}
	f, err := get(r.Context(), p.fetched, "fault "+formatUint(number), func(ctx context.Context) (*client.FaultEvidence, time.Duration, error) {
		found, err := each(ctx, p.Explorer, func(ctx context.Context, c *client.Client) (*client.FaultEvidence, error) {
			return c.Fault(ctx, number)
		}, func(f *client.FaultEvidence) bool { return f != nil })
		if found != nil {
			return found, longer, err
		}
		return nil, briefly, err
	})
	switch {
	case err != nil:
		p.failed(w, r, err)
	case f == nil:
		p.say(w, r, http.StatusNotFound, message{"No such fault", "The nodes that this page asks have found fewer faults than " + formatUint(number+1) + ".", ""})
	default:
		v := faultView{FaultEvidence: f, Name: f.Node.Short(), Record: clip(f.Record, 400), Bytes: len(f.Record) / 2}
		if name := p.state.nodeNames()[f.Node]; name != "" {
			v.Name = name
		}
		if len(f.Statements) > 2 {
			f.Statements = f.Statements[:2]
		}
		for i := range f.Statements {
			f.Statements[i].Header = clip(f.Statements[i].Header, 6000)
		}
		p.write(w, r, http.StatusOK, "fault", view{Title: "Fault " + formatUint(number), Page: v, JSON: f})
	}
}

// A motionView is a motion with its votes.
type motionView struct {
	*client.MotionVotes
	Effect  string
	Percent int // of the quorum that has voted
}

func (p *pageServer) motionPage(w http.ResponseWriter, r *http.Request) {
	id, err := kernel.ParseHash(strings.ToLower(r.PathValue("id")))
	if err != nil {
		p.say(w, r, http.StatusBadRequest, message{"This is not a motion", "A motion has an id of 64 hex digits.", ""})
		return
	}
	m, err := get(r.Context(), p.fetched, "motion "+id.String(), func(ctx context.Context) (*client.MotionVotes, time.Duration, error) {
		found, err := each(ctx, p.Explorer, func(ctx context.Context, c *client.Client) (*client.MotionVotes, error) {
			return c.Motion(ctx, id, 0, shownVotes)
		}, func(m *client.MotionVotes) bool { return m != nil })
		return found, briefly, err
	})
	switch {
	case err != nil:
		p.failed(w, r, err)
	case m == nil:
		p.say(w, r, http.StatusNotFound, message{"No such motion", "The nodes that this page asks know of no motion with this id.", ""})
	default:
		shown := *m
		clipMotion(&shown.MotionInfo)
		shown.List = shown.List[:min(len(shown.List), shownVotes)]
		p.write(w, r, http.StatusOK, "motion", view{Title: "Motion", JSON: &shown,
			Page: motionView{MotionVotes: &shown, Effect: effectText(&shown.Motion), Percent: percentOf(&shown)}})
	}
}

// percentOf is how much of the quorum has voted, for the bar: at most 100.
func percentOf(m *client.MotionVotes) int {
	cast, ok := m.For.Sum.Add(m.Against.Sum)
	_, quorum := m.Quorum.Units()
	hi, lo := cast.Units()
	if !ok || hi > 0 || quorum == 0 || lo >= quorum {
		return 100
	}
	return int(lo / (quorum/100 + 1))
}

// effectText is what the ledger does if the motion passes, in words.
func effectText(m *kernel.Motion) string {
	switch {
	case m.Penalty != nil:
		return "The penalty of member " + m.Penalty.Member.String() + " is lifted."
	case m.Asset != nil:
		return "Asset " + clip(m.Asset.Symbol, 64) + " (" + m.Asset.ID.String() + ") is registered."
	case m.Domain != nil:
		return "Domain " + clip(m.Domain.ID, 40) + " is registered with " + strconv.Itoa(len(m.Domain.Nodes)) + " nodes."
	case m.Assurance != nil && m.Assurance.Freeze:
		return "Nothing of asset " + m.Assurance.Asset.String() + " comes in or leaves."
	case m.Assurance != nil:
		return "Asset " + m.Assurance.Asset.String() + " comes in and leaves again."
	case m.Upgrade != nil:
		return "From epoch " + formatUint(uint64(m.Upgrade.Epoch)) + " on nodes need protocol version " + formatUint(uint64(m.Upgrade.Version)) + "."
	case m.Parameter != nil:
		return "Parameter " + m.Parameter.Name.String() + " becomes " + formatUint(m.Parameter.Value) + "."
	}
	return "Nothing is carried out: the result stands in the ledger."
}

package rpc

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

const exampleDomain = "c6d0c728-2624-429b-8e0d-d9d19b6592fa"

func (s *Server) governMethods() []Method {
	return []Method{
		{Name: "sendrecord", Right: Submit, Handle: s.sendRecord,
			About:  "Submit a signed record: a motion, a vote, a light witness's card or report, or a member's resignation. It counts when a commit has carried it.",
			Params: []Param{{Name: "hex", Kind: "hex", Required: true, About: "the record, at most 64 KiB", Example: "05"}},
			Result: recordSent{}, Errors: append([]string{"rate_limited", "not_ready"}, ledger.RecordRules()...)},
		{Name: "kernel_registerDomain", Right: Submit, Handle: s.registerDomain,
			About: "Ask for the registration of a domain, or for a change of its nodes: the node moves it with its own signature, and XIN holders vote. The answer is invalid, pending, denied or approved.",
			Params: []Param{
				{Name: "id", Kind: "string", Required: true, About: "UUID of the domain", Example: exampleDomain},
				{Name: "nodes", Kind: "key list", Required: true, About: "the domain nodes' public keys, 1 to 50", Example: []string{exampleHash}}},
			Result: kernel.DomainPending, Errors: []string{"not_ready"}},
		{Name: "getdomain", Right: Read, Handle: s.getDomain,
			About:  "What is known of a domain; its state is invalid where nothing is.",
			Params: []Param{{Name: "id", Kind: "string", Required: true, About: "UUID of the domain", Example: exampleDomain}},
			Result: client.DomainInfo{}},
		{Name: "getstake", Right: Read, Handle: s.getStake,
			About: "Pool, escrow, the parameters in force and the protocol version; null where the network has no stakes.", Result: &client.StakeInfo{}},
		{Name: "listmembers", Right: Read, Handle: s.listMembers,
			About: "Everybody who pledges, is a member or was one, with stake and penalties.", Result: memberList{}},
		{Name: "listmotions", Right: Read, Handle: s.listMotions,
			About: "Motions, newest first.",
			Params: []Param{
				{Name: "before", Kind: "integer", About: "only those with a lower number; 0 is all", Example: 0}, pageLimit}, Result: client.MotionPage{}},
		{Name: "getmotion", Right: Read, Handle: s.getMotion,
			About: "A motion with its votes, in order; null if there is none.",
			Params: []Param{
				{Name: "motion", Kind: "hash", Required: true, About: "its id", Example: exampleHash},
				{Name: "from", Kind: "integer", About: "number of the first vote wanted", Example: 0}, pageLimit}, Result: &client.MotionVotes{}},
		{Name: "listappeals", Right: Read, Handle: s.listAppeals,
			About: "The members that are punished, for which fault, the appeals about it, and what light witnesses told about that time.", Result: penalisedList{}},
		{Name: "listwitnesses", Right: Read, Handle: s.listWitnesses,
			About: "The light witnesses that count, by key.", Result: witnessList{}},
		{Name: "listlocks", Right: Read, Handle: s.listLocks,
			About: "The outputs that vote, or that are a light witness's, and cannot be spent yet, by reference: of everybody, so that a wallet finds its own without naming them. next is what to go on behind; empty at the end.",
			Params: []Param{
				{Name: "after", Kind: "string", About: "next of the page before; empty begins", Example: ""}, pageLimit}, Result: client.LockPage{}},
		{Name: "getmintschedule", Right: Read, Handle: s.getMintSchedule,
			About: "How far the mint has come, what the next day releases, and the newest distributions; null where the network has no stakes.", Result: &client.MintSchedule{}},
	}
}

type (
	recordSent struct {
		Hash kernel.Hash `json:"hash"`
	}
	memberList struct {
		Items []client.MemberRecord `json:"items"`
	}
	penalisedList struct {
		Items []client.PenalisedMember `json:"items"`
	}
	witnessList struct {
		Items []client.WitnessInfo `json:"items"`
	}
)

func (s *Server) sendRecord(ctx context.Context, a *args) (any, error) {
	raw := rawArg(a, "hex")
	if err := a.Err(); err != nil {
		return nil, err
	}
	hash, err := s.node.SubmitRecord(ctx, raw)
	return recordSent{hash}, err
}

func (s *Server) registerDomain(ctx context.Context, a *args) (any, error) {
	id, _ := a.Text("id")
	var texts []string
	if list := a.Raw("nodes"); json.Unmarshal(list, &texts) != nil {
		a.Fail("nodes", "want a list of keys in hex")
	}
	if err := a.Err(); err != nil {
		return nil, err
	}
	d := kernel.Domain{ID: id}
	for _, text := range texts {
		var key kernel.Key
		if len(d.Nodes) == kernel.MaxDomainNodes+1 || key.UnmarshalText([]byte(text)) != nil {
			return kernel.DomainInvalid, nil
		}
		d.Nodes = append(d.Nodes, key)
	}
	d.Sort()
	if d.Check() != nil {
		return kernel.DomainInvalid, nil
	}
	state, err := s.node.RegisterDomain(ctx, d)
	if errors.Is(err, ledger.RecordNoStake) {
		return kernel.DomainInvalid, nil // nobody votes here
	}
	return state, err
}

func (s *Server) getDomain(_ context.Context, a *args) (any, error) {
	id, _ := a.Text("id")
	if err := a.Err(); err != nil {
		return nil, err
	}
	view, release := s.history.View()
	defer release()
	d, _ := ledger.DomainOf(view, id)
	return client.DomainInfo{ID: id, State: d.State, Asked: d.Asked, Motion: d.Motion, Nodes: list(d.Approved)}, nil
}

func (s *Server) getStake(_ context.Context, _ *args) (any, error) {
	info := s.node.Info()
	view, release := s.history.View()
	defer release()
	state, ok := ledger.StakeOf(view)
	if !ok {
		return (*client.StakeInfo)(nil), nil
	}
	genesis := info.Genesis.Stake
	rules := ledger.MotionRulesOf(view, genesis)
	out := &client.StakeInfo{
		Commit: view.Head().Index, Epoch: info.Epoch, Total: genesis.Total, Pool: state.Pool, Escrow: state.Escrow,
		Pledge: state.Pledge, AppealWindow: state.AppealWindow, MotionWindow: rules.Window, MotionDelay: rules.Delay,
		Quorum: ledger.QuorumOf(view, genesis), AppFee: state.Fees.AppCreation, CallFee: state.Fees.Call,
		SupplyOK: xinAddsUp(view, state),
	}
	p := ledger.ProtocolOf(view)
	out.Protocol.Version = p.At(info.Epoch)
	if info.Epoch < p.From {
		out.Protocol.Next, out.Protocol.From = p.Next, p.From
	}
	return out, nil
}

func sum(amounts ...kernel.Amount) (total kernel.Amount, ok bool) {
	for _, a := range amounts {
		if total, ok = total.Add(a); !ok {
			return total, false
		}
	}
	return total, true
}

func xinAddsUp(view View, state ledger.StakeState) bool {
	xin, _ := view.Asset(kernel.XIN)
	held, ok := sum(xin.Unspent, state.Pool, state.Escrow)
	came, ok2 := xin.Deposited.Sub(xin.Withdrawn)
	return ok && ok2 && held == came
}

func (s *Server) listMembers(_ context.Context, _ *args) (any, error) {
	view, release := s.history.View()
	defer release()
	out := memberList{Items: []client.MemberRecord{}}
	for _, m := range ledger.MembersOf(view) {
		out.Items = append(out.Items, showMember(view, &m))
	}
	return out, nil
}

func showMember(view View, m *ledger.MemberRecord) client.MemberRecord {
	out := client.MemberRecord{
		ID: m.ID, Name: m.Member.Name, Key: m.Member.Key, Payee: m.Member.Payee, State: m.State, Since: m.Since,
		Stake: m.Stake, Collateral: m.Collateral, Flag: m.Flag.String(), FlagEpoch: m.FlagEpoch,
		Escrowed: m.Escrowed, EscrowUntil: m.EscrowUntil, Faults: m.Faults, Left: m.Left,
	}
	if appeal, ok := ledger.AppealOf(view, m.ID); ok {
		out.Appeal = appeal.ID
	}
	return out
}

func (s *Server) listMotions(_ context.Context, a *args) (any, error) {
	before := a.Uint("before", lastCommit, 0)
	limit := a.Limit("limit", 100)
	if err := a.Err(); err != nil {
		return nil, err
	}
	view, release := s.history.View()
	defer release()
	page := client.MotionPage{Items: []client.MotionInfo{}, Count: ledger.MotionCount(view)}
	next := page.Count
	if before > 0 {
		next = min(next, before)
	}
	for ; next > 0 && len(page.Items) < limit; next-- {
		m, ok := ledger.MotionAt(view, next-1)
		if !ok {
			break
		}
		page.Items = append(page.Items, s.showMotion(view, m))
	}
	return page, nil
}

func (s *Server) showMotion(view View, m *ledger.Motion) client.MotionInfo {
	out := client.MotionInfo{
		ID: m.ID, Number: m.Number, Motion: m.Motion, Proposer: m.Proposer, State: m.State.String(),
		Opened: m.Opened, Deadline: m.Deadline, Due: m.Due, Votes: m.Votes, Quorum: m.Quorum,
		For: showTally(m.For), Against: showTally(m.Against),
	}
	if m.State == ledger.MotionOpen {
		out.Quorum = ledger.QuorumOf(view, s.node.Info().Genesis.Stake)
	}
	return out
}

func showTally(t ledger.Tally) client.Tally {
	return client.Tally{Holders: t.Holders, Witnesses: t.Witnesses, Members: t.Members, Sum: t.Sum()}
}

func (s *Server) getMotion(_ context.Context, a *args) (any, error) {
	var id kernel.Hash
	a.Into("motion", &id)
	from := a.Uint("from", 1<<32-1, 0)
	limit := a.Limit("limit", 100)
	if err := a.Err(); err != nil {
		return nil, err
	}
	view, release := s.history.View()
	defer release()
	m, ok := ledger.MotionByID(view, id)
	if !ok {
		return (*client.MotionVotes)(nil), nil
	}
	out := &client.MotionVotes{MotionInfo: s.showMotion(view, m), List: []client.CastVote{}}
	for _, v := range ledger.VotesOf(view, m, uint32(from), limit) {
		out.List = append(out.List, client.CastVote{By: v.By.String(), Voter: v.Voter, For: v.For, Weight: v.Weight, Commit: v.Commit})
	}
	return out, nil
}

func (s *Server) listAppeals(_ context.Context, _ *args) (any, error) {
	view, release := s.history.View()
	defer release()
	out := penalisedList{Items: []client.PenalisedMember{}}
	for _, m := range ledger.MembersOf(view) {
		fault := ledger.PenaltyOf(&m)
		if fault == nil {
			continue
		}
		p := client.PenalisedMember{Member: showMember(view, &m), Fault: showFault(fault), Seen: []client.Sighting{}}
		p.Fault.Node = m.ID
		if appeal, ok := ledger.AppealOf(view, m.ID); ok {
			shown := s.showMotion(view, appeal)
			p.Appeal = &shown
		}
		for _, w := range ledger.Witnesses(view) {
			if seen, ok := w.SeenAbout(fault); ok {
				p.Seen = append(p.Seen, client.Sighting{
					Witness: w.Key, Weight: kernel.NewAmount(w.Locked), Commit: seen.Commit, Reachable: seen.Reachable>>fault.Author&1 == 1,
				})
			}
		}
		out.Items = append(out.Items, p)
	}
	return out, nil
}

func showFault(f *ledger.Fault) client.Fault {
	return client.Fault{
		Kind: faultKinds[f.Kind], Author: f.Author, Epoch: f.Epoch, Round: f.Round,
		Snapshot: f.Snapshot, Entry: f.Entry, Commit: f.Commit,
	}
}

func (s *Server) listWitnesses(_ context.Context, _ *args) (any, error) {
	view, release := s.history.View()
	defer release()
	out := witnessList{Items: []client.WitnessInfo{}}
	for _, w := range ledger.Witnesses(view) {
		shown := client.WitnessInfo{
			Key: w.Key, Payee: w.Payee, Locked: kernel.NewAmount(w.Locked), Since: w.Since, Until: w.Until,
			Votes: w.Votes, Reports: w.Reports, Recent: []client.WitnessSeen{},
		}
		for _, r := range w.Recent {
			shown.Recent = append(shown.Recent, client.WitnessSeen(r))
		}
		out.Items = append(out.Items, shown)
	}
	return out, nil
}

// lockVisits is how many rows of locks one call looks at for each that it may answer: many may be over.
const lockVisits = 4

func (s *Server) listLocks(_ context.Context, a *args) (any, error) {
	after, _ := a.Text("after")
	limit := a.Limit("limit", 100)
	if err := a.Err(); err != nil {
		return nil, err
	}
	view, release := s.history.View()
	defer release()
	list, next := ledger.Locks(view, after, limit, lockVisits*limit)
	out := client.LockPage{Commit: view.Head().Index, Items: []client.Lock{}, Next: next}
	for _, l := range list {
		out.Items = append(out.Items, client.Lock{Hash: l.Ref.Hash, Index: l.Ref.Index, Until: l.Until, Witness: l.Witness, Motions: l.Motions})
	}
	return out, nil
}

// recentDistributions is how many getmintschedule shows.
const recentDistributions = 30

func (s *Server) getMintSchedule(_ context.Context, _ *args) (any, error) {
	view, release := s.history.View()
	defer release()
	m, ok := ledger.MintOf(view)
	if !ok {
		return (*client.MintSchedule)(nil), nil
	}
	rules := s.node.Info().Genesis.Stake.Mint
	out := &client.MintSchedule{
		Batch: m.Batch, Day: m.Day, Pool: m.Pool, Distributions: m.Distributions,
		Shares: [3]uint8{rules.Nodes, rules.Domains, rules.Light}, Recent: []client.Distribution{},
	}
	for n := m.Distributions; n > 0 && len(out.Recent) < recentDistributions; n-- {
		if d, ok := ledger.DistributionAt(view, n-1); ok {
			out.Recent = append(out.Recent, showDistribution(&d))
		}
	}
	return out, nil
}

func showDistribution(d *ledger.Distribution) client.Distribution {
	out := client.Distribution{Batch: d.Batch, Commit: d.Commit, Due: d.Due, Paid: d.Paid, Transaction: d.Transaction, Shares: []client.MintShare{}}
	for _, s := range d.Shares {
		out.Shares = append(out.Shares, client.MintShare(s))
	}
	return out
}

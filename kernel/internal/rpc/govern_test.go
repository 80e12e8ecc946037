package rpc_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/rpc/rpctest"
)

// TestGovernance: a domain is asked for, members vote, and every method shows it; a second brings a
// named refusal; two signatures of a member stand beside each other.
func TestGovernance(t *testing.T) {
	n := rpctest.NewStaked(t, 10)
	url := rpctest.Serve(t, n, rpc.Config{})
	call := func(method, params string, into any) {
		t.Helper()
		a := ask(t, url, method, params)
		if a.Error != nil {
			t.Fatalf("%s: %s", method, a.Error.Message)
		}
		if err := json.Unmarshal(a.Result, into); err != nil {
			t.Fatal(err)
		}
	}
	domain := fmt.Sprintf(`["c6d0c728-2624-429b-8e0d-d9d19b6592fa", [%q]]`, n.Genesis.Members[0].Key)
	var state string
	for _, bad := range []string{`["x", []]`, `["c6d0c728-2624-429b-8e0d-d9d19b6592fa", []]`, `["c6d0c728-2624-429b-8e0d-d9d19b6592fa", ["zz"]]`} {
		if call("kernel_registerDomain", bad, &state); state != "invalid" {
			t.Errorf("%s: %s", bad, state)
		}
	}
	if call("kernel_registerDomain", domain, &state); state != "pending" {
		t.Fatal(state)
	}
	n.Commit()
	var page client.MotionPage
	if call("listmotions", "{}", &page); len(page.Items) != 1 || page.Items[0].State != "open" || page.Items[0].For.Members.IsZero() {
		t.Fatalf("%+v", page)
	}
	id := page.Items[0].ID
	vote := kernel.Vote{Motion: id, For: true}
	for member := 1; member < 7; member++ {
		raw := hex.EncodeToString(n.SignRecord(member, kernel.RecordVote, vote.AppendBinary(nil)).AppendBinary(nil))
		var sent map[string]kernel.Hash
		if call("sendrecord", fmt.Sprintf(`[%q]`, raw), &sent); sent["hash"].IsZero() {
			t.Fatal("no hash")
		}
	}
	n.Commit()
	again := n.SignRecord(1, kernel.RecordVote, vote.AppendBinary(nil)).AppendBinary(nil)
	if a := ask(t, url, "sendrecord", fmt.Sprintf(`[%q]`, hex.EncodeToString(again))); a.name() != "voter_voted" {
		t.Fatalf("a second vote: %q", a.name())
	}
	for range 10 {
		n.Commit()
	}
	if call("kernel_registerDomain", domain, &state); state != "approved" {
		t.Fatal(state)
	}
	var motion client.MotionVotes
	if call("getmotion", fmt.Sprintf(`{"motion":%q}`, id), &motion); len(motion.List) != 7 || motion.State != "done" {
		t.Fatalf("%+v", motion)
	}
	var stake client.StakeInfo
	if call("getstake", "{}", &stake); !stake.SupplyOK || stake.Protocol.Version != 1 {
		t.Fatalf("%+v", stake)
	}
	var mint client.MintSchedule
	if call("getmintschedule", "{}", &mint); mint.Day.String() != "136.98630136" {
		t.Fatalf("%+v", mint)
	}
	faulty(t, n, call)
}

// faulty lets a member sign twice.
func faulty(t *testing.T, n *rpctest.Node, call func(string, string, any)) {
	t.Helper()
	n.InjectRecord(n.Equivocation(2, 1))
	n.Commit()
	var f client.FaultEvidence
	if call("getfault", "[0]", &f); len(f.Statements) != 2 || !f.Statements[0].Valid || !f.Statements[1].Valid || f.Key != n.Genesis.Members[2].Key || f.Record == "" {
		t.Fatalf("%+v", f)
	}
	var appeals struct{ Items []client.PenalisedMember }
	if call("listappeals", "{}", &appeals); len(appeals.Items) != 1 || appeals.Items[0].Appeal != nil || appeals.Items[0].Member.Flag != "due" {
		t.Fatalf("%+v", appeals)
	}
	var members struct{ Items []client.MemberRecord }
	if call("listmembers", "{}", &members); len(members.Items) != 7 || members.Items[2].Faults != 1 || !strings.HasPrefix(members.Items[0].Name, "node") {
		t.Fatalf("%+v", members)
	}
}

package explorer_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// govern answers what the made-up network says of stakes and votes.
func (n *fakeNode) govern(method string, number func(string) uint64) any {
	motion := client.MotionInfo{
		ID: kernel.Hash{1}, Motion: kernel.Motion{Subject: kernel.SubjectPenalty, Title: "Lift it <script>", Text: "because", Penalty: &kernel.Penalty{Member: kernel.Key{3}}},
		State: "open", Deadline: 90, Votes: 1, Quorum: kernel.NewAmount(1000_00000000), For: client.Tally{Sum: kernel.NewAmount(400_00000000)},
	}
	payee := kernel.AccountFromSeed([64]byte{1}).Address()
	member := client.MemberRecord{Payee: payee, Name: "node-4", Key: kernel.Key{3}, State: kernel.MemberAccepted, Flag: "in_force", FlagEpoch: 2, Stake: kernel.NewAmount(10_000_00000000), Appeal: motion.ID}
	fault := client.Fault{Kind: "equivocation", Author: 3, Epoch: 1, Round: 12, Commit: 7}
	switch method {
	case "getstake":
		return client.StakeInfo{Pool: kernel.NewAmount(500_000_00000000), SupplyOK: true, Protocol: client.ProtocolInfo{Version: 1}}
	case "listmembers":
		return map[string]any{"items": []client.MemberRecord{member}}
	case "listmotions":
		return client.MotionPage{Items: []client.MotionInfo{motion}, Count: 1}
	case "getmotion":
		return client.MotionVotes{MotionInfo: motion, List: []client.CastVote{{By: "witness", For: true, Weight: kernel.NewAmount(400_00000000)}}}
	case "listappeals":
		return map[string]any{"items": []client.PenalisedMember{{Member: member, Fault: fault, Appeal: &motion, Seen: []client.Sighting{{Reachable: true}, {}}}}}
	case "listwitnesses":
		return map[string]any{"items": []client.WitnessInfo{{Payee: payee, Locked: kernel.NewAmount(400_00000000)}}}
	case "getmintschedule":
		return client.MintSchedule{Batch: 3, Day: kernel.NewAmount(136_98630136), Shares: [3]uint8{5, 4, 1},
			Recent: []client.Distribution{{Batch: 3, Paid: kernel.NewAmount(5), Shares: []client.MintShare{{Key: kernel.Key{3}, Amount: kernel.NewAmount(5)}}}}}
	case "listfaults":
		if number("from") > 0 {
			return client.FaultPage{Items: []client.Fault{}, Next: 1}
		}
		return client.FaultPage{Items: []client.Fault{fault}, Next: 1}
	case "getfault":
		if number("number") > 0 {
			return nil
		}
		return client.FaultEvidence{Fault: fault, Record: "00ff", Statements: []client.SignedStatement{{ID: kernel.SnapshotID{1}, Valid: true}, {ID: kernel.SnapshotID{2}, Valid: true}}}
	}
	return nil
}

// TestGovernPages: members, stake, faults with both statements, motions with votes, and the mint.
func TestGovernPages(t *testing.T) {
	s := newSite(t, 1, 20)
	for path, words := range map[string][]string{
		"/network":                              {"Epoch 0", "node-4", "flagged since epoch 2", "equivocation", "/fault/0", "Lift it &lt;script&gt;", "136.98630136", "in reach of 1 of 2", "500000 XIN", "adds up"},
		"/fault/0":                              {"equivocation by", "Two signed statements", "01000000", "02000000", "yes, by the author", "00ff"},
		"/motion/01" + strings.Repeat("00", 31): {"Lift it &lt;script&gt;", "because", "The penalty of member 03", "39 %", "witness"},
	} {
		w := s.get(path)
		body := w.Body.String()
		if w.Code != 200 || strings.Contains(body, "<script>") {
			t.Errorf("%s: %d", path, w.Code)
		}
		for _, word := range words {
			if !strings.Contains(body, word) {
				t.Errorf("%s lacks %q", path, word)
			}
		}
		if !json.Valid(s.get(path + "?format=json").Body.Bytes()) {
			t.Errorf("%s?format=json is not JSON", path)
		}
	}
	for path, want := range map[string]int{"/fault/9": 404, "/fault/x": 400, "/motion/x": 400} {
		if w := s.get(path); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

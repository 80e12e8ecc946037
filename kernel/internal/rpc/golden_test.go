package rpc_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/rpc/rpctest"
)

// changing is what differs from run to run in a right answer.
var changing = regexp.MustCompile(`"uptime":"[^"]*"|"witness":\{"signature":"[0-9a-f]*","timestamp":\d+\}`)

// TestDialects compares the answers of every method in both dialects, letter by letter, with
// testdata/dialects.golden.
func TestDialects(t *testing.T) {
	n := rpctest.New(t, 6)
	url := rpctest.Serve(t, n, rpc.Config{})
	first, winner, loser, waiting := n.Payment(t, 0, 1), n.Payment(t, 1, 1), n.Payment(t, 1, 2), n.Payment(t, 2, 1)
	submit := func(raw []byte) {
		if got := ask(t, url, "sendrawtransaction", fmt.Sprintf(`[%q]`, hex.EncodeToString(raw))); got.Error != nil {
			t.Fatal(got.Error)
		}
	}
	submit(first)
	n.Commit()
	submit(winner)
	submit(loser)
	n.Inject([]byte("not a transaction")) // a fault of the first member
	n.Commit()
	submit(waiting)
	submit(n.Payment(t, 3, 1))
	if receipt, _ := n.Receipt(hashOf(t, loser)); receipt.Status != kernel.Rejected {
		winner, loser = loser, winner
	}
	words := wordsOf(t, n, first, winner, loser, waiting)

	var out bytes.Buffer
	for _, scene := range strings.Split(strings.TrimSpace(scenes), "\n") {
		request := words.Replace(strings.TrimSpace(scene))
		status, answer := post(t, url, request)
		answer = changing.ReplaceAll(bytes.TrimSpace(answer), []byte(`"changing":0`))
		fmt.Fprintf(&out, "> %s\n%d %s\n\n", scene, status, answer)
	}
	golden(t, "testdata/dialects.golden", out.Bytes())
}

// wordsOf turns the names in scenes into ids.
func wordsOf(t *testing.T, n *rpctest.Node, first, winner, loser, waiting []byte) *strings.Replacer {
	tx := hashOf(t, first)
	receipt, _ := n.Receipt(tx)
	var decoded kernel.Transaction
	if err := decoded.UnmarshalBinary(first); err != nil {
		t.Fatal(err)
	}
	roster := n.Info().Roster
	return strings.NewReplacer(
		"FIRST_HEX", hex.EncodeToString(first), "LOSER_HEX", hex.EncodeToString(loser), "WAITING_HEX", hex.EncodeToString(waiting),
		"BALANCE", decoded.Inputs[0].Hash.String(), "FIRST", tx.String(), "WINNER", hashOf(t, winner).String(),
		"LOSER", hashOf(t, loser).String(), "WAITING", hashOf(t, waiting).String(), "SNAPSHOT", receipt.Snapshot.String(),
		"KEY", decoded.Outputs[0].Keys[0].String(), "NODE1", roster[0].ID.String(), "NODE2", roster[1].ID.String(),
		"XIN", kernel.XIN.String(), "ETH", kernel.ETH.String(), "NOBODY", strings.Repeat("0b", 32),
	)
}

// scenes are requests, one a line.
const scenes = `
{"method":"getinfo","params":[]}
{"jsonrpc":"2.0","id":1,"method":"getinfo"}
{"id":"a","method":"listpeers","params":[]}
{"jsonrpc":"2.0","id":1,"method":"listrelayers","params":["NODE2"]}
{"id":"a","method":"dumpgraphhead","params":[]}
{"id":"a","method":"sendrawtransaction","params":["FIRST_HEX"]}
{"id":7,"method":"sendrawtransaction","params":["WAITING_HEX"]}
{"id":"a","method":"sendrawtransaction","params":["LOSER_HEX"]}
{"jsonrpc":"2.0","id":1,"method":"sendrawtransaction","params":{"hex":"FIRST_HEX"}}
{"jsonrpc":"2.0","id":1,"method":"sendrawtransaction","params":["LOSER_HEX"]}
{"jsonrpc":"2.0","id":1,"method":"sendrawtransaction","params":["7777000"]}
{"jsonrpc":"2.0","id":1,"method":"sendrawtransaction","params":["77770005"]}
{"id":"a","method":"sendrawtransaction","params":["77770005"]}
{"jsonrpc":"2.0","id":1,"method":"checkrawtransaction","params":["LOSER_HEX"]}
{"jsonrpc":"2.0","id":1,"method":"checkrawtransaction","params":["WAITING_HEX"]}
{"jsonrpc":"2.0","id":1,"method":"checkrawtransaction","params":["00"]}
{"id":"a","method":"gettransaction","params":["FIRST"]}
{"id":"a","method":"gettransaction","params":["WAITING"]}
{"id":"a","method":"gettransaction","params":["NOBODY"]}
{"jsonrpc":"2.0","id":1,"method":"gettransaction","params":["NOBODY"]}
{"jsonrpc":"2.0","id":1,"method":"gettransaction","params":["zz"]}
{"id":"a","method":"getcachetransaction","params":["WAITING"]}
{"id":"a","method":"getcachetransaction","params":["FIRST"]}
{"jsonrpc":"2.0","id":1,"method":"gettransactionstatus","params":["FIRST"]}
{"jsonrpc":"2.0","id":1,"method":"gettransactionstatus","params":["LOSER"]}
{"jsonrpc":"2.0","id":1,"method":"gettransactionstatus","params":["WAITING"]}
{"jsonrpc":"2.0","id":1,"method":"gettransactionstatus","params":{"hash":"NOBODY","wait_ms":"20"}}
{"jsonrpc":"2.0","id":1,"method":"explaintransaction","params":["FIRST"]}
{"id":"a","method":"getdeposittransaction","params":["ETH","0xff","0"]}
{"id":"a","method":"getwithdrawalclaim","params":["FIRST"]}
{"id":"a","method":"getutxo","params":["FIRST",0]}
{"id":"a","method":"getutxo","params":["BALANCE","0"]}
{"id":"a","method":"getutxo","params":["BALANCE",999]}
{"id":"a","method":"getutxo","params":["BALANCE",-1]}
{"id":"a","method":"getkey","params":["KEY"]}
{"id":"a","method":"getkey","params":["NOBODY"]}
{"id":"a","method":"getasset","params":["XIN"]}
{"id":"a","method":"getasset","params":["NOBODY"]}
{"jsonrpc":"2.0","id":1,"method":"listassets"}
{"jsonrpc":"2.0","id":1,"method":"getsupply","params":[]}
{"id":"a","method":"getsnapshot","params":["SNAPSHOT"]}
{"id":"a","method":"getsnapshot","params":["NOBODY"]}
{"id":"a","method":"listsnapshots","params":["0","2",false,false]}
{"id":"a","method":"listsnapshots","params":[6,2,true,true]}
{"id":"a","method":"listsnapshots","params":[0,501,true,true]}
{"id":"a","method":"listsnapshots","params":[99,2,true,true]}
{"id":"a","method":"getroundbynumber","params":["NODE1",1]}
{"id":"a","method":"getroundbynumber","params":["NODE1",9]}
{"id":"a","method":"getroundbyhash","params":["SNAPSHOT"]}
{"id":"a","method":"getroundlink","params":["NODE1","NODE2"]}
{"id":"a","method":"getroundlink","params":["NODE1","NOBODY"]}
{"id":"a","method":"listmintworks","params":[0]}
{"id":"a","method":"listmintdistributions","params":[0,10,false]}
{"id":"a","method":"listallnodes","params":[0,true]}
{"id":"a","method":"listallnodes","params":[1,true]}
{"id":"a","method":"listcustodianupdates","params":[]}
{"jsonrpc":"2.0","id":1,"method":"getgenesis"}
{"jsonrpc":"2.0","id":1,"method":"getcommit","params":[1]}
{"jsonrpc":"2.0","id":1,"method":"getcommit","params":[2]}
{"jsonrpc":"2.0","id":1,"method":"getcommit","params":[99]}
{"jsonrpc":"2.0","id":1,"method":"listcommits","params":{"from":1,"limit":1}}
{"jsonrpc":"2.0","id":1,"method":"listcommits","params":{"from":3}}
{"jsonrpc":"2.0","id":1,"method":"listcommits","params":{"from":0,"limit":0}}
{"jsonrpc":"2.0","id":1,"method":"listfaults","params":{"from":0}}
{"jsonrpc":"2.0","id":1,"method":"listfaults","params":{"from":1,"limit":500}}
{"jsonrpc":"2.0","id":1,"method":"getgraph","params":[2,2]}
{"jsonrpc":"2.0","id":1,"method":"getgraph","params":[3,2]}
{"jsonrpc":"2.0","id":1,"method":"subscribe","params":["commits",0]}
{"jsonrpc":"2.0","id":1,"method":"nosuch","params":[]}
{"id":"a","method":"nosuch","params":[]}
{"id":"a","method":"gettransaction","params":[]}
{"id":"a","method":"gettransaction","params":["FIRST","FIRST"]}
{"jsonrpc":"2.0","id":1,"method":"gettransaction","params":{"hush":"FIRST"}}
{"jsonrpc":"2.0","id":1,"method":"gettransaction","params":"FIRST"}
{"jsonrpc":"2.0","id":1,"method":"gettransaction","params":[{"hash":"FIRST"}]}
{"jsonrpc":"1.0","id":1,"method":"getinfo"}
{"jsonrpc":"2.0","id":{},"method":"getinfo"}
{"jsonrpc":"2.0","id":1}
{"jsonrpc":"2.0","id":"text","method":"getkey","params":["NOBODY"]}
{"jsonrpc":"2.0","id":null,"method":"getkey","params":["NOBODY"]}
{"jsonrpc":"2.0","method":"getkey","params":["NOBODY"]}
{"jsonrpc":"2.0","method":"nosuch"}
{"method":"getkey","params":["NOBODY"]}
[{"jsonrpc":"2.0","id":1,"method":"getkey","params":["NOBODY"]},{"jsonrpc":"2.0","method":"getkey","params":["NOBODY"]},7,{"jsonrpc":"2.0","id":2,"method":"nosuch"}]
[{"jsonrpc":"2.0","method":"getkey","params":["NOBODY"]}]
[{"id":"a","method":"getkey","params":["NOBODY"]}]
[]
{"jsonrpc":"2.0","id":1,"method":"getinfo"
{"jsonrpc":"2.0","id":1,"method":"getinfo"} {}
7
null
`

package client

import (
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/asterism-network/asterism/pillars"
)

// FuzzAnswer: whatever a server says, the client gives a value or an error.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"result":{"network":"devnet","tip":{"height":1}}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"error":{"code":-32033,"message":"x","data":{"name":"not_found","retry_after_ms":-5}}}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		var i Info
		err := New("http://127.0.0.1").Decode(200, answer, 1, "getinfo", &i)
		if e, ok := err.(*Error); ok {
			if wait := e.RetryAfter(); wait < 0 || wait.Hours() > 1 {
				t.Fatalf("waits %v", wait)
			}
		}
	})
}

// FuzzEvent: the same of the stream.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","method":"event","params":{"topic":"blocks","cursor":"1:ab","item":{"kind":"rewind","height":1}}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"result":{"subscription":"1"}}`))
	f.Fuzz(func(t *testing.T, message []byte) {
		if e, err := decodeEvent(message); e != nil && err != nil {
			t.Fatal("an event and an error")
		}
	})
}

// FuzzDescribe: every transaction that decodes can be shown, and what is shown holds its bytes.
func FuzzDescribe(f *testing.F) {
	p := pillars.Devnet()
	genesis := pillars.Classic()
	if b, err := genesis.GenesisBlock(); err == nil {
		f.Add(b.Transactions[0].AppendBinary(nil))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		tx := new(pillars.Transaction)
		if tx.UnmarshalBinary(raw) != nil {
			return
		}
		shown := Describe(tx, p.Address)
		if shown.Hex != hex.EncodeToString(raw) || shown.Hash != tx.ID() {
			t.Fatalf("shown as %s", shown.Hex)
		}
		if _, err := json.Marshal(shown); err != nil {
			t.Fatal(err)
		}
	})
}

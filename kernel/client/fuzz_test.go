package client

import (
	"encoding/json"
	"testing"
)

// FuzzAnswer decodes what any server may answer into every type of result: an error or a value
// that encodes again, never a panic.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"result":{"index":1,"receipts":[{"status":"final"}],"transactions":[{"hash":"","hex":"00"}]}}`,
		`{"jsonrpc":"2.0","id":1,"result":{"transactions":["",{"hex":"zz"},null,7]}}`,
		`{"jsonrpc":"2.0","id":1,"result":[{"id":"00"}]}`, `{"jsonrpc":"2.0","id":1,"result":null}`,
		`{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m","data":{"name":"input_spent","retry_after_ms":-1}}}`,
		`{"jsonrpc":"2.0","id":1,"error":{}}`, `[]`, `<html>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		for _, result := range []any{
			new(Info), new(Commit), new(CommitPage), new(*Transaction), new(TransactionStatus), new(*Snapshot), new([]Snapshot),
			new(*RoundInfo), new(Graph), new(Explanation), new([]Peer), new(Supply), new(*Output), new(FaultPage), new(Checked),
		} {
			err := New("http://127.0.0.1").Decode(200, answer, 1, "test", result)
			if err != nil {
				if refusal, ok := err.(*Error); ok && refusal.RetryAfter() < 0 {
					t.Fatal("negative wait")
				}
				continue
			}
			if _, err := json.Marshal(result); err != nil {
				t.Fatalf("%T does not encode again: %v", result, err)
			}
			if tx, ok := result.(**Transaction); ok && *tx != nil {
				_, _ = (*tx).Decode()
			}
		}
	})
}

// FuzzTransactionRef reads any JSON as a transaction, whole or by its hash: what is read is written
// so that it reads the same.
func FuzzTransactionRef(f *testing.F) {
	f.Add([]byte(`"0100000000000000000000000000000000000000000000000000000000000000"`))
	f.Add([]byte(`{"hash":"0100000000000000000000000000000000000000000000000000000000000000","version":5}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var ref, again TransactionRef
		if json.Unmarshal(b, &ref) != nil {
			return
		}
		out, err := json.Marshal(ref)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &again); err != nil || again.Hash != ref.Hash || (again.Object == nil) != (ref.Object == nil) {
			t.Fatalf("%s is written as %s, which reads as %+v, %v", b, out, again, err)
		}
	})
}

// FuzzEvent reads any bytes as what a commit stream sends.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","params":{"topic":"commits","sequence":1,"cursor":7,"item":{}}}`))
	f.Add([]byte(`{"error":{"code":-32000,"message":"slow"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decodeEvent[Commit](b)
		if err != nil && (e.Item != nil || e.Cursor != 0) {
			t.Fatal("an event and an error")
		}
	})
}

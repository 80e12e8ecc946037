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
			err := decodeAnswer(200, answer, 1, "test", result)
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

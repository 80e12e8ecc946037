package rpcserver

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
)

var splitSeeds = []string{
	`{}`, `{ }`, `[]`, `[ ]`, `{"a":1}`, ` {"jsonrpc":"2.0","id":1,"method":"x","params":{"a":[1,{"b":"]}"}]}}`,
	`{"Method":"x"}`, `{"method":"x","method":"y"}`, `{"\u006dethod":"x"}`, `{"method":"a\"b"}`, `{"method":7}`, `{"method":null}`,
	`{"id":null,"params":[ "a" , "b\\" , [ ] , {} , true,-1e5 ] , "method" : "x" }`, `{"id":"\"","method":"é"}`, "{\"method\":\"\xff\"}",
	`{"params":["7777","a\\\""],"method":"sendrawtransactions","id":{}}`, `{"method":"x","jsonrpc":"2.0"}x`, `{"id":1`, `{"id"`,
	`[1,"a\"b,]",[[],{}],{"x":"}"}]`, `["\\","\\\\\""]`, `["`, `["a`, "[\"a\n\"]", `"a"b"c"`, `["\x","a"]`, `["","\u12"]`,
}

// FuzzSplit: what is taken apart without the general decoder is what that finds, for calls and for
// lists, whatever the bytes are.
func FuzzSplit(f *testing.F) {
	for _, seed := range splitSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		body = bytes.TrimSpace(body)
		if CheckShape(body) != "" || len(body) == 0 {
			t.Skip()
		}
		if valid(body) != json.Valid(body) {
			t.Fatalf("%q is valid: %v", body, json.Valid(body))
		}
		var got, want request
		fault := decodeRequest(body, &got)
		if err := json.Unmarshal(body, &want); (err == nil && body[0] == '{') != (fault == nil) {
			t.Fatalf("%q: %v, the general decoder says %v", body, fault, err)
		}
		if fault == nil && (got.Method != want.Method || !bytes.Equal(got.ID, want.ID) || !bytes.Equal(got.Params, want.Params) || !bytes.Equal(got.Version, want.Version)) {
			t.Fatalf("%q: %+v, want %+v", body, got, want)
		}
		if !json.Valid(body) {
			return
		}
		if body[0] == '[' {
			var got, want []json.RawMessage
			splitArray(body, func(v []byte) bool { got = append(got, v); return true })
			if err := json.Unmarshal(body, &want); err != nil || !slices.EqualFunc(got, want, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
				t.Fatalf("%q: %q, want %q", body, got, want)
			}
		}
		if body[0] == '{' {
			got, want := map[string]string{}, map[string]json.RawMessage{}
			plain := splitObject(body, func(n, v []byte) bool { got[string(n)] = string(v); return true })
			if err := json.Unmarshal(body, &want); err != nil {
				t.Fatal(err)
			}
			for name, value := range want {
				if at, ok := got[name]; plain && ok && at != string(value) { // names that are not UTF-8 come back changed
					t.Fatalf("%q: %s is %q, want %q", body, name, at, value)
				}
			}
		}
	})
}

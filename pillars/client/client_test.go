package client

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// TestRepetition: reads are tried again while that can help, a submission never.
func TestRepetition(t *testing.T) {
	calls := 0
	answers := []string{
		`{"jsonrpc":"2.0","id":ID,"error":{"code":-32003,"message":"slow down","data":{"name":"rate_limited","retry_after_ms":5}}}`,
		`{"jsonrpc":"2.0","id":ID,"result":{"height":7}}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var call struct{ ID json.RawMessage }
		if json.NewDecoder(r.Body).Decode(&call) != nil {
			t.Error("a call that is no JSON")
		}
		_, _ = w.Write([]byte(strings.Replace(answers[min(calls, len(answers)-1)], "ID", string(call.ID), 1)))
		calls++
	}))
	defer server.Close()
	c := New(server.URL, WithAttempts(3, time.Millisecond))
	tip, err := c.Tip(t.Context())
	if err != nil || tip.Height != 7 || calls != 2 {
		t.Fatalf("%+v, %v, %d calls", tip, err, calls)
	}
	calls = 0
	tx := &pillars.Transaction{Version: 4}
	if _, err := c.Send(t.Context(), tx); !errors.Is(err, ErrRateLimited) || calls != 1 {
		t.Errorf("a submission: %v, %d calls", err, calls)
	}
}

// TestErrorsAreNamed: a refusal is the rule that it names.
func TestErrorsAreNamed(t *testing.T) {
	err := New("http://127.0.0.1").Decode(200, []byte(`{"jsonrpc":"2.0","id":1,"error":{"code":-32014,"message":"input 0","data":{"name":"eval_false"}}}`), 1, "sendrawtx", nil)
	if !errors.Is(err, script.EvalFalse) || errors.Is(err, script.ScriptSize) || errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	for _, tt := range []struct{ answer, want string }{
		{`{"jsonrpc":"2.0","id":2,"result":1}`, "another call's id"},
		{`{"jsonrpc":"1.0","id":1,"result":1}`, "Pillars node"},
		{`<html>`, "Pillars node"},
		{`{"jsonrpc":"2.0","id":1,"result":"x"}`, "decode"},
	} {
		var height uint32
		if err := New("http://127.0.0.1").Decode(200, []byte(tt.answer), 1, "getheight", &height); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.answer, err)
		}
	}
}

// TestCertNames: every type of certificate has a word that reads back.
func TestCertNames(t *testing.T) {
	for _, kind := range []pillars.CertificateType{
		pillars.CertIssue, pillars.CertDomain, pillars.CertNaming, pillars.CertMining, pillars.CertWitness,
		pillars.CertCustom, pillars.CertCustom | 7, pillars.CertCustom | pillars.CertHasContent | 0xfffff,
	} {
		if got, ok := ParseCert(CertName(kind)); !ok || got != kind {
			t.Errorf("%#x is %s, which reads as %#x", uint32(kind), CertName(kind), uint32(got))
		}
	}
	for _, bad := range []string{"", "crown", "custom:", "custom:-1", "custom:1048576", "custom+:x", "99999999999"} {
		if _, ok := ParseCert(bad); ok {
			t.Errorf("%q is no type", bad)
		}
	}
}

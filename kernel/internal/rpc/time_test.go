package rpc_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/rpc/rpctest"
)

// A stuck node takes a submission and does not come back by itself.
type stuck struct{ *rpctest.Node }

func (stuck) Submit(ctx context.Context, _ []byte) (kernel.TxHash, error) {
	<-ctx.Done()
	return kernel.TxHash{}, ctx.Err()
}

func handlerOf(t *testing.T, node rpc.Node, history rpc.History) http.Handler {
	t.Helper()
	server, err := rpc.New(rpc.Config{Listen: "127.0.0.1:0"}, node, history, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return server.Handler()
}

// TestCallBudget: a call ends in 5 seconds, by name.
func TestCallBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := rpctest.New(t, 1)
		handler := handlerOf(t, stuck{n}, n)
		start := time.Now()
		w := httptest.NewRecorder()
		body := `{"jsonrpc":"2.0","id":1,"method":"sendrawtransaction","params":["00"]}`
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "http://localhost/", strings.NewReader(body)))
		if answer := parseStrict(t, w.Body.Bytes()); answer.name() != "timeout" || time.Since(start) != 5*time.Second {
			t.Errorf("%s after %v", answer.name(), time.Since(start))
		}
	})
}

// TestWaitEnds: waiting ends with the receipt, or at the time asked for.
func TestWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := rpctest.New(t, 1)
		handler := handlerOf(t, n, n)
		raw := n.Payment(t, 0, 1)
		if _, err := n.Submit(t.Context(), raw); err != nil {
			t.Fatal(err)
		}
		wait := func() (state string, took time.Duration) {
			start := time.Now()
			w := httptest.NewRecorder()
			body := `{"jsonrpc":"2.0","id":1,"method":"gettransactionstatus","params":["` + hashOf(t, raw).String() + `",4000]}`
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "http://localhost/", strings.NewReader(body)))
			_, state, _ = strings.Cut(w.Body.String(), `"state":"`)
			state, _, _ = strings.Cut(state, `"`)
			return state, time.Since(start)
		}
		if state, took := wait(); state != "pending" || took != 4*time.Second {
			t.Errorf("without a commit: %s after %v", state, took)
		}
		time.AfterFunc(time.Second, func() { n.Commit() })
		if state, took := wait(); state != "final" || took != time.Second {
			t.Errorf("with a commit after 1s: %s after %v", state, took)
		}
	})
}

// TestHeartbeat: a stream without news says every ten seconds that it lives.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := rpctest.New(t, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 35*time.Second)
		defer cancel()
		w := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodGet, "http://localhost/events?from=1", nil).WithContext(ctx)
		handlerOf(t, n, n).ServeHTTP(w, req)
		if got := strings.Count(w.Body.String(), `"cursor":1}`); got != 3 {
			t.Errorf("%d heartbeats in 35s:\n%s", got, w.Body.String())
		}
	})
}

// TestShutdown: at the end of a server a submission that is under way is answered, streams and
// those who wait are let go, and Run returns soon.
func TestShutdown(t *testing.T) {
	n := slow{rpctest.New(t, 1), make(chan struct{})}
	server, err := rpc.New(rpc.Config{Listen: "127.0.0.1:0"}, n, n, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, err := server.Listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, l) }()
	url := "http://" + l.Addr().String()

	conn := dial(t, url, nil)
	say(t, conn, `{"jsonrpc":"2.0","id":1,"method":"subscribe","params":["commits",1]}`)
	hear(t, conn)
	answer := make(chan error, 1)
	go func() {
		_, err := client.New(url).SendRawTransaction(context.Background(), []byte{0})
		answer <- err
	}()
	<-n.entered
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := <-answer; err != nil {
		t.Error("the submission under way:", err)
	}
	if _, _, err := conn.Read(t.Context()); err == nil {
		t.Error("the stream goes on")
	}
}

// A slow node takes a while for a submission.
type slow struct {
	*rpctest.Node
	entered chan struct{}
}

func (s slow) Submit(ctx context.Context, _ []byte) (kernel.TxHash, error) {
	close(s.entered)
	select {
	case <-ctx.Done():
	case <-time.After(300 * time.Millisecond):
	}
	return kernel.TxHash{1}, ctx.Err()
}

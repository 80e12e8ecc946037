package rpc_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/rpc/rpctest"
)

func TestOperations(t *testing.T) {
	n := rpctest.New(t, 1)
	registry := prometheus.NewRegistry()
	log := slog.New(slog.DiscardHandler)
	if _, err := rpc.New(rpc.Config{Listen: "127.0.0.1:0"}, n, n, registry, log); err != nil { // registers its metrics
		t.Fatal(err)
	}
	ops, err := rpc.NewOps("127.0.0.1:0", n.Info, registry, log)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ops.Listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- ops.Run(ctx, l) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	url := "http://" + l.Addr().String()

	get := func(path, host string) (int, string) {
		req, err := http.NewRequest(http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			req.Host = host
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	for path, want := range map[string]string{
		"/livez": "ok", "/readyz": `"ready":true`, "/healthz?verbose": "[+] state", "/metrics": "# HELP aster_kernel_rpc_streams", "/debug/pprof/": "goroutine",
	} {
		if status, body := get(path, ""); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.200s", path, status, body)
		}
		if status, _ := get(path, "evil.example"); status != http.StatusForbidden {
			t.Errorf("%s by another name: %d", path, status)
		}
	}

	n.Lock()
	n.State = rpc.CatchingUp
	n.Unlock()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		status, body := get("/readyz", "")
		var report struct {
			Ready   bool
			State   string
			Reasons []string
			Checks  []rpc.Check
		}
		if err := json.Unmarshal([]byte(body), &report); err != nil {
			t.Fatal(err)
		}
		if status == 503 && !report.Ready && report.State == "catching_up" && len(report.Reasons) == 1 && !report.Checks[0].OK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a node that catches up: %d %s", status, body)
		}
	}
	if status, _ := get("/livez", ""); status != 200 {
		t.Errorf("a node that catches up is not alive: %d", status)
	}
	if status, _ := get("/readyz?exclude=state", ""); status != 200 {
		t.Errorf("exclude: %d", status)
	}
}

// TestMetricsByMethod: calls are counted by method and error, unknown methods under one label.
func TestMetricsByMethod(t *testing.T) {
	n := rpctest.New(t, 1)
	registry := prometheus.NewRegistry()
	server, err := rpc.New(rpc.Config{Listen: "127.0.0.1:0"}, n, n, registry, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, err := server.Listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- server.Run(ctx, l) }()
	url := "http://" + l.Addr().String()
	ask(t, url, "getinfo", "[]")
	ask(t, url, "getkey", "[]")
	ask(t, url, "made_up_1", "[]")
	ask(t, url, "made_up_2", "[]")
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "aster_kernel_rpc_calls_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := ""
			for _, l := range m.GetLabel() {
				labels += l.GetValue() + " "
			}
			got[labels] = m.GetCounter().GetValue()
		}
	}
	want := map[string]float64{"none getinfo ": 1, "invalid_params getkey ": 1, "method_not_found unknown ": 2}
	for labels, n := range want {
		if got[labels] != n {
			t.Errorf("%q counted %v times, want %v; all: %v", labels, got[labels], n, got)
		}
	}
}

// TestOpsLeaveTheNodeAlone stops the operators' server while it asks the node: when Run returns,
// nobody asks any more, because the node is closed next.
func TestOpsLeaveTheNodeAlone(t *testing.T) {
	var asking, asked atomic.Int32
	info := func() rpc.Info {
		asking.Add(1)
		asked.Add(1)
		time.Sleep(100 * time.Millisecond)
		asking.Add(-1)
		return rpc.Info{}
	}
	ops, err := rpc.NewOps("127.0.0.1:0", info, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, err := ops.Listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ops.Run(ctx, l) }()
	for asked.Load() < 2 || asking.Load() == 0 { // the first time is before serving
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if asking.Load() != 0 {
		t.Error("the node is still being asked after Run")
	}
}

package rpc_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/rpc/rpctest"
)

// TestState gives a state to whoever may read, to one at a time, and breaks off what does not end well. [RPC-17]
func TestState(t *testing.T) {
	n := rpctest.New(t, 1)
	url := rpctest.Serve(t, n, rpc.Config{Tokens: tokenFile(t)})
	reader := client.New(url, client.WithToken(readToken))
	status := func() int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/state", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+readToken)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := status(); got != http.StatusNotFound {
		t.Errorf("without a state: %d", got)
	}
	if _, err := client.New(url).State(t.Context()); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("without a token: %v", err)
	}
	whole := strings.Repeat("a state ", 1<<16)
	n.Export = func(w io.Writer) (kernel.CommitIndex, error) {
		_, err := io.WriteString(w, whole)
		return 7, err
	}
	in, err := reader.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(in); err != nil || string(got) != whole {
		t.Errorf("%d bytes of a state: %v", len(got), err)
	}
	in.Close()

	n.Export = func(w io.Writer) (kernel.CommitIndex, error) {
		_, err := io.WriteString(w, whole)
		return 0, errors.Join(err, errors.New("the disk is gone"))
	}
	if in, err = reader.State(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(in); err == nil {
		t.Errorf("a part passes for the whole")
	}
	in.Close()

	begun, end := make(chan bool), make(chan bool)
	n.Export = func(w io.Writer) (kernel.CommitIndex, error) {
		begun <- true
		<-end
		_, err := io.WriteString(w, whole)
		return 7, err
	}
	done := make(chan error, 1)
	go func() {
		in, err := reader.State(t.Context())
		if err == nil {
			_, err = io.ReadAll(in)
			in.Close()
		}
		done <- err
	}()
	<-begun
	if got := status(); got != http.StatusServiceUnavailable {
		t.Errorf("to a second one at once: %d", got)
	}
	close(end)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

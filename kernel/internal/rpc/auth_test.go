package rpc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/rpc/rpctest"
)

var (
	readToken    = strings.Repeat("r", 32)
	submitToken  = strings.Repeat("s", 32)
	adminToken   = strings.Repeat("a", 32)
	expiredToken = strings.Repeat("x", 32)
)

func tokenFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens")
	text := "# name right token expiry\nexplorer read " + readToken + "\nwallet submit " + submitToken +
		"\noperator admin " + adminToken + " 2999-01-01T00:00:00Z\nold admin " + expiredToken + " 2001-01-01T00:00:00Z\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRights calls every method of the registry with every kind of token, in both dialects.
func TestRights(t *testing.T) {
	url := rpctest.Serve(t, rpctest.New(t, 1), rpc.Config{Tokens: tokenFile(t)})
	callers := []struct {
		name, header string
		right        rpc.Right
		known        bool
	}{
		{"nobody", "", 0, false},
		{"read", "Bearer " + readToken, rpc.Read, true},
		{"submit", "bearer " + submitToken, rpc.Submit, true},
		{"admin", "Bearer " + adminToken, rpc.Admin, true},
		{"expired", "Bearer " + expiredToken, 0, false},
		{"basic", "Basic " + adminToken, 0, false},
	}
	for _, name := range rpc.MethodNames {
		m := rpc.MethodByName(name)
		if m.Handle == nil {
			continue
		}
		for _, c := range callers {
			want := http.StatusOK
			switch {
			case !c.known:
				want = http.StatusUnauthorized
			case c.right < m.Right:
				want = http.StatusForbidden
			}
			if c.name == "expired" && name != "getinfo" {
				continue // wrong tokens are answered slowly
			}
			for _, body := range []string{exampleCall(m), strings.Replace(exampleCall(m), `"jsonrpc":"2.0",`, "", 1)} {
				if status, answer := post(t, url, body, "Authorization", c.header); status != want {
					t.Errorf("%s by %s: status %d, want %d: %.100s", name, c.name, status, want, answer)
				}
			}
		}
	}
}

// TestRightsInBatch: a batch is answered, each call by its right.
func TestRightsInBatch(t *testing.T) {
	url := rpctest.Serve(t, rpctest.New(t, 1), rpc.Config{Tokens: tokenFile(t)})
	batch := "[" + exampleCall(rpc.MethodByName("getinfo")) + "," + exampleCall(rpc.MethodByName("listpeers")) + "]"
	status, body := post(t, url, batch, "Authorization", "Bearer "+readToken)
	if status != 200 || !strings.Contains(string(body), `"network"`) || strings.Count(string(body), `"forbidden"`) != 1 {
		t.Fatalf("%d %.300s", status, body)
	}
}

// TestWrongTokensAreSlow: after a few wrong tokens answers take their time.
func TestWrongTokensAreSlow(t *testing.T) {
	url := rpctest.Serve(t, rpctest.New(t, 1), rpc.Config{Tokens: tokenFile(t)})
	call := exampleCall(rpc.MethodByName("getinfo"))
	for range 5 {
		post(t, url, call, "Authorization", "Bearer wrong")
	}
	start := time.Now()
	post(t, url, call, "Authorization", "Bearer wrong")
	if took := time.Since(start); took < 900*time.Millisecond {
		t.Errorf("the sixth wrong token was answered in %v", took)
	}
	start = time.Now()
	status, _ := post(t, url, call, "Authorization", "Bearer "+readToken)
	if status != 200 {
		t.Errorf("a right token after wrong ones: status %d", status)
	}
	t.Logf("a right token is answered in %v", time.Since(start)) // not asserted: the machine may be busy
}

func TestTokenFileIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "# nothing", "name read short", "name root " + readToken, "name read", "name read " + readToken + " tomorrow",
		"name read " + readToken + " 2999-01-01T00:00:00Z more",
	} {
		if _, err := rpc.ParseTokens(text); !errors.Is(err, rpc.ErrConfig) {
			t.Errorf("%q: %v", text, err)
		}
	}
	path := tokenFile(t)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := rpc.New(rpc.Config{Listen: "127.0.0.1:0", Tokens: path}, nil, nil, nil, slog.New(slog.DiscardHandler))
	if !errors.Is(err, rpc.ErrConfig) {
		t.Errorf("a token file that others can read: %v", err)
	}
}

// TestExposure: without TLS and tokens there is no listening off loopback.
func TestExposure(t *testing.T) {
	for _, tt := range []struct {
		config rpc.Config
		want   error
	}{
		{rpc.Config{Listen: "127.0.0.1:6860"}, nil},
		{rpc.Config{Listen: "[::1]:6860"}, nil},
		{rpc.Config{Listen: "localhost:6860"}, nil},
		{rpc.Config{Listen: ":6860"}, rpc.ErrExposed},
		{rpc.Config{Listen: "0.0.0.0:6860"}, rpc.ErrExposed},
		{rpc.Config{Listen: "[::]:6860"}, rpc.ErrExposed},
		{rpc.Config{Listen: "192.0.2.1:6860"}, rpc.ErrExposed},
		{rpc.Config{Listen: "node.example:6860"}, rpc.ErrExposed},
		{rpc.Config{Listen: "0.0.0.0:6860", Tokens: "t"}, rpc.ErrExposed},
		{rpc.Config{Listen: "0.0.0.0:6860", TLSCert: "c", TLSKey: "k"}, rpc.ErrExposed},
		{rpc.Config{Listen: "0.0.0.0:6860", TLSCert: "c", TLSKey: "k", Tokens: "t"}, nil},
		{rpc.Config{Listen: "127.0.0.1:6860", TLSCert: "c"}, rpc.ErrConfig},
		{rpc.Config{Listen: "6860"}, rpc.ErrConfig},
	} {
		if err := tt.config.Check(); !errors.Is(err, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.config, err, tt.want)
		}
	}
	for _, listen := range []string{":7860", "0.0.0.0:7860", "192.0.2.1:7860"} {
		if _, err := rpc.NewOps(listen, nil, nil, nil); !errors.Is(err, rpc.ErrExposed) {
			t.Errorf("operations on %s: %v", listen, err)
		}
	}
}

// TestTLS serves a client that trusts the certificate, over TLS 1.3 only.
func TestTLS(t *testing.T) {
	cert, key, pool := selfSigned(t)
	url := rpctest.Serve(t, rpctest.New(t, 1), rpc.Config{Tokens: tokenFile(t), TLSCert: cert, TLSKey: key})
	trusting := func(version uint16) *http.Client {
		return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: version}}}
	}
	c := client.New(url, client.WithToken(readToken), client.WithHTTP(trusting(tls.VersionTLS13)))
	if _, err := c.Info(t.Context()); err != nil {
		t.Fatal(err)
	}
	for commit, err := range c.Commits(t.Context(), 0) {
		if err != nil || commit.Index != 0 {
			t.Fatal(commit, err)
		}
		break
	}
	old := client.New(url, client.WithToken(readToken), client.WithHTTP(trusting(tls.VersionTLS12)), client.WithAttempts(1, 0))
	if _, err := old.Info(t.Context()); err == nil {
		t.Error("TLS 1.2 was accepted")
	}
}

func selfSigned(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := errors.Join(os.WriteFile(cert, certPEM, 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}), 0o600)); err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return cert, key, pool
}

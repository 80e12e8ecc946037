package rpcserver

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// A Config says where and for whom the server answers.
type Config struct {
	Listen  string   // host:port; loopback unless TLS and Tokens are set
	TLSCert string   // PEM files
	TLSKey  string   //
	Tokens  string   // file of tokens and their rights; without it everyone on loopback may do everything
	Hosts   []string // further names that the Host header may have
	Origins []string // browser origins that may call, for example "https://wallet.example"

	MaxConnections int // in total; 0 is 4096
	MaxPerAddress  int // from one remote address that is not loopback; 0 is 64
}

// Limits of every interface. [RPC-7]
const (
	MaxBody      = 1 << 20
	MaxLargeBody = 8<<20 + 64<<10 // a raw transaction in hex and its envelope
	MaxBatch     = 100
	MaxDepth     = 32
	MaxValues    = 20_000 // JSON values in one body
	MaxLarge     = 16     // large bodies being read at once
	MaxList      = 500    // items of a page

	WriteTimeout = 60 * time.Second
	CallBudget   = 5 * time.Second

	headerTimeout = 5 * time.Second
	bodyTimeout   = 20 * time.Second
	idleTimeout   = 60 * time.Second
)

// ErrExposed refuses to listen where strangers could call. The daemon exits with 78.
var ErrExposed = errors.New("rpc: a listener that is not on loopback needs a TLS certificate and a token file")

// ErrConfig marks every other refusal of a Config.
var ErrConfig = errors.New("rpc: configuration")

// Check reports whether the server may listen as c says. It does not open the files.
func (c *Config) Check() error {
	host, _, err := net.SplitHostPort(c.Listen)
	switch {
	case err != nil:
		return fmt.Errorf("%w: listen %q: want host:port", ErrConfig, c.Listen)
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return fmt.Errorf("%w: TLS needs both a certificate and a key", ErrConfig)
	case !IsLoopback(host) && (c.TLSCert == "" || c.Tokens == ""):
		return fmt.Errorf("%w: listen %q", ErrExposed, c.Listen)
	}
	return nil
}

// IsLoopback reports whether a host is this machine. It accepts names only if they are written as such: what DNS says may change.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// TLS reads the certificate at every handshake, so rotation needs no restart; nil is no TLS.
func (c *Config) TLS() (*tls.Config, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	load := func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		return &cert, err
	}
	if _, err := load(nil); err != nil {
		return nil, fmt.Errorf("%w: TLS: %w", ErrConfig, err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: load, NextProtos: []string{"http/1.1"}}, nil
}

// ReadTokens reads the token file; nil means that none is configured.
func (c *Config) ReadTokens() (*Tokens, error) {
	if c.Tokens == "" {
		return nil, nil
	}
	info, err := os.Stat(c.Tokens)
	if err != nil {
		return nil, fmt.Errorf("%w: tokens: %w", ErrConfig, err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: token file %s can be read by others: chmod 600 it", ErrConfig, c.Tokens)
	}
	text, err := os.ReadFile(c.Tokens)
	if err != nil {
		return nil, fmt.Errorf("%w: tokens: %w", ErrConfig, err)
	}
	return ParseTokens(string(text))
}

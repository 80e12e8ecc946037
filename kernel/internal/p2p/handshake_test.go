package p2p

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// Each case changes one fact about a member that would be welcome.
func TestHandshakeRules(t *testing.T) {
	ecdsaCert := func(id *identity) tls.Certificate {
		key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{id.network}}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	for _, tt := range []struct {
		name    string
		seed    int
		network kernel.NetworkID
		change  func(*identity, *tls.Config)
		want    Fault // RefusedByPeer: refused inside the TLS library, which has its own words
	}{
		{"unknown key", 99, testNetwork, nil, UnknownKey},
		{"our own key", 0, testNetwork, nil, SelfConnection},
		{"another network", 1, kernel.NetworkID{9}, func(id *identity, c *tls.Config) { c.VerifyConnection = nil }, OtherNetwork},
		{"another network's certificate", 1, kernel.NetworkID{9}, func(id *identity, c *tls.Config) {
			c.VerifyConnection, c.ServerName = nil, serverName(testNetwork)
		}, OtherNetwork},
		{"no network", 1, testNetwork, func(id *identity, c *tls.Config) { c.ServerName = "" }, OtherNetwork},
		{"TLS 1.2", 1, testNetwork, func(id *identity, c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 }, RefusedByPeer},
		{"another protocol", 1, testNetwork, func(id *identity, c *tls.Config) { c.NextProtos = []string{"asterism-kernel/2"} }, RefusedByPeer},
		{"no protocol", 1, testNetwork, func(id *identity, c *tls.Config) { c.NextProtos, c.VerifyConnection = nil, nil }, WrongProtocol},
		{"no certificate", 1, testNetwork, func(id *identity, c *tls.Config) { c.Certificates = nil }, RefusedByPeer},
		{"two certificates", 1, testNetwork, func(id *identity, c *tls.Config) {
			cert := id.cert
			cert.Certificate = append(cert.Certificate[:1:1], cert.Certificate[0])
			c.Certificates = []tls.Certificate{cert}
		}, WrongProtocol},
		{"ECDSA certificate", 1, testNetwork, func(id *identity, c *tls.Config) { c.Certificates = []tls.Certificate{ecdsaCert(id)} }, WrongProtocol},
		{"a member's certificate without its key", 1, testNetwork, func(id *identity, c *tls.Config) {
			_, other, _ := ed25519.GenerateKey(rand.Reader)
			c.Certificates = []tls.Certificate{{Certificate: id.cert.Certificate, PrivateKey: other}}
		}, RefusedByPeer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, n := alone(t, 3, nil)
			c.member(1).conn.Close() // the base case
			eventually(t, "base case leaves", func() bool { return n.connections() == 0 })

			id := identityOf(t, tt.network, tt.seed, c.members)
			_, err := knockAt(t, c.addresses[0], id, func(config *tls.Config) {
				if tt.seed == 0 {
					config.VerifyConnection = nil
				}
				if tt.change != nil {
					tt.change(id, config)
				}
			})
			if err == nil {
				t.Error("greeted")
			}
			eventually(t, "refused with "+tt.want.Error(), n.refusedWith(tt.want))
			if n.connections() != 0 {
				t.Error("connected")
			}
		})
	}
}

// The dialler names what it found at the address.
func TestDiallerNamesTheFault(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(c *cluster, config *Config)
		want   Fault
	}{
		{"another network", func(c *cluster, config *Config) { config.Network = kernel.NetworkID{9} }, OtherNetwork},
		{"another member", func(c *cluster, config *Config) { config.Members = among(c.members, []string{"", "", c.addresses[1]}) }, WrongMember},
		{"itself", func(c *cluster, config *Config) { config.Members = among(c.members, []string{"", c.addresses[0]}) }, SelfConnection},
		{"a stranger", func(c *cluster, config *Config) {
			config.Members = among([]crypto.Key{c.members[0], keyOf(50)}, []string{"", c.addresses[1]})
		}, UnknownKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCluster(t, 3)
			c.start(1, func(config *Config) { config.Members = among(c.members, nil) }, nil)
			config := c.config(0)
			config.Members = among(c.members, []string{"", c.addresses[1]})
			n := c.start(0, func(to *Config) { tt.change(c, &config); *to = config }, nil)
			eventually(t, "named", func() bool {
				for _, s := range n.Peers() {
					if errors.Is(s.LastError, tt.want) {
						return true
					}
				}
				return false
			})
		})
	}
}

// Bytes of an earlier handshake, sent again, lead nowhere: each side signs fresh randomness.
func TestReplayedHandshake(t *testing.T) {
	c, n := alone(t, 2, nil)
	raw, err := net.Dial("tcp", c.addresses[0])
	if err != nil {
		t.Fatal(err)
	}
	tape := &recorder{Conn: raw}
	conn := tls.Client(tape, identityOf(t, testNetwork, 1, c.members).client(keyOf(0)))
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	conn.Write(appendFrame(nil, frameHello, make([]byte, 16)))
	eventually(t, "connected", func() bool { return n.connections() == 1 })
	conn.Close()
	eventually(t, "gone", func() bool { return n.connections() == 0 })

	again, err := net.Dial("tcp", c.addresses[0])
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	again.Write(tape.written.Bytes())
	again.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, again); errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	eventually(t, "refused", n.refusedWith(RefusedByPeer))
	if n.connections() != 0 {
		t.Error("connected by a replay")
	}
}

type recorder struct {
	net.Conn
	written bytes.Buffer
}

func (r *recorder) Write(b []byte) (int, error) {
	r.written.Write(b)
	return r.Conn.Write(b)
}

package p2p

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// protocol is the name both ends must agree on (ALPN). [NET-2]
const protocol = "asterism-kernel/1"

// An identity is what a node shows in a handshake and what it accepts from others.
type identity struct {
	network string // the server name of the network, see serverName
	self    crypto.Key
	knows   func(crypto.Key) bool // who is a member now
	cert    tls.Certificate
}

// serverName is the form in which a network's id stands in the handshake: two labels, as one
// of 64 digits would not be a legal host name. The dialler asks for it, the certificate of
// either end carries it, and both are part of what the handshake signs. [NET-5]
func serverName(network kernel.NetworkID) string {
	id := network.String()
	return id[:32] + "." + id[32:] + ".asterism"
}

func newIdentity(network kernel.NetworkID, seed crypto.NodeKey, knows func(crypto.Key) bool) (*identity, error) {
	id := &identity{network: serverName(network), self: seed.Public(), knows: knows}
	raw := seed.Seed()
	private := ed25519.NewKeyFromSeed(raw[:])
	// Nothing in the certificate but the key and the network is looked at: membership is
	// decided by the rosters, so it neither expires nor names an issuer.
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "asterism node"},
		DNSNames:     []string{id.network},
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, fmt.Errorf("make certificate of the node key: %w", err)
	}
	id.cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
	return id, nil
}

// config is what both directions share: TLS 1.3 only, no session to resume or replay, full
// records from the first byte.
func (id *identity) config() *tls.Config {
	return &tls.Config{
		MinVersion:                  tls.VersionTLS13,
		MaxVersion:                  tls.VersionTLS13,
		NextProtos:                  []string{protocol},
		Certificates:                []tls.Certificate{id.cert},
		SessionTicketsDisabled:      true,
		DynamicRecordSizingDisabled: true,
	}
}

// server accepts any member. The check runs before the client's signature is verified.
func (id *identity) server() *tls.Config {
	c := id.config()
	c.ClientAuth = tls.RequireAnyClientCert
	c.VerifyConnection = func(state tls.ConnectionState) error {
		if state.ServerName != id.network {
			return fail(OtherNetwork, "asked for %.40q", state.ServerName)
		}
		_, err := id.member(state)
		return err
	}
	return c
}

// client accepts exactly the member that it dials.
func (id *identity) client(want crypto.Key) *tls.Config {
	c := id.config()
	c.ServerName = id.network
	c.InsecureSkipVerify = true // no authority vouches for keys here; VerifyConnection decides
	c.VerifyConnection = func(state tls.ConnectionState) error {
		got, err := id.member(state)
		if err == nil && got != want {
			err = fail(WrongMember, "dialled %s, found %s", want, got)
		}
		return err
	}
	return c
}

// member says who is at the other end, or why nobody of ours is.
func (id *identity) member(state tls.ConnectionState) (none crypto.Key, _ error) {
	if state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != protocol || state.DidResume {
		return none, fail(WrongProtocol, "%s %.40q", tls.VersionName(state.Version), state.NegotiatedProtocol)
	}
	if len(state.PeerCertificates) != 1 {
		return none, fail(WrongProtocol, "%d certificates", len(state.PeerCertificates))
	}
	cert := state.PeerCertificates[0]
	public, ok := cert.PublicKey.(ed25519.PublicKey)
	if !ok {
		return none, fail(WrongProtocol, "certificate key is %s", cert.PublicKeyAlgorithm)
	}
	if len(cert.DNSNames) != 1 || cert.DNSNames[0] != id.network {
		return none, fail(OtherNetwork, "certificate is for %.80q", cert.DNSNames)
	}
	key := crypto.Key(public)
	if key == id.self {
		return none, SelfConnection
	}
	if !id.knows(key) {
		return none, fail(UnknownKey, "%s", key)
	}
	return key, nil
}

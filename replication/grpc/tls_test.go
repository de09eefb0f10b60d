package grpc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"
)

// mutualTLS returns credentials with which processes trust each other, and nobody
// else.
func mutualTLS(t *testing.T) credentials.TransportCredentials {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(certificate)
	return credentials.NewTLS(&tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}},
		RootCAs:      trusted, ClientCAs: trusted, ClientAuth: tls.RequireAndVerifyClientCert,
	})
}

func TestLinksAreSecuredByCredentials(t *testing.T) {
	ours := mutualTLS(t)
	secure := func(o *Options) { o.Credentials = ours }
	a, b := start(t, "a", 1, secure), start(t, "b", 1, secure)
	a.knows(b)
	b.knows(a)
	a.sendUntil(b, 1)
	b.sendUntil(a, 2)
}

func TestWhoHasOtherCredentialsGetsNoLink(t *testing.T) {
	ours, others := mutualTLS(t), mutualTLS(t)
	b := start(t, "b", 1, func(o *Options) { o.Credentials = ours })
	for _, c := range []struct {
		name   string
		change func(*Options)
	}{
		{"none", nil},
		{"others", func(o *Options) { o.Credentials = others }},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := start(t, "a", 1, c.change)
			a.knows(b)
			a.until("it fails", func() bool { return a.transport.Stats().DialFailures > 1 })
			if s := b.transport.Stats(); s.Linked > 0 || len(b.arrived) > 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

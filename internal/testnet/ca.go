package testnet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CA signs the certificates of the servers of a World.
type CA struct {
	File string // PEM, readable by everybody

	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewCA makes one whose file every user can read.
func NewCA(t testing.TB) *CA {
	t.Helper()
	ca := &CA{t: t}
	der := ca.sign(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	// Not the test's own folder, because other users can't enter it.
	dir, err := os.MkdirTemp("", "testnet-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	ca.File = filepath.Join(dir, "ca.pem")
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	block := &pem.Block{Type: "CERTIFICATE", Bytes: der.Certificate[0]}
	if err := os.WriteFile(ca.File, pem.EncodeToMemory(block), 0o644); err != nil {
		t.Fatal(err)
	}
	return ca
}

// sign makes a key and its certificate; the first one is the CA's own.
func (c *CA) sign(template *x509.Certificate) tls.Certificate {
	c.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	parent, signer := c.cert, c.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.cert == nil {
		if c.cert, err = x509.ParseCertificate(der); err != nil {
			c.t.Fatal(err)
		}
		c.key = key
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// PEM is a certificate for the names with its key, for servers that read files.
func (c *CA) PEM(names ...string) []byte {
	c.t.Helper()
	cert := c.Server(names...).Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		c.t.Fatal(err)
	}
	block := &pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}
	return append(pem.EncodeToMemory(block),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
}

// Server is the TLS configuration of a server with these names.
func (c *CA) Server(names ...string) *tls.Config {
	c.t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		c.t.Fatal(err)
	}
	cert := c.sign(&x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	protocols := []string{"h2", "http/1.1"}
	return &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: protocols}
}

// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

const (
	// certificateLife is long enough for any lab and short enough for a forgotten copy.
	certificateLife = 30 * 24 * time.Hour
	clockSkew       = time.Hour
)

// authority signs certificates. Its key stays in memory.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// keyPair is a certificate and its private key, PEM encoded.
type keyPair struct {
	certificate, key []byte
}

// newAuthority makes a self-signed certificate authority.
func newAuthority(name string, now time.Time) (*authority, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	template := certificateTemplate(pkix.Name{CommonName: name}, now)
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign
	template.BasicConstraintsValid = true
	template.IsCA = true
	encoded, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("certificate authority %s: %w", name, err)
	}
	certificate, err := x509.ParseCertificate(encoded)
	if err != nil {
		return nil, fmt.Errorf("certificate authority %s: %w", name, err)
	}
	return &authority{certificate: certificate, key: key}, nil
}

// serving makes a server's certificate for loopback and for further DNS names.
func (a *authority) serving(name string, now time.Time, dnsNames ...string) (keyPair, error) {
	template := certificateTemplate(pkix.Name{CommonName: name}, now)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.DNSNames = append([]string{"localhost"}, dnsNames...)
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	return a.sign(template)
}

// client makes the certificate of a user, who is a member of groups.
func (a *authority) client(user string, now time.Time, groups ...string) (keyPair, error) {
	template := certificateTemplate(pkix.Name{CommonName: user, Organization: groups}, now)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.sign(template)
}

func (a *authority) sign(template *x509.Certificate) (keyPair, error) {
	key, err := newKey()
	if err != nil {
		return keyPair{}, err
	}
	encoded, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return keyPair{}, fmt.Errorf("certificate of %s: %w", template.Subject.CommonName, err)
	}
	encodedKey, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return keyPair{}, fmt.Errorf("key of %s: %w", template.Subject.CommonName, err)
	}
	return keyPair{certificate: pem.EncodeToMemory(&pem.Block{Type: cert.CertificateBlockType, Bytes: encoded}), key: encodedKey}, nil
}

// encoded is the authority's certificate, PEM encoded.
func (a *authority) encoded() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: cert.CertificateBlockType, Bytes: a.certificate.Raw})
}

func certificateTemplate(subject pkix.Name, now time.Time) *x509.Certificate {
	// The library chooses a random serial number where the template has none.
	return &x509.Certificate{
		Subject:   subject,
		NotBefore: now.Add(-clockSkew),
		NotAfter:  now.Add(certificateLife),
		KeyUsage:  x509.KeyUsageDigitalSignature,
	}
}

// newKey makes an elliptic curve key: RSA would take a good part of a second for each.
func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	return key, nil
}

// writeKeyPair writes a certificate and its key, both readable by this user only.
func writeKeyPair(pair keyPair, certificatePath, keyPath string) error {
	if err := os.WriteFile(certificatePath, pair.certificate, 0o600); err != nil {
		return err
	}
	return os.WriteFile(keyPath, pair.key, 0o600)
}

// marshalPublicKey returns the public half of a key, PEM encoded.
func marshalPublicKey(key *ecdsa.PrivateKey) ([]byte, error) {
	encoded, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: keyutil.PublicKeyBlockType, Bytes: encoded}), nil
}

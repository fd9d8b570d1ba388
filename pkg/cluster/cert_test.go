package cluster_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"time"
)

// certificate makes a swarm-node.crt as swarmkit names them (ca/certificates.go):
// the cluster is the organization, the role its unit, the node the name.
func certificate(cluster, node, role string) string {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		Subject: pkix.Name{Organization: []string{cluster}, OrganizationalUnit: []string{role}, CommonName: node},
	}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// parse reads JSON; nothing, or what is none, is the zero value.
func parse[T any](text string) (v T) {
	_ = json.Unmarshal([]byte(text), &v)
	return v
}

package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority is a root CA whose key the test has, so that it can sign a
// certificate of the past: engines issue none that lives for less than an hour.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "swarm-ca"},
		NotBefore: time.Now().AddDate(0, 0, -30), NotAfter: time.Now().AddDate(20, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{cert, key}
}

// files writes the certificate and the key to a folder.
func (a authority) files(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: a.cert.Raw}, key: {Type: "EC PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// expire gives a node's certificate anew, as one that ended yesterday.
func (a authority) expire(t *testing.T, text string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatalf("no certificate: %q", text)
	}
	old, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: old.SerialNumber, Subject: old.Subject, DNSNames: old.DNSNames, KeyUsage: old.KeyUsage,
		ExtKeyUsage: old.ExtKeyUsage, BasicConstraintsValid: true,
		NotBefore: time.Now().AddDate(0, 0, -9), NotAfter: time.Now().AddDate(0, 0, -1),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, old.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const nodeCertificate = "/var/lib/docker/swarm/certificates/swarm-node.crt"

// expired lets a worker and a manager come back after their certificates ended:
// signed by the swarm's own root CA, which is one of the test's.
func (w walk) expired() {
	ca := newAuthority(w.T)
	cert, key := ca.files(w.T, w.T.TempDir())
	m1 := w.lab.machines("m1")[0]
	output(w.T, "docker", "cp", cert, m1+":/root/ca.crt")
	output(w.T, "docker", "cp", key, m1+":/root/ca.key")
	w.on("m1", "docker swarm ca --rotate --quiet --ca-cert /root/ca.crt --ca-key /root/ca.key && rm /root/ca.key")
	before := map[string]string{}
	for _, n := range []string{"w2", "m3"} {
		before[n] = w.entry(n)
		expired := ca.expire(w.T, w.on(n, "cat "+nodeCertificate))
		w.on(n, "systemctl stop docker.socket docker; printf '%s' '"+expired+"' >"+nodeCertificate+"; systemctl start docker")
	}
	w.on("m1", "docker node update --label-add theirs=1 w2")
	for _, n := range []string{"w2", "m3"} {
		if got := w.on(n, "docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.Error}}'"); !strings.HasPrefix(got, "error ") {
			w.Errorf("%s is %q", n, got)
		}
	}
	w.seen(map[string]string{"m1": "manager", "w1": "member", "w2": "certificate expired", "m3": "certificate expired"})
	w.planned("forget/"+before["w2"]+" certificate expired: ", "join/w2 certificate expired: ", "forget/"+before["m3"]+" certificate expired: ", "join/m3 certificate expired: ")
	w.must("apply")
	if got := w.on("m1", "docker node inspect w2 --format '{{.Spec.Labels.theirs}}'"); got != "1" {
		w.Errorf("a label of others is %q, want 1", got)
	}
	w.on("m1", "docker node update --label-rm theirs w2")
	w.right()
	if w.entry("w2") == before["w2"] {
		w.Error(fmt.Errorf("w2 has not joined again"))
	}
}

package bootstrap

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/daemon"
)

var expiry = time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)

// certificate makes a node's certificate as a swarm does.
func certificate(t *testing.T, name pkix.Name) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := x509.Certificate{SerialNumber: big.NewInt(1), Subject: name, NotBefore: expiry.Add(-time.Hour), NotAfter: expiry}
	der, err := x509.CreateCertificate(rand.Reader, &c, &c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func member(t *testing.T) string {
	return certificate(t, pkix.Name{Organization: []string{"cluster1"}, OrganizationalUnit: []string{"swarm-manager"}, CommonName: "node1"})
}

const certFile = "/var/lib/docker/swarm/certificates/swarm-node.crt"

func TestProbe(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		make func(t *testing.T, m *machine)
		want Facts
	}{
		{"a bare machine that knows next to nothing", func(*testing.T, *machine) {}, Facts{Engine: Absent}},
		{"Debian with a running engine", func(_ *testing.T, m *machine) {
			m.write("/etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n")
			m.systemd()
			m.install(fakeEngine{Version: "20.10.24+dfsg1", Running: true, Flags: []string{"-H", "fd://", "--label", "a=b"}})
			e := readEngine(m.root)
			e.appear(m.root, 4242)
			m.write(daemonFile, "{\"labels\": [\"ä=\\u00e4\"]}\n")
			m.write(ownedFile, `{"labels": ["ä"]}`)
		}, Facts{OS: "debian", OSVersion: "12", Init: "systemd", Engine: Running,
			Flags: []string{"hosts", "labels"}, Daemon: []byte("{\"labels\": [\"ä=\\u00e4\"]}\n"), Owned: daemon.Owned{Labels: []string{"ä"}}}},
		{"Alpine with a stopped engine", func(_ *testing.T, m *machine) {
			m.write("/usr/lib/os-release", "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.22.1\n")
			m.openrc()
			m.install(fakeEngine{Version: "28.3.3"})
		}, Facts{OS: "alpine", OSVersion: "3.22.1", Init: "openrc", Engine: Stopped, EngineVersion: "28.3.3"}},
		{"a stopped member of a swarm", func(t *testing.T, m *machine) {
			m.install(fakeEngine{Version: "28.5.2"})
			m.write(certFile, member(t)+"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
		}, Facts{Engine: Stopped, EngineVersion: "28.5.2", CertCluster: "cluster1", CertNode: "node1", CertRole: "swarm-manager", CertExpiry: expiry}},
		{"a member whose data is elsewhere", func(t *testing.T, m *machine) {
			m.install(fakeEngine{Version: "28.5.2"})
			m.write(daemonFile, `{"data-root": "/srv/docker"}`)
			m.write("/srv/docker/swarm/certificates/swarm-node.crt", member(t))
		}, Facts{Engine: Stopped, EngineVersion: "28.5.2", CertCluster: "cluster1", CertNode: "node1", CertRole: "swarm-manager", CertExpiry: expiry,
			Daemon: []byte(`{"data-root": "/srv/docker"}`)}},
		{"a process file that was left behind, whose number another process has", func(_ *testing.T, m *machine) {
			m.install(fakeEngine{Version: "28.5.2"})
			m.write("/run/docker.pid", "77\n")
			m.write("/proc/77/comm", "nginx\n")
		}, Facts{Engine: Stopped, EngineVersion: "28.5.2"}},
		{"a certificate that cannot be read does not matter while the engine can be asked", func(_ *testing.T, m *machine) {
			m.install(fakeEngine{Version: "28.5.2", Running: true})
			e := readEngine(m.root)
			e.appear(m.root, 4242)
			m.write(certFile, "garbage")
		}, Facts{Engine: Running, Flags: []string{}}},
		{"addresses, without those that nobody else can reach", func(_ *testing.T, m *machine) {
			m.tool("ip", `cat <<'END'
1: lo    inet 127.0.0.1/8 scope host lo\       valid_lft forever preferred_lft forever
2: eth0@if7    inet 10.0.0.5/24 brd 10.0.0.255 scope global eth0\       valid_lft forever preferred_lft forever
2: eth0    inet6 fd00::5/64 scope global \       valid_lft forever preferred_lft forever
2: eth0    inet6 fe80::1/64 scope link \       valid_lft forever preferred_lft forever
garbage
END`)
		}, Facts{Engine: Absent, Addresses: []Iface{{"eth0", "10.0.0.5/24"}, {"eth0", "fd00::5/64"}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, m *machine) {
				m.tool("uname", `[ "$*" = -nm ] && echo host1 x86_64`)
				tt.make(t, m)
				got, err := Probe(t.Context(), m)
				if err != nil {
					t.Fatal(err)
				}
				want := tt.want
				want.Arch, want.Hostname = "x86_64", "host1"
				_, err = os.Stat(m.root + certFile)
				if member := want.CertNode != "" || err == nil; (got.Conditions == nil) != member {
					t.Errorf("conditions: got %v; a member of a swarm has none", got.Conditions)
				}
				got.Conditions = nil
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
				if m.made != 1 {
					t.Errorf("round trips: got %d, want 1", m.made)
				}
			})
		})
	}
}

func TestProbeFailsRatherThanGuess(t *testing.T) {
	tests := []struct {
		name, path, content, want string
	}{
		{"a certificate that is none", certFile, "garbage", "probe machine: read swarm-node.crt: not a certificate"},
		{"a certificate that is damaged", certFile, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "probe machine: read swarm-node.crt: x509: malformed certificate"},
		{"a certificate of something else", certFile, certificate(t, pkix.Name{CommonName: "www"}), `probe machine: read swarm-node.crt: "CN=www" is not the name of a swarm node`},
		{"a record that is damaged", ownedFile, "{", "probe machine: read swarmup.json: unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t, "/bin/sh")
			m.write(tt.path, tt.content)
			_, err := Probe(t.Context(), m)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestProbeOfAMachineThatIsLost(t *testing.T) {
	m := newMachine(t, "/bin/sh")
	m.diesAfter.calls = 1
	_, err := Probe(t.Context(), m)
	if !errors.Is(err, errLost) || !strings.HasPrefix(err.Error(), "probe machine: ") {
		t.Errorf("got %v", err)
	}
}

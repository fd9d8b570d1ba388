package bootstrap

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/preflight"
)

// Probe asks a machine for its Facts, in one round trip of at most 30 s. It
// changes nothing. A file that cannot be read for what it is, be it swarmup.json
// or the certificate of an engine that does not run, is an error: it may hide a
// membership.
func Probe(ctx context.Context, h Host) (Facts, error) {
	began := time.Now()
	a, err := run(ctx, h, call{script: "probe", conditions: true, args: preflight.Modules(), limit: 30 * time.Second})
	if err != nil {
		return Facts{}, fmt.Errorf("probe machine: %w", err)
	}
	f, err := a.facts()
	if err != nil {
		return Facts{}, fmt.Errorf("probe machine: %w", err)
	}
	if text, ok := a["conditions"]; ok {
		c := conditions(string(text), began, time.Now())
		f.Conditions = &c
	}
	return f, nil
}

func (a answer) facts() (Facts, error) {
	release := parseRelease(a.text("release"))
	hostname, arch, _ := strings.Cut(a.text("uname"), " ")
	f := Facts{
		OS:        release["ID"],
		OSVersion: release["VERSION_ID"], OSCodename: release["VERSION_CODENAME"],
		Arch:      arch,
		Hostname:  hostname,
		Addresses: parseAddresses(a.text("addresses")),
	}
	s, err := a.engine()
	if err != nil {
		return Facts{}, err
	}
	f.Init, f.Engine, f.EngineVersion, f.Flags = s.init, s.state, s.version, s.flags
	f.Daemon, f.Owned, f.Environ = s.daemon, s.owned, s.environ
	_, f.Unfinished = a["unfinished"]
	if cert, ok := a["certificate"]; ok {
		if err := f.certificate(cert); err != nil && f.Engine != Running {
			return Facts{}, err
		}
	}
	return f, nil
}

// engineFacts are those of the Facts that scripts other than probe answer too.
type engineFacts struct {
	init    string
	state   EngineState
	version string
	flags   []string
	daemon  []byte
	owned   daemon.Owned
	environ daemon.Environ
}

func (a answer) engine() (engineFacts, error) {
	s := engineFacts{init: a.text("init"), state: Absent, daemon: a["daemon"]}
	if version, ok := a["dockerd"]; ok {
		s.state, s.version = Stopped, parseVersion(string(version))
	}
	if cmdline, ok := a["cmdline"]; ok {
		s.state = Running
		s.flags = daemon.FlagKeys(strings.Split(strings.TrimSuffix(string(cmdline), "\x00"), "\x00"))
	}
	s.environ = daemon.Environ{File: daemon.ParseEnv(a["env"]), Running: daemon.ParseEnviron(a["environ"])}
	_, s.environ.Hooked = a["hooked"]
	var err error
	s.owned, err = daemon.ParseOwned(a["owned"])
	return s, err
}

// parseRelease reads os-release(5): lines KEY=VALUE, the value perhaps quoted.
func parseRelease(s string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(s) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		out[key] = strings.Trim(value, `"'`)
	}
	return out
}

// parseVersion takes the version out of "Docker version 28.5.2, build 89c5e8f".
func parseVersion(s string) string {
	m := regexp.MustCompile(`\d+\.\d+[^\s,]*`).FindString(s)
	return m
}

// parseAddresses reads "ip -o addr show": "2: eth0    inet 10.0.0.5/24 brd
// 10.0.0.255 scope global eth0 ...".
func parseAddresses(s string) []Iface {
	var out []Iface
	for line := range strings.Lines(s) {
		w := strings.Fields(line)
		if len(w) < 4 || w[2] != "inet" && w[2] != "inet6" {
			continue
		}
		if strings.Contains(line, " scope link ") || strings.Contains(line, " scope host ") {
			continue
		}
		name, _, _ := strings.Cut(w[1], "@")
		out = append(out, Iface{Name: name, CIDR: w[3]})
	}
	return out
}

// certificate reads a node's certificate: the cluster is its organization, the
// role its unit, the node its name (swarmkit ca/certificates.go). Certificates
// of the authority may follow it in the file.
func (f *Facts) certificate(content []byte) error {
	block, _ := pem.Decode(content)
	if block == nil {
		return errors.New("read swarm-node.crt: not a certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("read swarm-node.crt: %w", err)
	}
	s := cert.Subject
	if len(s.Organization) == 0 || len(s.OrganizationalUnit) == 0 || s.CommonName == "" {
		return fmt.Errorf("read swarm-node.crt: %q is not the name of a swarm node", s)
	}
	f.CertCluster, f.CertRole, f.CertNode = s.Organization[0], s.OrganizationalUnit[0], s.CommonName
	f.CertExpiry = cert.NotAfter
	return nil
}

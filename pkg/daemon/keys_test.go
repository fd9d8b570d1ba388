package daemon_test

import (
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/daemon"
)

func TestEveryKeyHasOneLineThatSaysAll(t *testing.T) {
	last, flags := "", map[string]string{}
	for _, k := range daemon.Keys() {
		if k.Name <= last {
			t.Errorf("%s stands behind %s", k.Name, last)
		}
		last = k.Name
		if strings.ContainsAny(k.Name+k.Flag, " _=") || k.Source == "" {
			t.Errorf("%+v is no line of the table", k)
		}
		if (k.Set == daemon.Never) && k.Why == "" || k.Set == daemon.Restart && k.Why != "" {
			t.Errorf("%s: %s, and why it is refused is %q", k.Name, k.Set, k.Why)
		}
		if k.Unset != daemon.Reload && k.Unset != daemon.Restart || k.Set == daemon.Restart && k.Unset != daemon.Restart {
			t.Errorf("%s: %s to set, %s to unset", k.Name, k.Set, k.Unset)
		}
		if other := flags[k.Flag]; k.Flag != "" && other != "" {
			t.Errorf("--%s is of %s and %s", k.Flag, other, k.Name)
		}
		flags[k.Flag] = k.Name
		if got, ok := daemon.KeyOf(k.Name); !ok || got != k {
			t.Errorf("KeyOf(%s): got %+v, %v", k.Name, got, ok)
		}
	}
}

func TestRefused(t *testing.T) {
	type keys = map[string]any
	tests := []struct {
		name string
		key  string
		all  keys
		want string // what the reason begins with; "" for none
	}{
		{"a key that is fine", "log-driver", keys{"log-driver": "local"}, ""},
		{"a key that nobody knows", "nosuch", keys{"nosuch": 1}, ""},
		{"a list with a key of its own", "labels", keys{"labels": []any{}}, "write engine.labels"},
		{"live-restore", "live-restore", keys{"live-restore": true}, "an engine with live-restore"},
		{"live-restore that is switched off", "live-restore", keys{"live-restore": false}, ""},
		{"iptables by name", "firewall-backend", keys{"firewall-backend": "iptables"}, ""},
		{"nftables", "firewall-backend", keys{"firewall-backend": "nftables", "features": keys{"x": true}}, "an engine with the nftables"},
		{"nftables that sets no rules", "firewall-backend", keys{"firewall-backend": "nftables", "iptables": false}, ""},
		{"nftables with the feature for swarms", "firewall-backend", keys{"firewall-backend": "nftables", "features": keys{"swarm-nftables": true}}, ""},
		{"proxies", "proxies", keys{"proxies": keys{}}, "write engine.env"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := daemon.Refused(tt.key, tt.all)
			if !strings.HasPrefix(got, tt.want) || (got == "") != (tt.want == "") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestEveryFlagOfARealEngineIsThatOfAKey(t *testing.T) {
	// As dockerd --help of 20.10.24 and 26.1.5 and docs/reference/dockerd.md of
	// docker/cli 29.7 print them; the rest are no settings.
	const flags = `add-runtime allow-direct-routing allow-nondistributable-artifacts api-cors-header authorization-plugin bip bip6
		bridge bridge-accept-fwmark cdi-spec-dir cgroup-parent containerd containerd-namespace containerd-plugins-namespace
		cpu-rt-period cpu-rt-runtime cri-containerd data-root debug default-address-pool default-cgroupns-mode default-gateway
		default-gateway-v6 default-ipc-mode default-network-opt default-runtime default-shm-size default-ulimit dns dns-opt
		dns-search exec-opt exec-root experimental feature firewall-backend fixed-cidr fixed-cidr-v6 group host host-gateway-ip
		http-proxy https-proxy icc init init-path insecure-registry ip ip-forward ip-forward-no-drop ip-masq ip6tables iptables
		ipv6 label live-restore log-driver log-format log-level log-opt max-concurrent-downloads max-concurrent-uploads
		max-download-attempts metrics-addr mtu network-control-plane-mtu no-new-privileges no-proxy node-generic-resource nri-opts
		oom-score-adjust pidfile raw-logs registry-mirror rootless seccomp-profile selinux-enabled shutdown-timeout storage-driver
		storage-opt swarm-default-advertise-addr tls tlscacert tlscert tlskey tlsverify userland-proxy userland-proxy-path userns-remap`
	for flag := range strings.FieldsSeq(flags) {
		keys := daemon.FlagKeys([]string{"dockerd", "--" + flag})
		if len(keys) != 1 {
			t.Fatalf("--%s: %q", flag, keys)
		}
		if _, ok := daemon.KeyOf(keys[0]); !ok {
			t.Errorf("--%s sets %s, which the table does not have", flag, keys[0])
		}
	}
}

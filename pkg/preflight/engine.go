package preflight

import (
	"encoding/json"
	"fmt"
	"strings"
)

// daemonFile holds the keys of daemon.json that decide whether its engine may
// be in a swarm (moby daemon/config/config_linux.go, ValidatePlatformConfig).
type daemonFile struct {
	LiveRestore bool   `json:"live-restore"`
	Backend     string `json:"firewall-backend"`
	IPTables    *bool  `json:"iptables"`
	Features    map[string]bool
}

// daemon reads the keys; a file that cannot be read says nothing here, for
// others refuse it.
func (h Host) daemon() daemonFile {
	var f daemonFile
	_ = json.Unmarshal(h.Daemon, &f)
	return f
}

// liveRestore: a key that is only taken out of daemon.json changes nothing at a
// reload (moby daemon/reload.go), so that it has to say false.
func (j *judge) liveRestore(h Host) {
	if h.LiveRestore || h.daemon().LiveRestore {
		j.add(LiveRestore, h.Name, fmt.Sprintf("the engine of %s has live-restore, which cannot be in a swarm", h.Name),
			fmt.Sprintf(`set "live-restore": false in /etc/docker/daemon.json on %s (and take the flag off dockerd's command line), then run there: systemctl reload docker`, h.Name))
	}
}

// backend: an engine that makes nftables rules by itself is refused by swarm
// mode, unless it makes none at all or a feature of 29.6 and later is switched
// on (moby daemon/config/config_linux.go).
func (j *judge) backend(h Host) {
	f := h.daemon()
	if !strings.HasPrefix(h.Backend, "nftables") && f.Backend != "nftables" {
		return
	}
	if f.Features["swarm-nftables"] || f.IPTables != nil && !*f.IPTables {
		return
	}
	j.add(Backend, h.Name, fmt.Sprintf("the engine of %s has the nftables back end, which cannot be in a swarm", h.Name),
		fmt.Sprintf(`take "firewall-backend" out of /etc/docker/daemon.json on %s, then run there: systemctl restart docker`, h.Name))
}

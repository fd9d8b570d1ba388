// Package preflight judges hosts before they become members of a swarm: their
// clocks, kernels, engines, addresses, routes and identities. It is pure: it is
// given what the hosts said and returns what is wrong with it. It never asks a
// host anything, and never judges one that is a member already, but to compare
// others with it.
package preflight

import (
	"net/netip"
	"time"
)

// Check names one thing that is judged. docs/preflight.md has a line for each.
type Check string

// The checks, in the order in which they are reported.
const (
	Identity    Check = "identity"             // two hosts are copies of one disk
	LiveRestore Check = "live-restore"         // the engine keeps containers over its restart
	Backend     Check = "firewall-back-end"    // the engine makes nftables rules
	Clock       Check = "clock"                // the hosts disagree about the time
	Kernel      Check = "kernel"               // the kernel lacks what overlay networks need
	Routing     Check = "routing-mesh"         // the kernel lacks what the routing mesh needs
	Disk        Check = "disk"                 // there is no room where the engine keeps its data
	DiskLow     Check = "disk-low"             // there is little
	Advertise   Check = "advertise"            // the chosen address is not on the host
	Pool        Check = "address-pool"         // overlay networks would hide a network of the host
	PoolWide    Check = "address-pool-in-part" // they may do so one day, or in part
	MTU         Check = "mtu"                  // the hosts' networks take packets of different sizes
	Reach       Check = "reach"                // the leader cannot be reached
	Unreached   Check = "reach-unknown"        // whether it can is not known
)

// Checks lists all of them in the order in which they are reported.
func Checks() []Check {
	return []Check{Identity, LiveRestore, Backend, Clock, Kernel, Routing, Disk, DiskLow, Advertise, Pool, PoolWide, MTU, Reach, Unreached}
}

// Refuses says whether what the check finds is refused; else it is noted.
func (c Check) Refuses() bool {
	switch c {
	case Routing, DiskLow, PoolWide, MTU, Unreached:
		return false
	default:
		return true
	}
}

// Finding is one thing that is wrong.
type Finding struct {
	Check Check
	// Host is whom it is about; "" where it is about several.
	Host string
	// Note means that it is told and nothing is refused for it.
	Note bool
	Text string
	// Hint is what can be done about it.
	Hint string
}

// Conditions are what a host says of itself. What it does not say is the zero
// value, and is not judged.
type Conditions struct {
	// Ahead is by how much the host's clock is ahead of this machine's, and
	// Margin how far that may be wrong either way. A Margin of 0 means that the
	// clock is not known.
	Ahead  time.Duration
	Margin time.Duration
	// MachineID is the content of /etc/machine-id.
	MachineID string
	// Kernel is its release, and Lacks the modules that it certainly has not.
	Kernel string
	Lacks  []string
	// DiskFree is how many bytes are free where the engine keeps its data.
	DiskFree int64
	// Addresses are the host's own, without loopback and link-local.
	Addresses []Address
	Links     []Link
	// Routes are those for IPv4, of all tables, without default routes and
	// those that lead to the host itself.
	Routes []Route
	// Reached are the connections that were tried from the host.
	Reached []Attempt
}

// Address is one address of a network interface, with its network.
type Address struct {
	Link   string
	Prefix netip.Prefix // the host's address and the length of its network
}

// IP is the address alone; one for IPv4 that is written as one for IPv6 is taken
// for what it is.
func (a Address) IP() netip.Addr { return a.Prefix.Addr().Unmap() }

// Link is one network interface.
type Link struct {
	Name string
	MTU  int // bytes
}

// Route is a way to some network.
type Route struct {
	To   netip.Prefix
	Link string // the interface; "" for none, such as an unreachable network
	// Own means that the host has an address in that network.
	Own bool
}

// Host is one host as it is judged.
type Host struct {
	Name string
	// Joins means that it is about to become a member. Others are there to be
	// compared with.
	Joins bool
	// Advertise and DataPath are what the file says: an IP address, an interface
	// name, a CIDR or "". Given is the provider's address of the machine.
	Advertise string
	DataPath  string
	Given     string
	// HostKey is the fingerprint of the SSH host key that it showed.
	HostKey string
	// EngineID and NodeID are what its engine says; "" where there is none.
	EngineID string
	NodeID   string
	// LiveRestore and Backend are what its running engine says.
	LiveRestore bool
	Backend     string
	// Daemon is its daemon.json; nil if there is none.
	Daemon []byte
	Conditions
}

// Wish is what the file asks of the swarm.
type Wish struct {
	// Fresh means that the swarm is about to be made.
	Fresh bool
	// Pools are where overlay networks come from: the file's, or those of the
	// swarm that there is. Nil means that nothing is said.
	Pools []netip.Prefix
	// SubnetSize is the prefix length of each network; 0 means 24.
	SubnetSize int
	// DataPort is the port of overlay traffic; 0 means 4789.
	DataPort int
}

// Judge returns what is wrong, in the order of Checks and then of the hosts.
func Judge(w Wish, hosts []Host) []Finding {
	j := &judge{wish: w, hosts: hosts}
	j.identities()
	j.each(j.liveRestore)
	j.each(j.backend)
	j.clocks()
	j.kernels()
	j.each(j.disk)
	j.each(j.advertise)
	j.pools()
	j.mtus()
	j.each(j.reach)
	return j.found
}

type judge struct {
	wish  Wish
	hosts []Host
	found []Finding
}

// each calls f for the hosts that are about to join.
func (j *judge) each(f func(Host)) {
	for _, h := range j.hosts {
		if h.Joins {
			f(h)
		}
	}
}

func (j *judge) joining() (out []Host) {
	j.each(func(h Host) { out = append(out, h) })
	return out
}

func (j *judge) add(c Check, host, text, hint string) {
	j.found = append(j.found, Finding{Check: c, Host: host, Note: !c.Refuses(), Text: text, Hint: hint})
}

package preflight

import (
	"fmt"
	"net/netip"
	"strings"
)

// advertise: an address that is not on the host makes an init fail, and a join
// takes another one in silence (moby daemon/cluster/listen_addr.go).
func (j *judge) advertise(h Host) {
	if len(h.Addresses) == 0 {
		return // it could not say
	}
	for _, c := range []struct{ key, value string }{{"advertise", h.Advertise}, {"data_path", h.DataPath}} {
		if why := h.absent(c.value); why != "" {
			j.add(Advertise, h.Name, fmt.Sprintf("%s of %s is %q, and %s", c.key, h.Name, c.value, why),
				fmt.Sprintf("%s has %s", h.Name, h.listed()))
		}
	}
}

// absent says why what the file says leads to no address of the host; "" if it
// leads to one.
func (h Host) absent(choice string) string {
	switch found, kind := Chosen(h.Addresses, choice), kindOf(choice); {
	case choice == "":
		return ""
	case len(found) == 0 && kind == anInterface:
		return "it has no such interface with an address"
	case len(found) == 0 && kind == aNetwork:
		return "no address of it is in there"
	case len(found) == 0:
		return "it has no such address"
	case len(found) > 1 && kind == aNetwork:
		return fmt.Sprintf("%d addresses of it are in there", len(found))
	}
	return ""
}

// The kinds of what the file may say for an address.
const (
	anAddress   = "address"
	aNetwork    = "network"
	anInterface = "interface"
)

func kindOf(choice string) string {
	if _, err := netip.ParseAddr(choice); err == nil {
		return anAddress
	}
	if _, err := netip.ParsePrefix(choice); err == nil {
		return aNetwork
	}
	return anInterface
}

// Chosen gives those of a host's own addresses that a choice leads to: an IP
// address, a CIDR, or the name of an interface.
func Chosen(own []Address, choice string) (found []Address) {
	addr, _ := netip.ParseAddr(choice)
	within, _ := netip.ParsePrefix(choice)
	kind := kindOf(choice)
	for _, a := range own {
		var is bool
		switch kind {
		case anAddress:
			is = a.IP() == addr.Unmap()
		case aNetwork:
			is = within.Contains(a.IP())
		default:
			is = a.Link == choice
		}
		if is {
			found = append(found, a)
		}
	}
	return found
}

func (h Host) listed() string {
	var out []string
	for _, a := range h.Addresses {
		out = append(out, a.Prefix.Addr().String()+" on "+a.Link)
	}
	return strings.Join(out, ", ")
}

// Underlay gives the MTU of the network that carries the host's overlay
// traffic, and its interface: that of data_path, else of advertise, else of the
// provider's address. 0 means that it is not known.
func (h Host) Underlay() (mtu int, link string) {
	for _, choice := range []string{h.DataPath, h.Advertise, h.Given} {
		if choice == "" {
			continue
		}
		if found := Chosen(h.Addresses, choice); len(found) > 0 {
			link = found[0].Link
			break
		}
	}
	for _, l := range h.Links {
		if l.Name == link {
			return l.MTU, link
		}
	}
	return 0, link
}

// mtus: an engine does not ask the network what it takes, so that packets of
// the host with the larger one are lost on the way to the other.
func (j *judge) mtus() {
	var words []string
	least, most := 0, 0
	for _, h := range j.joining() {
		mtu, link := h.Underlay()
		if mtu == 0 {
			continue
		}
		if least == 0 || mtu < least {
			least = mtu
		}
		most = max(most, mtu)
		words = append(words, fmt.Sprintf("%s %d on %s", h.Name, mtu, link))
	}
	if least != most {
		j.add(MTU, "", "the hosts' networks take packets of different sizes: "+strings.Join(words, ", "),
			fmt.Sprintf("give them one MTU, or make overlay networks with com.docker.network.driver.mtu=%d, and swarm.ingress.mtu the same", least))
	}
}

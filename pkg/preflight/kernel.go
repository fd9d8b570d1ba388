package preflight

import (
	"fmt"
	"slices"
	"strings"
)

// Modules are what a swarm needs of the kernel (moby contrib/check-config.sh),
// as far as it can be missing in kernels of clouds and of small machines.
func Modules() []string { return []string{"bridge", "vxlan", "br_netfilter", "ip_vs"} }

// mesh are the modules that only the routing mesh needs: without them a swarm
// works, and ports that are published in mode host do.
func mesh(module string) bool { return module == "ip_vs" || module == "br_netfilter" }

// kernels tells of the mesh once for all hosts, since they mostly run one kernel.
func (j *judge) kernels() {
	without := map[string][]string{}
	for _, h := range j.joining() {
		var lacks []string
		for _, m := range h.Lacks {
			if !mesh(m) {
				lacks = append(lacks, m)
				continue
			}
			without[m] = append(without[m], h.Name)
		}
		if len(lacks) > 0 {
			j.add(Kernel, h.Name, fmt.Sprintf("the kernel of %s (%s) has no %s, which overlay networks need", h.Name, h.Kernel, and(lacks)), kernelHint())
		}
	}
	for _, m := range Modules() {
		hosts := without[m]
		if len(hosts) == 0 {
			continue
		}
		slices.Sort(hosts)
		j.add(Routing, "", fmt.Sprintf("without %s in the kernel of %s ports that are published through the routing mesh do not answer there", m, strings.Join(hosts, ", ")),
			"publish ports with mode=host, or "+kernelHint())
	}
}

func kernelHint() string {
	return "install the kernel's other modules (linux-modules-extra-$(uname -r), kernel-modules-extra), or another kernel"
}

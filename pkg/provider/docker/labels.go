package docker

import (
	"strings"

	"github.com/docker/docker/api/types/filters"

	"github.com/swarmup/swarmup/pkg/provider"
)

// The labels of what this provider makes. They are given in the call that makes
// it, so that nothing of ours is ever without them.
const (
	labelCluster = "swarmup.cluster" // on everything
	labelName    = "swarmup.name"    // machine and its volumes: the machine's name
	labelNode    = "swarmup.node"    // machine
	labelGen     = "swarmup.gen"     // machine: the last part of its name
	labelHostKey = "swarmup.hostkey" // machine: fingerprint of its SSH host key
	labelAddress = "swarmup.address" // machine: its address for life
	labelImage   = "swarmup.image"   // image: "node" or "node-bare"
	labelRecipe  = "swarmup.recipe"  // image: digest of what it was made from
)

func machineLabels(req provider.Request, address, hostKey string) map[string]string {
	return map[string]string{
		labelCluster: req.Cluster,
		labelName:    req.Name,
		labelNode:    req.Node,
		labelGen:     strings.TrimPrefix(req.Name, req.Cluster+"-"+req.Node+"-"),
		labelHostKey: hostKey,
		labelAddress: address,
	}
}

// ours says whether something with these labels belongs to a cluster.
func ours(labels map[string]string, cluster string) bool {
	return cluster != "" && labels[labelCluster] == cluster
}

func ofCluster(cluster string) filters.Args {
	return filters.NewArgs(filters.Arg("label", labelCluster+"="+cluster))
}

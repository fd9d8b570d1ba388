package docker

import (
	"encoding/json"
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
	labelMade    = "swarmup.made"    // machine: what it was made with, in JSON
	labelImage   = "swarmup.image"   // image: "node" or "node-bare"
	labelRecipe  = "swarmup.recipe"  // image: digest of what it was made from
)

func machineLabels(req provider.Request, made map[string]string, address, hostKey string) map[string]string {
	record, _ := json.Marshal(made) // texts always can be
	return map[string]string{
		labelMade:    string(record),
		labelCluster: req.Cluster,
		labelName:    req.Name,
		labelNode:    req.Node,
		labelGen:     strings.TrimPrefix(req.Name, req.Cluster+"-"+req.Node+"-"),
		labelHostKey: hostKey,
		labelAddress: address,
	}
}

// settings reads what a machine was made with; nil where there is no record, or
// somebody has written over it.
func settings(labels map[string]string) map[string]string {
	var out map[string]string
	if err := json.Unmarshal([]byte(labels[labelMade]), &out); err != nil {
		return nil
	}
	return out
}

// ours says whether something with these labels belongs to a cluster.
func ours(labels map[string]string, cluster string) bool {
	return cluster != "" && labels[labelCluster] == cluster
}

func ofCluster(cluster string) filters.Args {
	return filters.NewArgs(filters.Arg("label", labelCluster+"="+cluster))
}

package e2e

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// engines is the variable that says which engine all machines have; without it
// they have the default one. make matrix sets it.
const engines = "SWARMUP_E2E_ENGINE"

// images gives the images of an engine by its name: Debian 12's, 13's and the
// newest. Mixed is all of them, so that no two nodes of a kind in a row are alike.
func images(engine string) ([]string, error) {
	known := map[string]string{"20.10": "swarmup-node:bookworm", "26.1": "swarmup-node:trixie", "28.5": "swarmup-node:sid"}
	switch {
	case engine == "":
		return nil, nil
	case engine == "mixed":
		return []string{known["28.5"], known["20.10"], known["26.1"]}, nil
	case known[engine] == "":
		return nil, fmt.Errorf("%s is %q, want mixed or one of %v", engines, engine, slices.Sorted(maps.Keys(known)))
	}
	return []string{known[engine]}, nil
}

// chosen are the images of the engine that was asked for.
func chosen(t *testing.T) []string {
	t.Helper()
	of, err := images(os.Getenv(engines))
	if err != nil {
		t.Fatal(err)
	}
	return of
}

// equip gives the nodes of a file that makes machines those images, in turn. What
// names an image itself keeps it.
func equip(file string, images []string) (string, error) {
	const provider = "provider: docker\n"
	if len(images) == 0 || !strings.Contains(file, provider) {
		return file, nil
	}
	if len(images) == 1 { // the lines stay where they are
		return strings.Replace(file, provider, fmt.Sprintf("provider: {docker: {image: %q}}\n", images[0]), 1), nil
	}
	var content yaml.Node
	if err := yaml.Unmarshal([]byte(file), &content); err != nil {
		return "", err
	}
	root, next := content.Content[0], 0
	for i := 0; i+1 < len(root.Content); i += 2 {
		if key := root.Content[i].Value; key != "managers" && key != "workers" {
			continue
		}
		var nodes []*yaml.Node
		for _, group := range root.Content[i+1].Content {
			for _, n := range single(group) {
				if value(n, "machine") == nil {
					set(n, "machine", &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{text("image"), text(images[next%len(images)])}})
				}
				nodes, next = append(nodes, n), next+1
			}
		}
		root.Content[i+1].Content = nodes
	}
	out, err := yaml.Marshal(&content)
	return string(out), err
}

// single makes a line of each node of a group.
func single(group *yaml.Node) (out []*yaml.Node) {
	count := 0
	if n := value(group, "count"); n == nil || n.Decode(&count) != nil {
		return []*yaml.Node{group}
	}
	for i := range count {
		n := &yaml.Node{Kind: yaml.MappingNode}
		for k := 0; k+1 < len(group.Content); k += 2 {
			switch key, v := group.Content[k], group.Content[k+1]; key.Value {
			case "count":
			case "name":
				set(n, "name", text(fmt.Sprint(v.Value, i+1)))
			default:
				n.Content = append(n.Content, key, v)
			}
		}
		out = append(out, n)
	}
	return out
}

func value(of *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(of.Content); i += 2 {
		if of.Content[i].Value == key {
			return of.Content[i+1]
		}
	}
	return nil
}

func set(of *yaml.Node, key string, v *yaml.Node) {
	of.Content = append(of.Content, text(key), v)
}

func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: s} }

// Command floor does the least that makes a swarm of hosts whose engines run: it
// logs in to all, makes a swarm on the first, lets the others join paused, labels
// and activates them. It checks nothing and forgives nothing. It is what swarmup
// is measured against.
//
//	floor KEY form MANAGERS HOST...   the first so many hosts become managers
//	floor KEY ask HOST...             asks every engine about itself, and the first for the nodes
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"
	"golang.org/x/crypto/ssh"
)

func main() {
	hosts, managers := os.Args[3:], 0
	if os.Args[2] == "form" {
		managers, _ = strconv.Atoi(hosts[0])
		hosts = hosts[1:]
	}
	key, err := os.ReadFile(os.Args[1])
	check(err)
	signer, err := ssh.ParsePrivateKey(key)
	check(err)
	engines := make([]*client.Client, len(hosts))
	each(len(hosts), func(i int) { engines[i] = connect(hosts[i], signer) })
	if managers > 0 {
		form(engines, hosts, managers)
		return
	}
	each(len(hosts), func(i int) { must(engines[i].Info(context.Background())) })
	must(engines[0].NodeList(context.Background(), swarm.NodeListOptions{}))
}

func connect(host string, key ssh.Signer) *client.Client {
	conn := must(ssh.Dial("tcp", net.JoinHostPort(host, "22"), &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	}))
	dial := func(context.Context, string, string) (net.Conn, error) {
		return conn.Dial("unix", "/var/run/docker.sock")
	}
	return must(client.NewClientWithOpts(client.WithVersion("1.41"), client.WithHost("http://docker"),
		client.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: dial}})))
}

func form(engines []*client.Client, hosts []string, managers int) {
	ctx := context.Background()
	must(engines[0].SwarmInit(ctx, swarm.InitRequest{ListenAddr: "0.0.0.0:2377", AdvertiseAddr: hosts[0]}))
	sw := must(engines[0].SwarmInspect(ctx))
	each(len(hosts), func(i int) {
		if i > 0 {
			token := sw.JoinTokens.Worker
			if i < managers {
				token = sw.JoinTokens.Manager
			}
			check(engines[i].SwarmJoin(ctx, swarm.JoinRequest{
				ListenAddr: "0.0.0.0:2377", AdvertiseAddr: hosts[i], RemoteAddrs: []string{hosts[0] + ":2377"},
				JoinToken: token, Availability: swarm.NodeAvailabilityPause,
			}))
		}
		id := must(engines[i].Info(ctx)).Swarm.NodeID
		for { // a node that has just joined is still being changed
			node, _, err := engines[0].NodeInspectWithRaw(ctx, id)
			check(err)
			node.Spec.Labels = map[string]string{"n": strconv.Itoa(i)}
			node.Spec.Availability = swarm.NodeAvailabilityActive
			if node.Status.State == swarm.NodeStateReady && engines[0].NodeUpdate(ctx, id, node.Version, node.Spec) == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
}

func each(n int, do func(int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// givenKey says where an unlock key comes from that is not in the store of the
// file: --key-file, else the terminal, else standard input. Nil means the store.
func (e env) givenKey(c *cli.Context, cluster *spec.Cluster, file string) (keySource, error) {
	path := c.String("key-file")
	switch {
	case path == "" && cluster.Swarm.Autolock.Store():
		return nil, nil
	case path == "" && e.terminal:
		return e.typedKey(), nil
	case path != "" && path != "-":
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, refusal("", "read key file %q: %w", path, cause(err))
		}
		return known(strings.NewReader(string(text)), path)
	case file == "-" || file == "" && e.getenv("SWARMUP_FILE") == "-":
		return nil, refusal("name the key's file: --key-file PATH", "standard input holds the file already, and not the key")
	}
	return known(e.in, "standard input")
}

// known is a key that is there already, in the first line of a text.
func known(text io.Reader, from string) (keySource, error) {
	key, err := firstKey(text)
	if err != nil {
		return nil, refusal("", "read the unlock key from %s: %w", from, err)
	}
	return func(context.Context) (engine.Key, string, error) { return key, from, nil }, nil
}

// firstKey reads a key as docker swarm unlock does. It never quotes what it reads.
func firstKey(text io.Reader) (engine.Key, error) {
	line, err := bufio.NewReader(io.LimitReader(text, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return engine.Key{}, err
	}
	return parsedKey(line)
}

func parsedKey(text string) (engine.Key, error) {
	key, ok := engine.ParseKey(strings.TrimSpace(text))
	if !ok {
		return engine.Key{}, errors.New("it is no unlock key: those begin with SWMKEY-1-")
	}
	return key, nil
}

// typedKey asks for a key on the terminal, once and only when it is needed.
func (e env) typedKey() keySource {
	var once sync.Once
	var key engine.Key
	var err error
	return func(ctx context.Context) (engine.Key, string, error) {
		once.Do(func() {
			var text string
			_, _ = fmt.Fprint(e.err, "swarmup: unlock key: ")
			text, err = e.hidden(ctx)
			_, _ = fmt.Fprintln(e.err)
			if err == nil {
				key, err = parsedKey(text)
			}
		})
		return key, "the terminal", err
	}
}

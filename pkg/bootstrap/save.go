package bootstrap

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Streamer is a machine whose commands may write more than can be kept.
type Streamer interface {
	Host
	// Stream runs a command; its standard output goes to out.
	Stream(ctx context.Context, cmd string, stdin io.Reader, out io.Writer) error
}

// saveLimit bounds the time in which an engine is stopped, its swarm read over
// the network, and the engine started again.
const saveLimit = 15 * time.Minute

// Save stops the engine, hands the tar of its swarm folder to read, and starts the
// engine again, also if read or the connection fails. When it returns the engine
// answers; the error is then of the first thing that went wrong. Nothing is left on
// the machine.
func Save(ctx context.Context, h Streamer, read func(io.Reader) error) error {
	err := save(ctx, h, read)
	// The script does this too. Whoever was cut off asks once more.
	if again := EnsureRunning(context.WithoutCancel(ctx), h); err == nil {
		err = again
	}
	return err
}

func save(ctx context.Context, h Streamer, read func(io.Reader) error) error {
	cmd, err := command(call{script: "save"})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, saveLimit, fmt.Errorf("not finished within %s", saveLimit))
	defer cancel()
	from, to := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := afterBegin(from, read)
		if err != nil {
			_ = from.CloseWithError(err) // the script's output takes no more
		}
		_, _ = io.Copy(io.Discard, from)
		done <- err
	}()
	err = h.Stream(ctx, cmd, nil, to)
	_ = to.CloseWithError(io.EOF)
	if bad := <-done; bad != nil && !errors.Is(bad, io.ErrUnexpectedEOF) {
		return bad
	} else if err == nil {
		err = bad
	}
	return err
}

// afterBegin has what stands behind the first line of a script read: login shells
// may print more before.
func afterBegin(from io.Reader, read func(io.Reader) error) error {
	r := bufio.NewReader(from)
	for {
		line, err := r.ReadString('\n')
		if strings.TrimSpace(line) == "swarmup begin" {
			return read(r)
		}
		if err != nil {
			return io.ErrUnexpectedEOF
		}
	}
}

// Restore replaces the swarm folder of a machine's engine by a tar of one, and
// starts the engine with it. Until all of the tar has arrived nothing is touched.
func Restore(ctx context.Context, h Host, content io.Reader) error {
	cmd, err := command(call{script: "restore-swarm"})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, saveLimit, fmt.Errorf("not finished within %s", saveLimit))
	defer cancel()
	out, err := h.Run(ctx, cmd, content)
	if err == nil {
		_, err = readAnswer(out)
	}
	if again := EnsureRunning(context.WithoutCancel(ctx), h); err == nil {
		err = again
	}
	if err != nil {
		return fmt.Errorf("restore swarm: %w", err)
	}
	return nil
}

package swarm

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/wait"
)

// An update that races another is read and written anew. The limits are ours:
// five rounds are past any chance, and only a writer that never rests is left.
const (
	updateRounds = 5
	updatePause  = 100 * time.Millisecond
	updatePeriod = 2 * time.Minute // of all rounds; each call has its own limit
)

// A post writes what was changed, against the version that was read.
type post func(context.Context) error

// update reads, changes and writes until no other write came in between. get
// returns a nil post if there is nothing to write.
func update(ctx context.Context, op string, get func(context.Context) (post, error)) error {
	left := updateRounds
	return wait.Until(ctx, op, updatePeriod, updatePause, func(context.Context) (bool, error) {
		write, err := get(ctx)
		if err != nil {
			return true, err
		}
		if write == nil {
			return true, nil
		}
		err = mutate(ctx, op, updateLimit, write)
		if left--; !raced(err) || left == 0 {
			return true, err
		}
		return false, err
	})
}

func raced(err error) bool {
	var e *Error
	return errors.As(err, &e) && strings.Contains(e.Text, outOfSequence)
}

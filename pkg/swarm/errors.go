package swarm

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"github.com/swarmup/swarmup/pkg/engine"
)

// Error is a call that did not succeed. Of an engine's answer it holds nothing
// but the text, without any token, so that no formatting can bring one to
// light. errors.Is finds the sentinels of package engine; where there was no
// answer, errors.Is and errors.As also find the dialer's error or the context's
// reason.
type Error struct {
	// Op is what was asked for, such as "join swarm".
	Op string
	// Code is the HTTP status of the engine's answer; 0 if there was none.
	Code int
	// Text is the engine's own words, or why there was no answer.
	Text string

	is []error
}

// Error is OP: TEXT.
func (e *Error) Error() string { return e.Op + ": " + e.Text }

// Unwrap gives the sentinels, and the reason why there was no answer.
func (e *Error) Unwrap() []error { return e.is }

// daemonPrefix is what Docker's client puts before the words of the engine
// (moby client/request.go, checkResponseErr).
const daemonPrefix = "Error response from daemon: "

// fail makes an *Error of what Docker's client says; nil stays nil.
func fail(op string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Op: op, Code: code(err), Text: scrub(words(err))}
	if e.Code == 0 {
		// Nothing of the request is in such an error: it comes from the
		// context, the dialer or the connection.
		e.is = []error{engine.ErrNoAnswer, err}
	} else if kind := classify(e.Code, e.Text); kind != nil {
		e.is = []error{kind}
	}
	return e
}

// words are the engine's own, or why there are none. What Docker's client adds
// in front of them says nothing that Op does not.
func words(err error) string {
	var way *url.Error
	if code(err) == 0 && errors.As(err, &way) {
		return way.Err.Error()
	}
	return strings.TrimPrefix(err.Error(), daemonPrefix)
}

// code gives the HTTP status of the engine's answer as far as the client keeps
// it (moby client/errors.go, httpErrorFromStatusCode); 0 means no answer.
func code(err error) int {
	switch {
	case client.IsErrConnectionFailed(err), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return 0
	case errdefs.IsNotFound(err):
		return http.StatusNotFound
	case errdefs.IsInvalidArgument(err):
		return http.StatusBadRequest
	case errdefs.IsConflict(err):
		return http.StatusConflict
	case errdefs.IsUnauthorized(err):
		return http.StatusUnauthorized
	case errdefs.IsPermissionDenied(err):
		return http.StatusForbidden
	case errdefs.IsNotImplemented(err):
		return http.StatusNotImplemented
	case errdefs.IsUnavailable(err):
		return http.StatusServiceUnavailable
	case errdefs.IsInternal(err), errdefs.IsUnknown(err):
		return http.StatusInternalServerError
	}
	return 0
}

// outOfSequence is the answer to an update that raced another: swarmkit
// manager/state/store/memory.go, ErrSequenceConflict. It comes with status 500.
const outOfSequence = "update out of sequence"

// A refusal is one way in which engines say no. Text is a part of their words
// that stayed the same from 20.10 to 29; codes are the statuses it comes with,
// since the way from gRPC code to status is loose (moby
// api/server/httpstatus/status.go).
type refusal struct {
	text  string
	codes []int
	kind  error
}

// refusals are in order: the first that fits counts.
var refusals = []refusal{
	// moby daemon/cluster/errors.go and daemon/cluster/cluster.go, errNoManager
	{"already part of a swarm", []int{503}, engine.ErrAlreadyMember},
	{"not part of a swarm", []int{503}, engine.ErrNotMember},
	{"Timeout was reached before node joined", []int{503}, engine.ErrContinues},
	{"Manager is being prepared or has trouble connecting", []int{503}, engine.ErrNoLeader},
	{"not a swarm manager", []int{503}, engine.ErrNotManager},
	// The socket of moby daemon/cluster/noderunner.go: a manager that is demoted
	// has taken it away already and does not know of it yet, for some seconds.
	{"control.sock", []int{500, 503}, engine.ErrNotManager},
	{"needs to be unlocked", []int{503}, engine.ErrLocked},
	{"Swarm is encrypted and locked", []int{503}, engine.ErrLocked},
	{"invalid key provided", []int{401}, engine.ErrKey},
	{"swarm is not locked", []int{409}, engine.ErrNotLocked},
	// swarmkit manager/encryption/encryption.go, ParseHumanReadableKey
	{"invalid key string", []int{400}, engine.ErrKey},
	// swarmkit manager/controlapi/node.go and manager/state/raft/raft.go
	{"loss of quorum", []int{400, 500}, engine.ErrQuorum},
	{"demote the last manager", []int{400}, engine.ErrQuorum},
	{"could not connect to prospective new cluster member", []int{500}, engine.ErrAdvertise},
	{"does not have a leader", []int{500, 503}, engine.ErrNoLeader},
	{"no elected primary cluster manager", []int{500, 503}, engine.ErrNoLeader},
	{"lost leadership", []int{500, 503}, engine.ErrNoLeader},
	// swarmkit manager/state/raft/raft.go, ErrLostLeadership and ErrStopped
	{"node lost leader status", []int{500, 503}, engine.ErrNoLeader},
	{"failed to process the request: node is stopped", []int{500, 503}, engine.ErrNoLeader},
	{"deadline exceeded", []int{500, 503}, engine.ErrNoLeader},
	{"DeadlineExceeded", []int{500, 503}, engine.ErrNoLeader},
	// moby libnetwork/error.go, NetworkNameError; swarmkit
	// manager/controlapi/network.go, CreateNetwork
	{"already exists", []int{403, 409}, engine.ErrExists},
	{"is already present", []int{409, 500}, engine.ErrExists},
	// moby api/server/middleware/version.go
	{"is too old. Minimum supported API version", []int{400}, engine.ErrAPI},
	{outOfSequence, []int{500}, engine.ErrOutdated},
	// swarmkit ca/server.go, ca/config.go
	{"valid join token is necessary", []int{400, 500}, engine.ErrToken},
	{"invalid join token", []int{400, 500}, engine.ErrToken},
	{"remote CA does not match fingerprint", []int{400, 500, 503}, engine.ErrToken},
}

// classify finds the sentinel for an answer; nil if callers cannot act on it.
func classify(code int, text string) error {
	for _, r := range refusals {
		if strings.Contains(text, r.text) && slices.Contains(r.codes, code) {
			return r.kind
		}
	}
	if code == http.StatusNotFound {
		return engine.ErrNotFound
	}
	return nil
}

package swarmtest

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/docker/docker/api/types/swarm"
)

const keyPrefix = "SWMKEY-1-"

// newKey makes an unlock key (swarmkit manager/encryption/encryption.go).
func (w *World) newKey() string {
	w.ids++
	sum := sha256.Sum256(fmt.Append(nil, "key", w.ids))
	return keyPrefix + base64.RawStdEncoding.EncodeToString(sum[:])
}

// relock changes the key with the settings: switched on there is a new one,
// switched off none (swarmkit manager/controlapi/cluster.go, UpdateCluster).
func (c *cluster) relock(rotate bool) {
	switch on := c.spec.EncryptionConfig.AutoLockManagers; {
	case !on:
		c.key = ""
	case c.key == "" || rotate:
		c.key = c.w.newKey()
	}
	c.w.after(c.w.delays.Rekey, c.rekey)
}

// rekey lets the managers that work take the key of now for their disks. One
// that is off or locked keeps the key that it had (swarmkit manager/manager.go,
// updateKEK).
func (c *cluster) rekey() {
	for _, e := range c.w.engines {
		if e.cluster == c && e.control && e.alive() && e.state == swarm.LocalNodeStateActive {
			e.disk = c.key
		}
	}
}

// lockedAtStart says whether an engine that starts needs a key.
func (e *Engine) lockedAtStart() bool { return e.certRole == managerRole && e.disk != "" }

func (e *Engine) lock() {
	e.state, e.control, e.errText = swarm.LocalNodeStateLocked, false, locked
	e.cluster.changed()
}

func (e *Engine) getUnlockKey(*http.Request) reply {
	return reply{http.StatusOK, swarm.UnlockKeyResponse{UnlockKey: e.cluster.key}}
}

// postUnlock is moby daemon/cluster/swarm.go, UnlockSwarm: it answers once the
// manager is a member again, however long that takes.
func (e *Engine) postUnlock(r *http.Request) reply {
	var req swarm.UnlockRequest
	if bad, ok := decode(r, &req); !ok {
		return bad
	}
	if !e.turn(r) {
		return reply{}
	}
	if e.state != swarm.LocalNodeStateLocked {
		if e.control {
			return refuse(http.StatusConflict, "swarm is not locked")
		}
		bad, _ := e.refusal(r)
		return bad
	}
	if secret, found := strings.CutPrefix(req.UnlockKey, keyPrefix); !found {
		return refuse(http.StatusBadRequest, "invalid key string")
	} else if _, err := base64.RawStdEncoding.DecodeString(secret); err != nil {
		return refuse(http.StatusBadRequest, "invalid key string")
	}
	if req.UnlockKey != e.disk {
		return refuse(http.StatusUnauthorized, "swarm could not be unlocked: invalid key provided")
	}
	e.busy = newOperation()
	e.unlocking = e.busy
	e.errText = ""
	e.takeUp()
	return e.w.wait(r.Context(), e.busy)
}

// UnlockKey gives the key of the engine's swarm as it is now; "" for none.
func (e *Engine) UnlockKey() string {
	e.w.lock()
	defer e.w.mu.Unlock()
	if e.cluster == nil {
		return ""
	}
	return e.cluster.key
}

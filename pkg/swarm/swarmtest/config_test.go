package swarmtest_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
)

func (r *run) config() (engine.Config, error) { return r.api[1].Config(r.Context(), "lock") }

func (r *run) createConfig(label string) error {
	_, err := r.api[1].CreateConfig(r.Context(), "lock", []byte("x"), map[string]string{"a": label})
	return err
}

// relabelConfig wants an update to hold, and to come with a version of its own.
func (r *run) relabelConfig() error {
	was, err := r.config()
	if err != nil {
		return err
	}
	if err := r.api[1].UpdateConfig(r.Context(), was, map[string]string{"a": "2"}); err != nil {
		return err
	}
	now, err := r.config()
	if err == nil && (now.ID != was.ID || now.Labels["a"] != "2" || now.Version <= was.Version || now.Updated.Before(was.Updated)) {
		err = fmt.Errorf("it was %+v and is %+v", was, now)
	}
	return err
}

func (r *run) staleConfig() error {
	c, err := r.config()
	if err != nil {
		return err
	}
	again := r.api[1].UpdateConfig(r.Context(), c, map[string]string{"a": "2"}) // the same labels count as a write too
	return errors.Join(again, r.api[1].UpdateConfig(r.Context(), c, map[string]string{"a": "3"}))
}

func (r *run) rewriteConfig() error {
	c, err := r.config()
	if err != nil {
		return err
	}
	return r.raw("POST", 1, fmt.Sprintf("/configs/%s/update?version=%d", c.ID, c.Version), `{"Name":"lock","Data":"eQ=="}`)
}

func (r *run) ageConfig() error {
	c, err := r.config()
	if err != nil {
		return err
	}
	now, err := r.api[1].Time(r.Context())
	if age := now.Sub(c.Updated); err == nil && (age < 0 || age > 20*time.Second) {
		err = fmt.Errorf("it was updated at %s, and it is %s", c.Updated, now)
	}
	return err
}

func (r *run) removeConfig() error {
	c, err := r.config()
	if err != nil {
		return err
	}
	return errors.Join(r.api[1].RemoveConfig(r.Context(), c.ID), r.api[1].RemoveConfig(r.Context(), c.ID))
}

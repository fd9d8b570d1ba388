package cluster

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/engine"
)

// on does something on the machine of the file, over the connection that there is
// to it now.
func (p *LockPlace) on(do func(*host) error) error {
	h := p.c.lookup("", p.node)
	if h == nil {
		return fmt.Errorf("%s: %w", p.node, noLinkError{})
	}
	return do(h)
}

// file asks for the record in the file. What is in it that is not ours to read is
// a record without labels.
func (p *LockPlace) file(ask func(*host) (bootstrap.LockFile, error)) (engine.Config, time.Time, error) {
	var f bootstrap.LockFile
	err := p.on(func(h *host) (err error) {
		f, err = ask(h)
		return err
	})
	if err != nil {
		return engine.Config{}, time.Time{}, err
	}
	var labels map[string]string
	if json.Unmarshal(f.Content, &labels) != nil {
		labels = nil
	}
	return engine.Config{ID: f.ID, Name: p.name, Labels: labels, Version: f.Version, Updated: f.Updated}, f.Now, nil
}

func (p *LockPlace) createFile(ctx context.Context, labels map[string]string) (engine.Config, error) {
	content, err := json.Marshal(labels)
	if err != nil {
		return engine.Config{}, err
	}
	record, _, err := p.file(func(h *host) (bootstrap.LockFile, error) {
		return bootstrap.CreateLock(ctx, h, rand.Text(), content)
	})
	return record, err
}

func (p *LockPlace) updateFile(ctx context.Context, record engine.Config, labels map[string]string) error {
	content, err := json.Marshal(labels)
	if err != nil {
		return err
	}
	_, _, err = p.file(func(h *host) (bootstrap.LockFile, error) {
		return bootstrap.UpdateLock(ctx, h, bootstrap.LockFile{ID: record.ID, Version: record.Version}, content)
	})
	return err
}

// Package store keeps the local cloud's objects: in memory for reading, in a journal on disk for life.
package store

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Object is one resource. It must not be changed after Put: put a copy instead.
type Object struct {
	// Type is the Pulumi type token, Scope the cluster of a Kubernetes object and empty otherwise, ID unique in both.
	Type  string `json:"type"`
	Scope string `json:"scope,omitempty"`
	ID    string `json:"id"`
	// URN is the resource's name in its stack; empty for what AWS makes by itself.
	URN     string     `json:"urn,omitempty"`
	Inputs  Properties `json:"inputs"`
	Outputs Properties `json:"outputs"`
	// Private is what the cloud knows of the object and does not show to the engine.
	Private Properties `json:"private,omitempty"`
	// Status is the life cycle's state where the type has one, for example PENDING.
	Status  string    `json:"status,omitempty"`
	Created time.Time `json:"created"`
}

func (o *Object) key() string { return o.Type + "\x00" + o.Scope + "\x00" + o.ID }

// Text is a string property of the outputs, or else of the inputs.
func (o *Object) Text(name string) string {
	if value, ok := o.Outputs[name].(string); ok {
		return value
	}
	return o.Inputs.Text(name)
}

// Store holds objects. It is safe for concurrent use.
type Store struct {
	mu         sync.RWMutex
	objects    map[string]*Object
	journal    *os.File
	generation atomic.Uint64
	changed    chan struct{}
}

type record struct {
	Put    *Object `json:"put,omitempty"`
	Delete string  `json:"delete,omitempty"`
}

const journalName = "cloud.jsonl"

// Open reads the journal in dir, which only the owner may read: it holds the secret keys of users.
func Open(dir string) (*Store, error) {
	s := &Store{objects: map[string]*Object{}, changed: make(chan struct{})}
	path := filepath.Join(dir, journalName)
	if err := s.replay(path); err != nil {
		return nil, err
	}
	if err := s.compact(path); err != nil {
		return nil, fmt.Errorf("compact %s: %w", path, err)
	}
	journal, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	s.journal = journal
	return s, nil
}

func (s *Store) replay(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	reader := bufio.NewReader(file)
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			// A last line without its end is a write that was cut off; the caller never heard of it.
			return nil
		}
		if err != nil {
			return err
		}
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("%s is damaged: %w; remove it to start anew", path, err)
		}
		s.apply(r)
	}
}

func (s *Store) apply(r record) {
	if r.Put != nil {
		s.objects[r.Put.key()] = r.Put
	} else {
		delete(s.objects, r.Delete)
	}
}

func (s *Store) compact(path string) error {
	temporary := path + ".new"
	file, err := os.OpenFile(temporary, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(file)
	for _, o := range s.sorted(func(*Object) bool { return true }) {
		if err := encoder.Encode(record{Put: o}); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// Close ends the journal.
func (s *Store) Close() error { return s.journal.Close() }

// Put adds or replaces an object, on disk before in memory.
func (s *Store) Put(o *Object) error { return s.commit(record{Put: o}) }

// Delete removes an object; one that does not exist is no error.
func (s *Store) Delete(o *Object) error { return s.commit(record{Delete: o.key()}) }

func (s *Store) commit(r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.journal.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("local cloud's journal: %w", err)
	}
	s.apply(r)
	s.generation.Add(1)
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

// Generation changes with every commit.
func (s *Store) Generation() uint64 { return s.generation.Load() }

// Changed is closed by the next commit.
func (s *Store) Changed() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changed
}

// Get finds an object without scope, or nil.
func (s *Store) Get(kind, id string) *Object { return s.GetIn("", kind, id) }

// GetIn finds an object of a cluster, or nil.
func (s *Store) GetIn(scope, kind, id string) *Object {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.objects[(&Object{Type: kind, Scope: scope, ID: id}).key()]
}

// List returns the objects of a type, oldest first.
func (s *Store) List(kind string) []*Object {
	return s.Find(func(o *Object) bool { return o.Type == kind })
}

// ListIn returns the objects of a type in a cluster, oldest first.
func (s *Store) ListIn(scope, kind string) []*Object {
	return s.Find(func(o *Object) bool { return o.Type == kind && o.Scope == scope })
}

// Find returns the objects that match, oldest first.
func (s *Store) Find(match func(*Object) bool) []*Object {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.sorted(match)
}

func (s *Store) sorted(match func(*Object) bool) []*Object {
	var found []*Object
	for _, o := range s.objects {
		if match(o) {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b *Object) int {
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.key(), b.key())
	})
	return found
}

package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	require.NoError(t, err)
	return s
}

func TestObjectsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	first := &Object{Type: "t", ID: "1", URN: "urn", Inputs: map[string]any{"a": "b"}, Outputs: map[string]any{"n": 1.0},
		Private: map[string]any{"p": "q"}, Status: "ready", Created: time.Unix(1, 0).UTC()}
	second := &Object{Type: "t", Scope: "c", ID: "1", Created: time.Unix(2, 0).UTC()}
	require.NoError(t, s.Put(first))
	require.NoError(t, s.Put(second))
	require.NoError(t, s.Put(&Object{Type: "t", ID: "2"}))
	require.NoError(t, s.Delete(&Object{Type: "t", ID: "2"}))
	require.NoError(t, s.Close())

	for range 2 {
		s = open(t, dir)
		require.Equal(t, []*Object{first}, s.ListIn("", "t"))
		require.Equal(t, first, s.Get("t", "1"))
		require.NotNil(t, s.GetIn("c", "t", "1"), "an id may be taken once in each scope")
		require.Nil(t, s.Get("t", "2"))
		require.NoError(t, s.Close())
	}
	info, err := os.Stat(filepath.Join(dir, journalName))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it holds secret keys")
}

// A write that was cut off was never acknowledged; anything else that cannot be read is an error.
func TestDamagedJournal(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	require.NoError(t, s.Put(&Object{Type: "t", ID: "1"}))
	require.NoError(t, s.Close())
	path := filepath.Join(dir, journalName)
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = file.WriteString(`{"put":{"type":"t","id":"2"`)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	s = open(t, dir)
	require.NotNil(t, s.Get("t", "1"))
	require.Nil(t, s.Get("t", "2"))
	require.NoError(t, s.Close())

	require.NoError(t, os.WriteFile(path, []byte("{]\n"), 0o600))
	_, err = Open(dir)
	require.ErrorContains(t, err, "is damaged")
}

func TestChangesAreSeen(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	changed, generation := s.Changed(), s.Generation()
	require.NoError(t, s.Put(&Object{Type: "t", ID: "1"}))
	<-changed
	require.NotEqual(t, generation, s.Generation())
}

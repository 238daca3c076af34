package operation

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
	"github.com/fsnotify/fsnotify"
	"github.com/stretchr/testify/require"
)

// What a stack's files say counts: not what the engine writes into them, nor what lies beside them.
func TestFilesOfAStack(t *testing.T) {
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }
	save := func(name, content string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(at(name)), 0o700))
		require.NoError(t, os.WriteFile(at(name), []byte(content), 0o600))
	}
	save("Pulumi.local.yaml", "config: {a: 1}\n")
	save("deploy/overlay/kustomization.yaml", "resources: [../base, svc.yaml]\n")
	save("deploy/base/kustomization.yaml", "resources: []\n")
	save("linked/real.yaml", "x\n")
	require.NoError(t, os.Symlink(at("linked/real.yaml"), at("link.yaml")))
	save("server", "one")
	f := files{stack: at("Pulumi.local.yaml"), programs: []string{at("server")}}
	f.add(at("Pulumi.local.yaml"), at("deploy/overlay"), at("more/**/*.yaml"), at("link.yaml"))
	require.Equal(t, []string{at("deploy/overlay"), at("deploy/base"), at("more")}, f.folders)
	require.Equal(t, []string{"Pulumi.local.yaml", "link.yaml", "linked/real.yaml", "deploy/overlay", "deploy/base", "more", "server"},
		f.names(root))
	digest := f.digest()
	for _, c := range []struct {
		name, content string
		counts        bool
	}{
		{"Pulumi.local.yaml", "config: {a: 1}\nencryptionsalt: v1:x\n", false},
		{"Pulumi.local.yaml", "config: {a: 2}\n", true},
		{"Pulumi.local.yaml", "config: {a: [\n", true},
		{"deploy/overlay/svc.yaml", "kind: Service\n", true},
		{"deploy/overlay/.svc.yaml.swp", "x", false},
		{"deploy/overlay/.git/config.yaml", "x", false},
		{"deploy/overlay/README.md", "x", false},
		{"deploy/base/deep/er.yml", "x", true},
		{"more/new.yaml", "x", true},
		{"linked/real.yaml", "y\n", true},
		{"linked/other.yaml", "y\n", false},
		{"server", "another", true},
	} {
		save(c.name, c.content)
		now := f.digest()
		require.Equal(t, c.counts, now != digest, "%s: %s", c.name, c.content)
		digest = now
	}
	require.NoError(t, os.Remove(at("more/new.yaml")))
	require.NotEqual(t, digest, f.digest(), "a file that is gone counts")
}

// Whole folders are watched, with those that are made later once they are added.
func TestFileChanges(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "a.yaml")
	changes, err := watchFiles(t.Context(), filepath.Join(folder, "state"))
	require.NoError(t, err)
	require.NoError(t, changes.add(files{single: []string{path, filepath.Join(folder, "missing", "b.yaml")}}))
	for _, change := range []func() error{
		func() error { return os.WriteFile(path, []byte("x"), 0o600) },
		func() error { return os.WriteFile(path+"~", []byte("y"), 0o600) },
		func() error { return os.Rename(path+"~", path) },
		func() error { return os.Remove(path) },
	} {
		require.NoError(t, change())
		<-changes.settled
	}
}

func TestStackFileIsWhereTheProjectSays(t *testing.T) {
	root := t.TempDir()
	schema, err := os.ReadFile("../../Pulumi.yaml")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, "Pulumi.yaml"), append(schema, "\nstackConfigDir: stacks\n"...), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(root, "stacks"), 0o700))
	file := filepath.Join(root, "stacks", "Pulumi.local.yaml")
	require.NoError(t, os.WriteFile(file, []byte("config: {\"apigateway-ingress:target\": local}\n"), 0o600))
	project, err := engine.OpenProject(root, "local")
	require.NoError(t, err)
	found := filesOf(project, &deploy.Settings{})
	require.Equal(t, file, found.stack)
	require.Contains(t, found.single, file)
}

// The end may come while a change is told to have failed, and nothing can be watched any more then.
func TestEndWhileAChangeFails(t *testing.T) {
	dir := t.TempDir()
	ctx, end := context.WithCancel(t.Context())
	changes, err := watchFiles(ctx, filepath.Join(dir, "state"))
	require.NoError(t, err)
	failed := false
	d := &dev{Options: Options{Project: dir}, files: files{single: []string{filepath.Join(dir, "Pulumi.local.yaml")}}, tell: func(e Event) {
		_, failed = e.(ReloadFailed)
		end()
		require.Eventually(t, func() bool { return errors.Is(changes.watcher.Add(dir), fsnotify.ErrClosed) }, time.Minute, time.Millisecond)
	}}
	changes.settled <- struct{}{}
	require.NoError(t, d.serve(ctx, changes))
	require.True(t, failed)
}

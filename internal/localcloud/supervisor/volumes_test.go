package supervisor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

// Whatever a manifest says, a pod's files stay below its own folder.
func TestFilesStayInThePodsFolder(t *testing.T) {
	dir := t.TempDir()
	objects, err := store.Open(t.TempDir())
	require.NoError(t, err)
	defer objects.Close()
	for _, c := range []struct {
		mount, key string
		refused    bool
	}{
		{"/etc/nginx", "nginx.conf", false}, {"/../../../outside", "file", false}, {"/a/../../../outside", "file", false},
		{"../../outside", "file", true}, {"", "file", true},
		{"/etc", "../../outside", true}, {"/etc", "..", true}, {"/etc", "a/b", true}, {"/etc", "a\x00b", true},
	} {
		require.NoError(t, objects.Put(&store.Object{Type: kuberules.ConfigMap, Scope: "c", ID: "default/config",
			Outputs: map[string]any{"data": map[string]any{c.key: "content"}}}))
		p := &pod{
			supervisor: &Supervisor{store: objects}, owner: owner{cluster: "c"}, namespace: "default", dir: filepath.Join(dir, "pods", "p"),
			spec: corev1.PodSpec{
				Volumes:    []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "config"}}}}},
				Containers: []corev1.Container{{VolumeMounts: []corev1.VolumeMount{{Name: "v", MountPath: c.mount}}}},
			},
		}
		// What is not refused means a place below the folder.
		err := p.mountVolumes()
		require.Equal(t, c.refused, err != nil, "%+v: %v", c, err)
		require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				require.True(t, strings.HasPrefix(path, p.dir+string(filepath.Separator)), "%+v wrote %s", c, path)
			}
			return err
		}))
	}
	require.FileExists(t, filepath.Join(dir, "pods", "p", "root", "etc", "nginx", "nginx.conf"), "what is honest is written")
}

// A Secret's values reach the container as they are, and nobody but the owner can read them.
func TestSecretsAreMounted(t *testing.T) {
	dir := t.TempDir()
	objects, err := store.Open(t.TempDir())
	require.NoError(t, err)
	defer objects.Close()
	require.NoError(t, objects.Put(&store.Object{Type: kuberules.Secret, Scope: "c", ID: "default/s", Outputs: map[string]any{
		"data": map[string]any{"encoded": "aGlkZGVu", "both": "bm8="}, "stringData": map[string]any{"plain": "hidden", "both": "yes"},
	}}))
	p := &pod{
		supervisor: &Supervisor{store: objects}, owner: owner{cluster: "c"}, namespace: "default", dir: filepath.Join(dir, "p"),
		spec: corev1.PodSpec{
			Volumes:    []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}}},
			Containers: []corev1.Container{{VolumeMounts: []corev1.VolumeMount{{Name: "v", MountPath: "/etc/secret"}}}},
		},
	}
	require.NoError(t, p.mountVolumes())
	for key, want := range map[string]string{"encoded": "hidden", "plain": "hidden", "both": "yes"} {
		file := filepath.Join(p.dir, "root", "etc", "secret", key)
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, want, string(content))
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	p.spec.Volumes[0].Secret.SecretName = "other"
	require.ErrorContains(t, p.mountVolumes(), `secret "other" not found`)
}

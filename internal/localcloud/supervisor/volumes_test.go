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
		{"/etc/nginx", "nginx.conf", false}, {"/../../../outside", "file", false}, {"/a/../../../outside", "file", false}, {"../../outside", "file", true}, {"", "file", true},
		{"/etc", "../../outside", true}, {"/etc", "..", true}, {"/etc", "a/b", true}, {"/etc", "a\x00b", true},
	} {
		require.NoError(t, objects.Put(&store.Object{Type: kuberules.ConfigMap, Scope: "c", ID: "default/config", Outputs: map[string]any{"data": map[string]any{c.key: "content"}}}))
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

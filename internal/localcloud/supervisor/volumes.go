package supervisor

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	corev1 "k8s.io/api/core/v1"
)

// mountVolumes lays ConfigMaps, Secrets and scratch folders out under the pod's root.
func (p *pod) mountVolumes() error {
	volumes := map[string]corev1.Volume{}
	for _, volume := range p.spec.Volumes {
		volumes[volume.Name] = volume
	}
	for _, mount := range p.container().VolumeMounts {
		target, err := p.hostPath(mount.MountPath)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(target, 0o700); err != nil {
			return err
		}
		files, err := p.filesOf(volumes[mount.Name])
		if err != nil {
			return err
		}
		if err := writeFiles(target, files); err != nil {
			return fmt.Errorf("volume %s: %w", mount.Name, err)
		}
	}
	return nil
}

// filesOf are those that a ConfigMap or a Secret makes in a volume; none for any other.
func (p *pod) filesOf(volume corev1.Volume) (map[string]string, error) {
	switch {
	case volume.ConfigMap != nil:
		config, err := mountable[corev1.ConfigMap](p, kuberules.ConfigMap, volume.ConfigMap.Name)
		if err != nil {
			return nil, err
		}
		return config.Data, nil
	case volume.Secret != nil:
		secret, err := mountable[corev1.Secret](p, kuberules.Secret, volume.Secret.SecretName)
		if err != nil {
			return nil, err
		}
		files := maps.Clone(secret.StringData)
		if files == nil {
			files = map[string]string{}
		}
		for key, value := range secret.Data {
			if _, over := files[key]; !over {
				files[key] = string(value)
			}
		}
		return files, nil
	}
	return nil, nil
}

func writeFiles(folder string, files map[string]string) error {
	for key, content := range files {
		if strings.ContainsAny(key, "/\x00") || key == ".." {
			return fmt.Errorf("key %q is not a file name", key)
		}
		if err := os.WriteFile(filepath.Join(folder, key), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// mountable is an object of the pod's namespace.
func mountable[T any](p *pod, token, name string) (*T, error) {
	object := p.supervisor.store.GetIn(p.owner.cluster, token, p.namespace+"/"+name)
	if object == nil {
		return nil, fmt.Errorf("%s %q not found", strings.ToLower(token[strings.LastIndexByte(token, ':')+1:]), name)
	}
	return kuberules.Decode[T](object)
}

// hostPath is where a path of the container lies on this machine, always inside the pod's root.
func (p *pod) hostPath(path string) (string, error) {
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("mount path %q is not absolute", path)
	}
	return filepath.Join(p.root(), filepath.Clean(path)), nil
}

// mounted says whether a path of the container lies in one of its mounts.
func (p *pod) mounted(path string) bool {
	for _, mount := range p.container().VolumeMounts {
		if path == mount.MountPath || strings.HasPrefix(path, strings.TrimSuffix(mount.MountPath, "/")+"/") {
			return true
		}
	}
	return false
}

package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	corev1 "k8s.io/api/core/v1"
)

// mountVolumes lays ConfigMaps and scratch folders out under the pod's root.
func (p *pod) mountVolumes() error {
	p.supervisor.mu.Lock()
	// What is written now is not translated yet.
	p.config = ""
	p.supervisor.mu.Unlock()
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
		if source := volumes[mount.Name].ConfigMap; source != nil {
			if err := p.writeConfigMap(source.Name, target); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *pod) writeConfigMap(name, target string) error {
	data, err := p.configMap(name)
	if err != nil {
		return err
	}
	for key, content := range data {
		if strings.ContainsAny(key, "/\x00") || key == ".." {
			return fmt.Errorf("configmap %s: key %q is not a file name", name, key)
		}
		if err := os.WriteFile(filepath.Join(target, key), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (p *pod) configMap(name string) (map[string]string, error) {
	object := p.supervisor.store.GetIn(p.owner.cluster, kuberules.ConfigMap, p.namespace+"/"+name)
	if object == nil {
		return nil, fmt.Errorf("configmap %q not found", name)
	}
	config, err := kuberules.Decode[corev1.ConfigMap](object)
	if err != nil {
		return nil, err
	}
	return config.Data, nil
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

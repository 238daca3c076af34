package supervisor

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	corev1 "k8s.io/api/core/v1"
)

// systemPath is the PATH of a program that was mapped without one.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment is the program's: what the kubelet gives every container, and what the container asks for. A Secret or a
// ConfigMap that it needs and that is not there keeps the container from starting.
func (p *pod) environment(image Image) ([]string, error) {
	env := []string{
		"PATH=" + cmp.Or(image.Path, systemPath),
		"HOME=" + p.dir, "HOSTNAME=" + p.name, "POD_IP=" + p.ip,
	}
	var problems []error
	for _, source := range p.container().EnvFrom {
		more, err := p.envFrom(source)
		env, problems = append(env, more...), append(problems, err)
	}
	for _, variable := range p.container().Env {
		value, found, err := p.envValue(variable)
		problems = append(problems, err)
		if found {
			env = append(env, variable.Name+"="+value)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("%w: %w", errConfig, err)
	}
	return env, nil
}

func (p *pod) envFrom(source corev1.EnvFromSource) ([]string, error) {
	var values map[string]string
	var err error
	optional := false
	switch {
	case source.ConfigMapRef != nil:
		optional = isTrue(source.ConfigMapRef.Optional)
		values, err = p.configMapData(source.ConfigMapRef.Name)
	case source.SecretRef != nil:
		optional = isTrue(source.SecretRef.Optional)
		values, err = p.secretData(source.SecretRef.Name)
	}
	if err != nil && !optional {
		return nil, err
	}
	var env []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		env = append(env, source.Prefix+key+"="+values[key])
	}
	return env, nil
}

func (p *pod) envValue(variable corev1.EnvVar) (value string, found bool, err error) {
	from := variable.ValueFrom
	switch {
	case from == nil:
		return variable.Value, true, nil
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		values, err := p.configMapData(ref.Name)
		return keyOf("configmap", ref.Name, ref.Key, isTrue(ref.Optional), values, err)
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		values, err := p.secretData(ref.Name)
		return keyOf("secret", ref.Name, ref.Key, isTrue(ref.Optional), values, err)
	case from.FieldRef != nil:
		return p.field(from.FieldRef.FieldPath)
	}
	return "", false, fmt.Errorf("env %s: the local target knows no such source", variable.Name)
}

func keyOf(kind, name, key string, optional bool, values map[string]string, err error) (string, bool, error) {
	value, found := values[key]
	switch {
	case found || optional:
		return value, found, nil
	case err != nil:
		return "", false, err
	}
	return "", false, fmt.Errorf("couldn't find key %s in %s %q", key, kind, name)
}

// field is what the downward API tells a container of its pod.
func (p *pod) field(path string) (string, bool, error) {
	value, known := map[string]string{
		"metadata.name": p.name, "metadata.namespace": p.namespace, "spec.nodeName": p.node, "status.podIP": p.ip, "status.hostIP": p.ip,
		"spec.serviceAccountName": p.spec.ServiceAccountName,
	}[path]
	if !known {
		return "", false, fmt.Errorf("the local target does not know the field %s of a pod", path)
	}
	return value, true, nil
}

func (p *pod) configMapData(name string) (map[string]string, error) {
	config, err := mountable[corev1.ConfigMap](p, kuberules.ConfigMap, name)
	if err != nil {
		return nil, err
	}
	return config.Data, nil
}

// secretData is a Secret's content: data is base64, stringData plain.
func (p *pod) secretData(name string) (map[string]string, error) {
	secret, err := mountable[corev1.Secret](p, kuberules.Secret, name)
	if err != nil {
		return nil, err
	}
	values := maps.Clone(secret.StringData)
	if values == nil {
		values = map[string]string{}
	}
	for key, value := range secret.Data {
		values[key] = string(value)
	}
	return values, nil
}

func isTrue(value *bool) bool { return value != nil && *value }

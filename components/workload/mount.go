package workload

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Mount is a ConfigMap or a Secret, and the folder where the container finds its keys as files.
type Mount struct {
	// Name is the volume's, a DNS label.
	Name string `pulumi:"name"`
	// ConfigMap or Secret is the object's name.
	ConfigMap pulumi.StringInput `pulumi:"configMap,optional"`
	Secret    pulumi.StringInput `pulumi:"secret,optional"`
	// Path is the folder.
	Path string `pulumi:"path"`
}

func (m Mount) volume() corev1.VolumeArgs {
	volume := corev1.VolumeArgs{Name: pulumi.String(m.Name)}
	if m.Secret != nil {
		volume.Secret = corev1.SecretVolumeSourceArgs{SecretName: m.Secret.ToStringOutput().ToStringPtrOutput()}
	} else {
		volume.ConfigMap = corev1.ConfigMapVolumeSourceArgs{Name: m.ConfigMap.ToStringOutput().ToStringPtrOutput()}
	}
	return volume
}

package awscloud

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/scheme"
)

func TestClusterUse(t *testing.T) {
	client := dynamicfake.NewSimpleDynamicClient(scheme.Scheme,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team"}},
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "web"}, Spec: corev1.ServiceSpec{
			Ports: []corev1.ServicePort{{Port: 80, NodePort: 30080}}}},
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "inner"}, Spec: corev1.ServiceSpec{
			Ports: []corev1.ServicePort{{Port: 80}}}})
	use, err := clusterUse(t.Context(), client)
	require.NoError(t, err)
	require.Equal(t, []string{"team"}, use.Namespaces)
	require.ElementsMatch(t, []string{"team/web", "team/inner"}, use.Services)
	require.Equal(t, map[int]string{30080: "team/web"}, use.NodePorts)
}

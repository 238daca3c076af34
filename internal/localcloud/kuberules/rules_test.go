package kuberules

import (
	"context"
	"errors"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/stretchr/testify/require"
)

// pods are ready at once, or never.
type pods struct{ problem error }

func (p *pods) AwaitRollout(context.Context, string, string, string) error { return p.problem }

type m = map[string]any

type cluster struct {
	t     *testing.T
	rules *Rules
	pods  *pods
}

func newCluster(t *testing.T) cluster {
	t.Helper()
	objects, err := store.Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, objects.Close()) })
	p := &pods{}
	return cluster{t, New(objects, p), p}
}

func (c cluster) create(token string, inputs m) (*store.Object, error) {
	c.t.Helper()
	checked, failures, err := c.rules.Check(token, "x", nil, inputs, nil)
	require.NoError(c.t, err)
	require.Empty(c.t, failures)
	return c.rules.Create(context.Background(), "c", token, "urn", checked)
}

func named(name string, spec m) m {
	return m{"metadata": m{"name": name}, "spec": spec}
}

func service(name string, nodePort float64) m {
	return named(name, m{"type": "NodePort", "ports": []any{m{"port": 80.0, "nodePort": nodePort}}})
}

func deployment(labels m) m {
	return named("d", m{
		"selector": m{"matchLabels": m{"app": "d"}},
		"template": m{"metadata": m{"labels": labels}, "spec": m{"containers": []any{m{"name": "d", "image": "i"}}}},
	})
}

func TestObjectsAreChecked(t *testing.T) {
	c := newCluster(t)
	for _, bad := range []struct {
		token  string
		inputs m
		want   string
	}{
		{Service, named("s", m{"portz": []any{}}), `unknown field "portz"`},
		{Service, named("S", m{"ports": []any{m{"port": 80.0}}}), "lowercase"},
		{Service, named("s", m{}), "is required"},
		{Service, service("s", 80), "The range of valid ports is 30000-32767"},
		{Service, named("s", m{"ports": []any{m{"port": 80.0, "nodePort": 30080.0}}}), "may not be used when `type` is 'ClusterIP'"},
		{Deployment, deployment(m{"app": "other"}), "`selector` does not match template `labels`"},
		{Deployment, named("d", m{"template": m{}}), "is required"},
		{ConfigMap, m{"metadata": m{"name": "a_b"}}, "RFC 1123"},
	} {
		_, failures, err := c.rules.Check(bad.token, "x", nil, bad.inputs, nil)
		require.NoError(t, err)
		require.Len(t, failures, 1, "%v", bad.inputs)
		require.Contains(t, failures[0].Reason, bad.want)
	}
	_, _, err := c.rules.Check("kubernetes:batch/v1:Job", "x", nil, m{}, nil)
	require.ErrorContains(t, err, "does not know the resource type")
}

func TestAutomaticNames(t *testing.T) {
	c := newCluster(t)
	first, _, err := c.rules.Check(ConfigMap, "conf", nil, m{"data": m{"a": "1"}}, nil)
	require.NoError(t, err)
	require.Regexp(t, "^conf-[0-9a-f]{8}$", first["metadata"].(m)["name"])
	again, _, err := c.rules.Check(ConfigMap, "conf", first, m{"data": m{"a": "2"}}, nil)
	require.NoError(t, err)
	changed, replaced, deleteFirst, err := c.rules.Diff(ConfigMap, first, again)
	require.NoError(t, err)
	require.Equal(t, []string{"data"}, changed)
	require.Equal(t, []string{"data"}, replaced, "a ConfigMap is replaced")
	require.False(t, deleteFirst, "and the new one comes first")
}

func TestFixedNamesAreDeletedFirst(t *testing.T) {
	c := newCluster(t)
	olds, news := deployment(m{"app": "d"}), deployment(m{"app": "d"})
	news["spec"].(m)["selector"] = m{"matchLabels": m{"app": "e"}}
	_, replaced, deleteFirst, err := c.rules.Diff(Deployment, olds, news)
	require.NoError(t, err)
	require.Equal(t, []string{"spec.selector"}, replaced)
	require.True(t, deleteFirst)
}

func TestAdmission(t *testing.T) {
	c := newCluster(t)
	made, err := c.create(Service, service("one", 30080))
	require.NoError(t, err)
	require.Equal(t, "default/one", made.ID)
	require.NotEmpty(t, made.Outputs["spec"].(m)["clusterIP"])
	_, err = c.create(Service, service("one", 30081))
	require.ErrorContains(t, err, "already exists")
	_, err = c.create(Service, service("two", 30080))
	require.ErrorContains(t, err, "provided port is already allocated")
	_, err = c.create(ConfigMap, m{"metadata": m{"name": "a", "namespace": "nowhere"}})
	require.ErrorContains(t, err, `namespaces "nowhere" not found`)
	account := deployment(m{"app": "d"})
	account["spec"].(m)["template"].(m)["spec"].(m)["serviceAccountName"] = "nobody"
	_, err = c.create(Deployment, account)
	require.ErrorContains(t, err, `serviceaccount "nobody" not found`)
}

func TestNamespaceTakesItsObjectsAlong(t *testing.T) {
	c := newCluster(t)
	_, err := c.create(Namespace, m{"metadata": m{"name": "team"}})
	require.NoError(t, err)
	_, err = c.create(ConfigMap, m{"metadata": m{"name": "a", "namespace": "team"}})
	require.NoError(t, err)
	require.NoError(t, c.rules.Delete("c", Namespace, "team"))
	require.Nil(t, c.rules.Read("c", ConfigMap, "team/a"))
}

func TestAWorkloadThatDoesNotBecomeReadyExists(t *testing.T) {
	c := newCluster(t)
	c.pods.problem = errors.New("ErrImagePull")
	made, err := c.create(Deployment, deployment(m{"app": "d"}))
	require.ErrorContains(t, err, "did not become ready: ErrImagePull")
	require.NotNil(t, made, "the engine must hear of it, or it is forgotten")
}

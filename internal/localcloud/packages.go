package localcloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/provider"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"sigs.k8s.io/yaml"
)

type awsPackage struct{ rules *awsrules.Rules }

func (p awsPackage) Configure(config map[string]string) (provider.Instance, error) {
	if config["region"] == "" {
		return nil, errors.New("no region is set: run `pulumi config set aws:region us-east-1`")
	}
	tags, err := defaultTags(config["defaultTags"])
	return awsInstance{p.rules, config["region"], tags}, err
}

// defaultTags are those that the provider puts on every resource that has tags.
func defaultTags(config string) (map[string]any, error) {
	var given struct {
		Tags map[string]any `json:"tags"`
	}
	if config == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(config), &given); err != nil {
		return nil, fmt.Errorf("config aws:defaultTags: %w", err)
	}
	return given.Tags, nil
}

// awsInstance is AWS in one region.
type awsInstance struct {
	rules  *awsrules.Rules
	region string
	tags   map[string]any
}

// Check adds the provider's tags to a resource's own, which win.
func (i awsInstance) Check(token, name string, olds, news map[string]any, seed []byte) (map[string]any, []schema.Failure, error) {
	if own, known := news["tags"].(map[string]any); (known || news["tags"] == nil) && len(i.tags) > 0 && i.rules.Tagged(token) {
		news = maps.Clone(news)
		tags := maps.Clone(i.tags)
		maps.Copy(tags, own)
		news["tags"] = tags
	}
	return i.rules.Check(token, name, olds, news, seed)
}

func (i awsInstance) Diff(token string, olds, news map[string]any) (provider.Diff, error) {
	changed, replaced, err := i.rules.Diff(token, olds, news)
	return provider.Diff{Changed: changed, Replaced: replaced}, err
}

func (i awsInstance) Preview(token string, inputs map[string]any) (map[string]any, error) {
	return i.rules.Preview(token, i.region, inputs)
}

func (i awsInstance) Create(ctx context.Context, token, urn string, inputs map[string]any) (string, map[string]any, error) {
	o, err := i.rules.Create(ctx, token, i.region, urn, inputs)
	return idAndOutputs(o, err)
}

func (i awsInstance) Read(token, id string) (inputs, outputs map[string]any) {
	return inputsAndOutputs(i.rules.Read(token, id))
}

func (i awsInstance) Update(_ context.Context, token, id string, inputs map[string]any) (map[string]any, error) {
	o, err := i.rules.Update(token, i.region, id, inputs)
	_, outputs, err := idAndOutputs(o, err)
	return outputs, err
}

func (i awsInstance) Delete(ctx context.Context, token, id string) error {
	return i.rules.Delete(ctx, token, i.region, id)
}

func (i awsInstance) Invoke(token string, args map[string]any) (map[string]any, error) {
	return i.rules.Invoke(token, i.region, args)
}

func idAndOutputs(o *store.Object, err error) (string, map[string]any, error) {
	if o == nil {
		return "", nil, err
	}
	return o.ID, o.Outputs, err
}

func inputsAndOutputs(o *store.Object) (inputs, outputs map[string]any) {
	if o == nil {
		return nil, nil
	}
	return o.Inputs, o.Outputs
}

type kubernetesPackage struct {
	rules *kuberules.Rules
	store *store.Store
}

func (p kubernetesPackage) Configure(config map[string]string) (provider.Instance, error) {
	endpoint, err := serverOf(config["kubeconfig"])
	if err != nil {
		return nil, err
	}
	return kubernetesInstance{p.rules, p.store, endpoint}, nil
}

func serverOf(kubeconfig string) (string, error) {
	if kubeconfig == "" {
		return "", errors.New("no kubeconfig is given")
	}
	var text string
	// Through the engine's config the document may be a JSON string in itself.
	if json.Unmarshal([]byte(kubeconfig), &text) == nil {
		kubeconfig = text
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server string `json:"server"`
			} `json:"cluster"`
		} `json:"clusters"`
	}
	if err := yaml.Unmarshal([]byte(kubeconfig), &config); err != nil || len(config.Clusters) == 0 {
		return "", errors.New("the kubeconfig names no cluster")
	}
	return config.Clusters[0].Cluster.Server, nil
}

// kubernetesInstance is one cluster, by its endpoint. It may not exist yet, or any more.
type kubernetesInstance struct {
	rules    *kuberules.Rules
	store    *store.Store
	endpoint string
}

func (i kubernetesInstance) cluster() (string, error) {
	for _, o := range i.store.List(awsrules.Cluster) {
		if o.Text("endpoint") == i.endpoint {
			return o.ID, nil
		}
	}
	return "", fmt.Errorf("configured Kubernetes cluster is unreachable: no cluster has the endpoint %s", i.endpoint)
}

func (i kubernetesInstance) Check(token, name string, olds, news map[string]any, seed []byte) (map[string]any, []schema.Failure, error) {
	return i.rules.Check(token, name, olds, news, seed)
}

func (i kubernetesInstance) Diff(token string, olds, news map[string]any) (provider.Diff, error) {
	changed, replaced, deleteFirst, err := i.rules.Diff(token, olds, news)
	return provider.Diff{Changed: changed, Replaced: replaced, DeleteFirst: deleteFirst}, err
}

func (i kubernetesInstance) Preview(_ string, inputs map[string]any) (map[string]any, error) {
	return inputs, nil
}

func (i kubernetesInstance) Create(ctx context.Context, token, urn string, inputs map[string]any) (string, map[string]any, error) {
	cluster, err := i.cluster()
	if err != nil {
		return "", nil, err
	}
	o, err := i.rules.Create(ctx, cluster, token, urn, inputs)
	return idAndOutputs(o, err)
}

func (i kubernetesInstance) Read(token, id string) (inputs, outputs map[string]any) {
	cluster, err := i.cluster()
	if err != nil {
		return nil, nil
	}
	return inputsAndOutputs(i.rules.Read(cluster, token, id))
}

func (i kubernetesInstance) Update(ctx context.Context, token, id string, inputs map[string]any) (map[string]any, error) {
	cluster, err := i.cluster()
	if err != nil {
		return nil, err
	}
	o, err := i.rules.Update(ctx, cluster, token, id, inputs)
	_, outputs, err := idAndOutputs(o, err)
	return outputs, err
}

// Delete succeeds when the cluster is gone, and everything in it: the provider's deleteUnreachable.
func (i kubernetesInstance) Delete(_ context.Context, token, id string) error {
	cluster, err := i.cluster()
	if err != nil {
		return nil //nolint:nilerr // nothing is left to delete
	}
	return i.rules.Delete(cluster, token, id)
}

func (i kubernetesInstance) Invoke(token string, _ map[string]any) (map[string]any, error) {
	return nil, fmt.Errorf("the local target does not know the function %s", token)
}

// Package kuberules is what the Kubernetes API server enforces on the kinds that the program uses: known
// fields, names, namespaces that exist, immutable fields, node ports that are free.
package kuberules

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"k8s.io/apimachinery/pkg/util/validation"
)

// kind describes one kind of object.
type kind struct {
	token, apiVersion, kind string
	clusterWide             bool
	// empty makes the Go type that names the fields.
	empty func() any
	// check reports what else is wrong with an object of that type.
	check func(object any) []schema.Failure
	// immutable are the fields whose change needs a new object.
	immutable []string
	// admit may refuse a new or changed object and completes it.
	admit func(c *call) error
	// runs says that creating is finished only when the pods are ready.
	runs bool
}

type call struct {
	*Rules
	cluster string
	object  *store.Object
}

// Rules are the Kubernetes half of the local cloud.
type Rules struct {
	store *store.Store
	pods  Pods
	mu    sync.Mutex
}

// Pods is what the rules need of those who run pods.
type Pods interface {
	// AwaitRollout returns when all pods of a Deployment or DaemonSet are ready, or says why they are not.
	AwaitRollout(ctx context.Context, cluster, token, id string) error
}

// New makes the rules.
func New(objects *store.Store, pods Pods) *Rules { return &Rules{store: objects, pods: pods} }

// SystemNamespaces exist in every cluster.
var SystemNamespaces = []string{"default", "kube-system", "kube-public", "kube-node-lease"}

func find(token string) (*kind, error) {
	for _, k := range kinds {
		if k.token == token {
			return k, nil
		}
	}
	return nil, fmt.Errorf("the local target does not know the resource type %s", token)
}

// Check validates an object and completes its metadata. name is the resource's, olds are the inputs of
// the object that exists, nil for a new one. Automatic names come from seed, or from chance without one.
func (r *Rules) Check(token, name string, olds, news map[string]any, seed []byte) (map[string]any, []schema.Failure, error) {
	k, err := find(token)
	if err != nil {
		return nil, nil, err
	}
	unique, err := resource.NewUniqueName(seed, name+"-", 8, 0, nil)
	if err != nil {
		return nil, nil, err
	}
	inputs := maps.Clone(news)
	inputs["apiVersion"], inputs["kind"] = k.apiVersion, k.kind
	inputs["metadata"] = completeMetadata(k, unique, metadataOf(olds), metadataOf(news))

	object, failures := k.decode(inputs)
	if len(failures) == 0 {
		failures = checkMetadata(metadataOf(inputs))
	}
	if len(failures) == 0 && k.check != nil && !containsUnknown(inputs) {
		failures = k.check(object)
	}
	return inputs, failures, nil
}

func metadataOf(inputs map[string]any) map[string]any {
	metadata, _ := inputs["metadata"].(map[string]any)
	return metadata
}

const autonamed = "pulumi.com/autonamed"

func completeMetadata(k *kind, unique string, olds, news map[string]any) map[string]any {
	metadata := maps.Clone(news)
	if metadata == nil {
		metadata = map[string]any{}
	}
	if metadata["name"] == nil {
		if annotations, _ := olds["annotations"].(map[string]any); annotations[autonamed] == "true" {
			metadata["name"] = olds["name"]
		} else {
			metadata["name"] = unique
		}
		annotations, _ := metadata["annotations"].(map[string]any)
		annotations = maps.Clone(annotations)
		if annotations == nil {
			annotations = map[string]any{}
		}
		annotations[autonamed] = "true"
		metadata["annotations"] = annotations
	}
	if metadata["namespace"] == nil && !k.clusterWide {
		metadata["namespace"] = "default"
	}
	return metadata
}

func checkMetadata(metadata map[string]any) []schema.Failure {
	name, known := metadata["name"].(string)
	if !known {
		return nil
	}
	if found := validation.IsDNS1123Subdomain(name); len(found) > 0 {
		return []schema.Failure{{Property: "metadata.name", Reason: found[0]}}
	}
	return nil
}

// decode reads inputs as the API server would with strict field validation. Unknown values are left out.
func (k *kind) decode(inputs map[string]any) (any, []schema.Failure) {
	encoded, err := json.Marshal(withoutUnknown(inputs))
	if err != nil {
		return nil, []schema.Failure{{Reason: err.Error()}}
	}
	object := k.empty()
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(object); err != nil {
		return nil, []schema.Failure{{Reason: "strict decoding error: " + strings.TrimPrefix(err.Error(), "json: ")}}
	}
	return object, nil
}

func withoutUnknown(value any) any {
	switch v := value.(type) {
	case schema.Unknown:
		return nil
	case map[string]any:
		result := map[string]any{}
		for key, item := range v {
			result[key] = withoutUnknown(item)
		}
		return result
	case []any:
		result := make([]any, len(v))
		for i, item := range v {
			result[i] = withoutUnknown(item)
		}
		return result
	}
	return value
}

func containsUnknown(value any) bool {
	switch v := value.(type) {
	case schema.Unknown:
		return true
	case map[string]any:
		for _, item := range v {
			if containsUnknown(item) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, containsUnknown)
	}
	return false
}

// Diff names the parts that changed, and those of them that make a new object. The new object
// must wait for the old one to go when both would have the same name.
func (r *Rules) Diff(token string, olds, news map[string]any) (changed, replaced []string, deleteFirst bool, err error) {
	k, err := find(token)
	if err != nil {
		return nil, nil, false, err
	}
	for _, key := range slices.Sorted(maps.Keys(news)) {
		if !reflect.DeepEqual(olds[key], news[key]) {
			changed = append(changed, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(olds)) {
		if _, still := news[key]; !still {
			changed = append(changed, key)
		}
	}
	for _, path := range append([]string{"metadata.name", "metadata.namespace"}, k.immutable...) {
		if !reflect.DeepEqual(at(olds, path), at(news, path)) {
			replaced = append(replaced, path)
		}
	}
	annotations, _ := metadataOf(news)["annotations"].(map[string]any)
	return changed, replaced, annotations[autonamed] != "true", nil
}

func at(value any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		fields, _ := value.(map[string]any)
		value = fields[step]
	}
	return value
}

func idOf(inputs map[string]any) string {
	metadata := metadataOf(inputs)
	name, _ := metadata["name"].(string)
	if namespace, ok := metadata["namespace"].(string); ok {
		return namespace + "/" + name
	}
	return name
}

// Create makes an object in a cluster. Workloads are returned when their pods are ready.
func (r *Rules) Create(ctx context.Context, cluster, token, urn string, inputs map[string]any) (*store.Object, error) {
	k, err := find(token)
	if err != nil {
		return nil, err
	}
	object := &store.Object{Type: token, Scope: cluster, ID: idOf(inputs), URN: urn, Inputs: inputs, Created: time.Now().UTC()}
	if err := r.put(k, cluster, object, true); err != nil {
		return nil, fmt.Errorf("creating %s %s: %w", k.kind, object.ID, err)
	}
	return object, r.await(ctx, k, cluster, object)
}

func (r *Rules) put(k *kind, cluster string, object *store.Object, isNew bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if isNew && (r.store.GetIn(cluster, object.Type, object.ID) != nil || k.kind == "Namespace" &&
		slices.Contains(SystemNamespaces, object.ID)) {
		return fmt.Errorf("%s %q already exists", k.kind, object.ID)
	}
	if namespace, ok := metadataOf(object.Inputs)["namespace"].(string); ok && !r.NamespaceExists(cluster, namespace) {
		return fmt.Errorf("namespaces %q not found", namespace)
	}
	object.Outputs = maps.Clone(object.Inputs)
	if k.admit != nil {
		if err := k.admit(&call{r, cluster, object}); err != nil {
			return err
		}
	}
	return r.store.Put(object)
}

// NamespaceExists says whether a cluster has a namespace.
func (r *Rules) NamespaceExists(cluster, name string) bool {
	return slices.Contains(SystemNamespaces, name) || r.store.GetIn(cluster, Namespace, name) != nil
}

func (r *Rules) await(ctx context.Context, k *kind, cluster string, object *store.Object) error {
	if !k.runs {
		return nil
	}
	if err := r.pods.AwaitRollout(ctx, cluster, object.Type, object.ID); err != nil {
		return fmt.Errorf("%s %s did not become ready: %w", k.kind, object.ID, err)
	}
	return nil
}

// Update changes an object in place.
func (r *Rules) Update(ctx context.Context, cluster, token, id string, inputs map[string]any) (*store.Object, error) {
	k, err := find(token)
	if err != nil {
		return nil, err
	}
	old := r.store.GetIn(cluster, token, id)
	if old == nil {
		return nil, fmt.Errorf("updating %s %s: not found", k.kind, id)
	}
	updated := *old
	updated.Inputs = inputs
	if err := r.put(k, cluster, &updated, false); err != nil {
		return nil, fmt.Errorf("updating %s %s: %w", k.kind, id, err)
	}
	return &updated, r.await(ctx, k, cluster, &updated)
}

// Read returns an object, or nil.
func (r *Rules) Read(cluster, token, id string) *store.Object {
	return r.store.GetIn(cluster, token, id)
}

// Delete removes an object, and what is in it when it is a namespace.
func (r *Rules) Delete(cluster, token, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	object := r.store.GetIn(cluster, token, id)
	if object == nil {
		return nil
	}
	if token == Namespace {
		for _, inside := range r.store.Find(func(o *store.Object) bool { return o.Scope == cluster && strings.HasPrefix(o.ID, id+"/") }) {
			if err := r.store.Delete(inside); err != nil {
				return err
			}
		}
	}
	return r.store.Delete(object)
}

// Decode reads a stored object as its Kubernetes type.
func Decode[T any](o *store.Object) (*T, error) {
	encoded, err := json.Marshal(o.Outputs)
	if err != nil {
		return nil, err
	}
	object := new(T)
	return object, json.Unmarshal(encoded, object)
}

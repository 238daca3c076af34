package localcloud

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
)

// Simulated is a cluster that a stack takes for existing, with the Services that it publishes and the namespaces that it uses.
// No stack owns it.
type Simulated struct {
	Region     string             `json:"region"`
	Cluster    string             `json:"cluster"`
	Services   []SimulatedService `json:"services"`
	Namespaces []string           `json:"namespaces,omitempty"`
}

// SimulatedService is a Service with one pod behind it. The pod is of the image simulated/NAMESPACE/NAME, which a stand-in
// answers for unless a program is mapped to NAMESPACE/NAME.
type SimulatedService struct {
	Namespace string          `json:"namespace"`
	Name      string          `json:"name"`
	Ports     []SimulatedPort `json:"ports"`
	// Type is the Service's, ClusterIP when it is empty. ExternalName is the name behind one of that type, which has no pods.
	Type         string `json:"type,omitempty"`
	ExternalName string `json:"externalName,omitempty"`
}

// SimulatedPort is a port of a Service; its pod listens on the same.
type SimulatedPort struct {
	Name   string `json:"name,omitempty"`
	Number int    `json:"number"`
}

// Simulate makes what a stack expects to find: the cluster, with a VPC of its own, and the Services. A cluster that a stack of
// this local cloud has made is that stack's, and nothing is added to it.
func (c *Cloud) Simulate(ctx context.Context, wanted Simulated) error {
	c.simulating.Lock()
	defer c.simulating.Unlock()
	if existing := c.store.Get(awsrules.Cluster, wanted.Cluster); existing == nil {
		if err := c.simulateCluster(ctx, wanted.Region, wanted.Cluster); err != nil {
			return fmt.Errorf("simulate cluster %s: %w", wanted.Cluster, err)
		}
	} else if existing.URN != "" {
		return nil
	}
	for _, name := range wanted.Namespaces {
		if err := c.simulateNamespace(ctx, wanted.Cluster, name); err != nil {
			return fmt.Errorf("simulate namespace %s: %w", name, err)
		}
	}
	for _, service := range wanted.Services {
		if err := c.simulateService(ctx, wanted.Cluster, service); err != nil {
			return fmt.Errorf("simulate service %s/%s: %w", service.Namespace, service.Name, err)
		}
	}
	return nil
}

// simulateCluster makes two public and two private subnets, as eksctl and this project do, and two nodes.
func (c *Cloud) simulateCluster(ctx context.Context, region, name string) error {
	// What is there already takes no time.
	rules := awsrules.New(c.store, c.plane, 0)
	var failed error
	create := func(token string, inputs store.Properties) *store.Object {
		if failed != nil {
			return &store.Object{}
		}
		object, err := rules.Create(ctx, token, region, "", inputs)
		if err != nil {
			failed = err
			return &store.Object{}
		}
		return object
	}
	vpc := create(awsrules.VPC, store.Properties{
		"cidrBlock": "192.168.0.0/16", "enableDnsHostnames": true, "enableDnsSupport": true, "tags": map[string]any{"Name": name},
	})
	var all, private []any
	for i, zone := range []string{"a", "b", "a", "b"} {
		role := "kubernetes.io/role/elb"
		if i >= 2 {
			role = "kubernetes.io/role/internal-elb"
		}
		subnet := create(awsrules.Subnet, store.Properties{
			"vpcId": vpc.ID, "cidrBlock": fmt.Sprintf("192.168.%d.0/19", 32*i), "availabilityZone": region + zone,
			"mapPublicIpOnLaunch": i < 2, "tags": map[string]any{role: "1"},
		})
		all = append(all, subnet.ID)
		if i >= 2 {
			private = append(private, subnet.ID)
		}
	}
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"%s.amazonaws.com"}}]}`
	control := create(awsrules.Role, store.Properties{"name": name + "-cluster", "assumeRolePolicy": fmt.Sprintf(trust, "eks")})
	cluster := create(awsrules.Cluster, store.Properties{
		"name": name, "roleArn": control.Text("arn"), "version": "1.34",
		"vpcConfig": map[string]any{"subnetIds": all, "endpointPublicAccess": true, "endpointPrivateAccess": true},
	})
	nodes := create(awsrules.Role, store.Properties{"name": name + "-nodes", "assumeRolePolicy": fmt.Sprintf(trust, "ec2")})
	create(awsrules.NodeGroup, store.Properties{
		"clusterName": name, "nodeGroupName": "workers", "nodeRoleArn": nodes.Text("arn"), "subnetIds": private,
		"scalingConfig": map[string]any{"minSize": 2.0, "desiredSize": 2.0, "maxSize": 4.0}, "instanceTypes": []any{"m5.large"},
	})
	if failed == nil {
		create(awsrules.OIDCProvider, store.Properties{
			"url": awsrules.IssuerOf(cluster), "clientIdLists": []any{"sts.amazonaws.com"},
		})
	}
	return failed
}

func (c *Cloud) simulateNamespace(ctx context.Context, cluster, name string) error {
	if c.kube.NamespaceExists(cluster, name) {
		return nil
	}
	namespace := store.Properties{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}}
	_, err := c.kube.Create(ctx, cluster, kuberules.Namespace, "", namespace)
	return err
}

func (c *Cloud) simulateService(ctx context.Context, cluster string, wanted SimulatedService) error {
	id := wanted.Namespace + "/" + wanted.Name
	service := serviceInputs(wanted)
	if existing := c.kube.Read(cluster, kuberules.Service, id); existing != nil {
		if existing.URN != "" || reflect.DeepEqual(existing.Inputs["spec"], service["spec"]) {
			return nil
		}
		if err := c.kube.Delete(cluster, kuberules.Deployment, id); err != nil {
			return err
		}
		if err := c.kube.Delete(cluster, kuberules.Service, id); err != nil {
			return err
		}
	}
	if err := c.simulateNamespace(ctx, cluster, wanted.Namespace); err != nil {
		return err
	}
	if _, err := c.kube.Create(ctx, cluster, kuberules.Service, "", service); err != nil {
		return err
	}
	if wanted.ExternalName != "" {
		return nil
	}
	_, err := c.kube.Create(ctx, cluster, kuberules.Deployment, "", deploymentInputs(wanted))
	return err
}

const simulatedLabel = "app.kubernetes.io/name"

func metadataOf(wanted SimulatedService) map[string]any {
	return map[string]any{"name": wanted.Name, "namespace": wanted.Namespace}
}

func serviceInputs(wanted SimulatedService) store.Properties {
	spec := map[string]any{"type": orClusterIP(wanted.Type)}
	if wanted.ExternalName != "" {
		spec["externalName"] = wanted.ExternalName
	} else {
		spec["selector"] = map[string]any{simulatedLabel: wanted.Name}
	}
	var ports []any
	for _, port := range wanted.Ports {
		entry := map[string]any{"port": float64(port.Number), "targetPort": float64(port.Number), "protocol": "TCP"}
		if port.Name != "" {
			entry["name"] = port.Name
		}
		ports = append(ports, entry)
	}
	spec["ports"] = ports
	return store.Properties{"apiVersion": "v1", "kind": "Service", "metadata": metadataOf(wanted), "spec": spec}
}

func orClusterIP(kind string) string {
	if kind == "" {
		return "ClusterIP"
	}
	return kind
}

func deploymentInputs(wanted SimulatedService) store.Properties {
	var ports []any
	for _, port := range wanted.Ports {
		ports = append(ports, map[string]any{"containerPort": float64(port.Number)})
	}
	labels := map[string]any{simulatedLabel: wanted.Name}
	container := map[string]any{
		"name": wanted.Name, "image": strings.Join([]string{"simulated", wanted.Namespace, wanted.Name}, "/"), "ports": ports,
	}
	return store.Properties{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadataOf(wanted),
		"spec": map[string]any{
			"replicas": 1.0, "selector": map[string]any{"matchLabels": labels},
			"template": map[string]any{"metadata": map[string]any{"labels": labels}, "spec": map[string]any{"containers": []any{container}}},
		},
	}
}

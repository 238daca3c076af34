package cluster

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// adopt takes the outputs from the description; only the Kubernetes provider is made.
func (c *Cluster) adopt(ctx *pulumi.Context, name string, a Args) error {
	e := a.Existing
	c.Name = pulumi.String(e.Name).ToStringOutput()
	c.NodeSecurityGroupID = pulumi.String(e.SecurityGroupID).ToStringOutput()
	c.OIDCProviderARN, c.OIDCIssuer = pulumi.String(e.OIDCProviderARN).ToStringOutput(), pulumi.String(e.OIDCIssuer).ToStringOutput()
	c.NodeRoleARN, c.NodeRoleName = pulumi.String("").ToStringOutput(), pulumi.String("").ToStringOutput()
	for _, group := range e.AutoScalingGroups {
		c.groups = append(c.groups, pulumi.String(group))
	}
	if e.Kubeconfig != "" {
		return c.provider(ctx, name, pulumi.ToSecret(pulumi.String(e.Kubeconfig)).(pulumi.StringOutput), false)
	}
	kubeconfig, err := e.kubeconfig()
	if err != nil {
		return err
	}
	return c.provider(ctx, name, pulumi.String(kubeconfig), false)
}

// kubeconfig holds no credentials: the AWS CLI gets a token when one is needed.
func (e Existing) kubeconfig() (string, error) {
	encoded, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "aws",
		"clusters": []any{map[string]any{"name": "kubernetes", "cluster": map[string]any{
			"server": e.Endpoint, "certificate-authority-data": e.CertificateAuthority,
		}}},
		"contexts": []any{map[string]any{"name": "aws", "context": map[string]any{"cluster": "kubernetes", "user": "aws"}}},
		"users": []any{map[string]any{"name": "aws", "user": map[string]any{"exec": map[string]any{
			"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "aws",
			"args": []string{"--region", e.Region, "eks", "get-token", "--cluster-name", e.Name, "--output", "json"},
		}}}},
	})
	return string(encoded), err
}

// CheckZones wants every zone that has nodes to be one of the load balancer's: it leaves targets in others unused.
func (e Existing) CheckZones(balancer []string) error {
	var missing []string
	for _, zone := range e.Zones {
		if !slices.Contains(balancer, zone) {
			missing = append(missing, zone)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("cluster %s has nodes in %s, where the load balancer has no subnet (it has %s): add a private subnet there to privateSubnetIds",
		e.Name, strings.Join(missing, ", "), strings.Join(balancer, ", "))
}

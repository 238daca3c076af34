package localcloud

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/identity"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/kuberules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	corev1 "k8s.io/api/core/v1"
)

// PodRole is the AWS role that pods of a service account would get.
type PodRole struct {
	Cluster string `json:"cluster"`
	// ServiceAccount is namespace/name.
	ServiceAccount string `json:"serviceAccount"`
	RoleARN        string `json:"roleArn"`
	// Refused is why AWS would not give it; empty when it would.
	Refused string `json:"refused,omitempty"`
}

// Annotations by which service accounts (IRSA) and namespaces (kube2iam) name roles.
const (
	irsaAnnotation     = "eks.amazonaws.com/role-arn"
	kube2iamAnnotation = "iam.amazonaws.com/allowed-roles"
)

// PodRoles reports every service account that is meant to have a role.
func (c *Cloud) PodRoles() []PodRole {
	var roles []PodRole
	for _, o := range c.store.Find(func(o *store.Object) bool { return o.Type == kuberules.ServiceAccount }) {
		account, err := kuberules.Decode[corev1.ServiceAccount](o)
		if err != nil {
			continue
		}
		wanted := []string{account.Annotations[irsaAnnotation]}
		if wanted[0] == "" {
			wanted = c.allowedRoles(o.Scope, account.Namespace)
		}
		if role := c.associated(o.Scope, account.Namespace, account.Name); role != "" {
			wanted = append(wanted, role)
		}
		for _, role := range wanted {
			if role == "" {
				continue
			}
			r := PodRole{Cluster: o.Scope, ServiceAccount: o.ID, RoleARN: role}
			if err := c.CanAssume(o.Scope, account.Namespace, account.Name, role); err != nil {
				r.Refused = err.Error()
			}
			roles = append(roles, r)
		}
	}
	return roles
}

// CanAssume says why pods of a service account cannot get a role, or nil when they can: by an association of EKS
// Pod Identity, by the cluster's OIDC provider, or through the nodes and kube2iam.
func (c *Cloud) CanAssume(cluster, namespace, account, roleARN string) error {
	role := c.roleByARN(roleARN)
	if role == nil {
		return fmt.Errorf("role %s does not exist", roleARN)
	}
	trust, err := identity.ParsePolicy(role.Text("assumeRolePolicy"))
	if err != nil {
		return err
	}
	if c.associated(cluster, namespace, account) == roleARN {
		return c.byAssociation(cluster, trust)
	}
	if err := c.byOIDC(cluster, namespace, account, trust); err == nil {
		return nil
	} else if !slices.Contains(c.allowedRoles(cluster, namespace), roleARN) {
		return err
	}
	return c.byNodes(cluster, roleARN, trust)
}

// associated is the role that EKS Pod Identity gives to a service account; empty when none.
func (c *Cloud) associated(cluster, namespace, account string) string {
	for _, o := range c.store.List(awsrules.PodIdentityAssociation) {
		if o.Text("clusterName") == cluster && o.Text("namespace") == namespace && o.Text("serviceAccount") == account {
			return o.Text("roleArn")
		}
	}
	return ""
}

func (c *Cloud) byAssociation(cluster string, trust *identity.Policy) error {
	for _, action := range []string{"sts:AssumeRole", "sts:TagSession"} {
		if trust.Decide(identity.Request{Principal: identity.Principal{Service: "pods.eks.amazonaws.com"}, Action: action}) != identity.Allow {
			return fmt.Errorf("the role's trust policy does not allow %s to pods.eks.amazonaws.com", action)
		}
	}
	if c.store.Get(awsrules.Addon, cluster+":eks-pod-identity-agent") == nil {
		return fmt.Errorf("cluster %s has no add-on eks-pod-identity-agent", cluster)
	}
	return nil
}

func (c *Cloud) byOIDC(cluster, namespace, account string, trust *identity.Policy) error {
	owner := c.store.Get(awsrules.Cluster, cluster)
	if owner == nil {
		return fmt.Errorf("cluster %s does not exist", cluster)
	}
	issuer := awsrules.IssuerOf(owner)
	for _, provider := range c.store.List(awsrules.OIDCProvider) {
		if provider.Text("url") != issuer {
			continue
		}
		host := strings.ToLower(strings.TrimPrefix(issuer, "https://"))
		decision := trust.Decide(identity.Request{
			Principal: identity.Principal{Federated: provider.ID},
			Action:    "sts:AssumeRoleWithWebIdentity",
			Context: map[string][]string{
				host + ":aud": {"sts.amazonaws.com"},
				host + ":sub": {fmt.Sprintf("system:serviceaccount:%s:%s", namespace, account)},
			},
		})
		if decision != identity.Allow {
			return fmt.Errorf("the role's trust policy does not admit service account %s/%s", namespace, account)
		}
		return nil
	}
	return fmt.Errorf("no OIDC provider stands for the issuer of cluster %s", cluster)
}

// byNodes needs the node role to be trusted and to be allowed to take the role.
func (c *Cloud) byNodes(cluster, roleARN string, trust *identity.Policy) error {
	for _, group := range c.store.List(awsrules.NodeGroup) {
		nodeARN := group.Text("nodeRoleArn")
		node := c.roleByARN(nodeARN)
		if group.Text("clusterName") != cluster || node == nil {
			continue
		}
		request := identity.Request{Principal: identity.Principal{ARN: nodeARN, Account: awsrules.Account}, Action: "sts:AssumeRole",
			Resource: roleARN}
		if said := trust.Decide(request); said != identity.Allow && said != identity.Delegate {
			return fmt.Errorf("the role's trust policy does not admit the node role %s", nodeARN)
		}
		for _, o := range c.store.List(awsrules.RolePolicy) {
			if policy, err := identity.ParsePolicy(o.Text("policy")); err == nil && o.Text("role") == node.ID &&
				policy.Decide(request) == identity.Allow {
				return nil
			}
		}
		return fmt.Errorf("the node role %s may not assume the role", nodeARN)
	}
	return fmt.Errorf("cluster %s has no nodes", cluster)
}

func (c *Cloud) roleByARN(arn string) *store.Object {
	for _, role := range c.store.List(awsrules.Role) {
		if role.Text("arn") == arn {
			return role
		}
	}
	return nil
}

// allowedRoles are what kube2iam's namespace restriction admits, when kube2iam runs.
func (c *Cloud) allowedRoles(cluster, namespace string) []string {
	o := c.store.GetIn(cluster, kuberules.Namespace, namespace)
	if o == nil || len(c.store.ListIn(cluster, kuberules.DaemonSet)) == 0 {
		return nil
	}
	decoded, err := kuberules.Decode[corev1.Namespace](o)
	if err != nil {
		return nil
	}
	var roles []string
	if err := json.Unmarshal([]byte(decoded.Annotations[kube2iamAnnotation]), &roles); err != nil {
		return nil
	}
	return roles
}

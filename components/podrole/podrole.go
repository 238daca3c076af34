// Package podrole gives a pod AWS permissions: an IAM role, a service account in a namespace of its
// own, and the way by which the one may use the other (IRSA, kube2iam or EKS Pod Identity).
package podrole

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/iamrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/location"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Mode is how a pod comes to its role.
type Mode string

// IRSA trusts named service accounts through the cluster's OIDC provider. Kube2IAM trusts the nodes and
// leaves it to a DaemonSet on them to tell pods apart; it is here for clusters that still rely on it. PodIdentity
// trusts EKS, which tells by associations of its own who may have the role; the cluster needs the add-on
// eks-pod-identity-agent. None makes no role.
const (
	IRSA        Mode = "irsa"
	Kube2IAM    Mode = "kube2iam"
	PodIdentity Mode = "podIdentity"
	None        Mode = "none"
)

// ServiceAccount is the name of the account, and of its namespace.
const ServiceAccount = "apigw-ingress"

const typeToken = "apigateway-ingress:podrole:PodRole"

//go:embed policy.json
var policyTemplate string

// Settings are what decides about the role apart from where it is.
type Settings struct {
	// Mode is how pods come to their AWS role.
	Mode Mode `pulumi:"mode,optional" config:"podRole" default:"irsa" enum:"irsa,kube2iam,podIdentity,none"`
	// ServiceAccounts are further service accounts that may use the role, as namespace/name. Not with kube2iam.
	ServiceAccounts []string `pulumi:"serviceAccounts,optional" config:"podRoleServiceAccounts"`
}

// Args describe the role.
type Args struct {
	Settings
	// Cluster is where the pods run. Required.
	Cluster ClusterIdentity `pulumi:"cluster"`
	// Location places the permissions. Default that of the AWS provider.
	Location location.Location `pulumi:"location,optional"`
	// IAM is how the role is made.
	IAM iamrole.Settings `pulumi:"iam,optional"`
	// Tags are put on every resource.
	Tags pulumi.StringMapInput `pulumi:"tags,optional"`
}

// ClusterIdentity is what IAM needs to know of the cluster; a cluster component's Identity is one.
type ClusterIdentity struct {
	// Name is the cluster's, for Pod Identity.
	Name pulumi.StringInput `pulumi:"name,optional"`
	// OIDCProviderARN is IAM's provider for the cluster's service accounts, and OIDCIssuer the issuer's URL without its
	// scheme, for IRSA.
	OIDCProviderARN pulumi.StringInput `pulumi:"oidcProviderArn,optional"`
	OIDCIssuer      pulumi.StringInput `pulumi:"oidcIssuer,optional"`
	// NodeRoleARN and NodeRoleName are the nodes' role, for kube2iam.
	NodeRoleARN  pulumi.StringInput `pulumi:"nodeRoleArn,optional"`
	NodeRoleName pulumi.StringInput `pulumi:"nodeRoleName,optional"`
}

// PodRole is the role and the service account that uses it.
type PodRole struct {
	pulumi.ResourceState

	RoleARN   pulumi.StringOutput `pulumi:"roleArn"`
	Namespace pulumi.StringOutput `pulumi:"namespace"`

	name string
	args Args
}

var serviceAccountRef = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

// Complete puts in the defaults and reports every problem of the arguments. Whether the cluster is described is for New
// to say.
func (a Args) Complete() (Args, error) {
	settings.Complete(&a)
	var p settings.Problems
	p.In("Location", a.Location.Validate())
	p.In("IAM", a.IAM.Validate())
	p.Add(settings.Check(a))
	p.When(a.Mode == None && len(a.ServiceAccounts) > 0, "{ServiceAccounts} have no role to use: choose another {Mode} than none")
	p.When(a.Mode == Kube2IAM && len(a.ServiceAccounts) > 0, "{ServiceAccounts} cannot be told apart by kube2iam: use irsa")
	for i, account := range a.ServiceAccounts {
		p.When(!serviceAccountRef.MatchString(account), "{ServiceAccounts[%d]}: %q is not of the form namespace/name", i, account)
	}
	return a, p.Err()
}

func (a Args) missing() error {
	var p settings.Problems
	c := a.Cluster
	p.When(a.Mode == IRSA && (c.OIDCProviderARN == nil || c.OIDCIssuer == nil),
		"{Cluster.OIDCProviderARN} and {Cluster.OIDCIssuer} are required for irsa")
	p.When(a.Mode == Kube2IAM && (c.NodeRoleARN == nil || c.NodeRoleName == nil),
		"{Cluster.NodeRoleARN} and {Cluster.NodeRoleName} are required for kube2iam")
	p.When(a.Mode == PodIdentity && c.Name == nil, "{Cluster.Name} is required for podIdentity")
	p.When(a.Mode == None, "{Mode} none makes no role: leave the component out")
	return p.Err()
}

// Policy is the role's permissions policy: what managing the gateway in one account and region takes.
func Policy(partition, region, account string) string {
	return strings.NewReplacer("${Partition}", partition, "${Region}", region, "${Account}", account).Replace(policyTemplate)
}

// New declares the role. The Kubernetes provider comes with opts.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*PodRole, error) {
	if args == nil {
		args = &Args{}
	}
	a, err := args.Complete()
	if err := errors.Join(a.missing(), err); err != nil {
		return nil, settings.Named("pod role", name, err)
	}
	p := &PodRole{name: name}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, settings.Inputs(a), p, opts...); err != nil {
		return nil, err
	}
	if a.Location, err = a.Location.Resolve(ctx, pulumi.Parent(p)); err != nil {
		return nil, settings.Named("pod role", name, err)
	}
	p.args = a
	if err := p.declare(ctx); err != nil {
		return nil, settings.Named("pod role", name, err)
	}
	return p, ctx.RegisterResourceOutputs(p, pulumi.Map{"roleArn": p.RoleARN, "namespace": p.Namespace})
}

func (p *PodRole) declare(ctx *pulumi.Context) error {
	var trust pulumi.StringInput
	switch p.args.Mode {
	case Kube2IAM:
		trust = p.kube2iamTrust()
	case PodIdentity:
		trust = pulumi.String(podIdentityTrust)
	default:
		trust = p.irsaTrust()
	}
	role, err := p.args.IAM.Role(ctx, p.name, &iam.RoleArgs{
		AssumeRolePolicy: trust,
		Description:      pulumi.String("pods that manage the gateway of " + p.name),
		Tags:             p.args.Tags,
	}, pulumi.Parent(p))
	if err != nil {
		return err
	}
	p.RoleARN = role.Arn
	if _, err := iam.NewRolePolicy(ctx, p.name, &iam.RolePolicyArgs{
		Role:   role.Name,
		Policy: pulumi.String(Policy(p.args.Location.Partition, p.args.Location.Region, p.args.Location.Account)),
	}, pulumi.Parent(p)); err != nil {
		return err
	}
	if p.args.Mode == Kube2IAM {
		if err := p.kube2iam(ctx, role); err != nil {
			return err
		}
	}
	if p.args.Mode == PodIdentity {
		if err := p.associations(ctx, role); err != nil {
			return err
		}
	}
	return p.serviceAccount(ctx, role)
}

func (p *PodRole) serviceAccount(ctx *pulumi.Context, role *iam.Role) error {
	namespace := metav1.ObjectMetaArgs{
		Name:   pulumi.String(ServiceAccount),
		Labels: pulumi.StringMap{"pod-security.kubernetes.io/enforce": pulumi.String("restricted")},
	}
	account := metav1.ObjectMetaArgs{Name: pulumi.String(ServiceAccount)}
	switch p.args.Mode {
	case Kube2IAM:
		allowed := role.Arn.ApplyT(func(arn string) (string, error) {
			list, err := json.Marshal([]string{arn})
			return string(list), err
		}).(pulumi.StringOutput)
		namespace.Annotations = pulumi.StringMap{"iam.amazonaws.com/allowed-roles": allowed}
	case IRSA:
		account.Annotations = pulumi.StringMap{"eks.amazonaws.com/role-arn": role.Arn}
	}
	space, err := corev1.NewNamespace(ctx, p.name, &corev1.NamespaceArgs{Metadata: namespace}, pulumi.Parent(p))
	if err != nil {
		return err
	}
	p.Namespace = space.Metadata.Name().Elem()
	account.Namespace = space.Metadata.Name()
	_, err = corev1.NewServiceAccount(ctx, p.name, &corev1.ServiceAccountArgs{
		Metadata: account, AutomountServiceAccountToken: pulumi.Bool(false),
	}, pulumi.Parent(p))
	return err
}

// irsaTrust names each service account: https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html
func (p *PodRole) irsaTrust() pulumi.StringOutput {
	subjects := []string{fmt.Sprintf("system:serviceaccount:%s:%s", ServiceAccount, ServiceAccount)}
	for _, account := range p.args.ServiceAccounts {
		subjects = append(subjects, "system:serviceaccount:"+strings.Replace(account, "/", ":", 1))
	}
	slices.Sort(subjects)
	return pulumi.All(p.args.Cluster.OIDCProviderARN, p.args.Cluster.OIDCIssuer).ApplyT(func(values []any) (string, error) {
		provider, issuer := values[0].(string), values[1].(string)
		return trustPolicy(statement{
			Effect: "Allow", Action: "sts:AssumeRoleWithWebIdentity",
			Principal: map[string]string{"Federated": provider},
			Condition: map[string]map[string]any{"StringEquals": {
				issuer + ":aud": "sts.amazonaws.com",
				issuer + ":sub": slices.Compact(subjects),
			}},
		})
	}).(pulumi.StringOutput)
}

type statement struct {
	Effect    string
	Principal map[string]string         `json:",omitempty"`
	Action    string                    `json:",omitempty"`
	Resource  string                    `json:",omitempty"`
	Condition map[string]map[string]any `json:",omitempty"`
}

func trustPolicy(s statement) (string, error) {
	encoded, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []statement{s}})
	return string(encoded), err
}

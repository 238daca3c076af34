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
	// Mode is irsa (default), kube2iam, podIdentity or none.
	Mode Mode
	// ServiceAccounts are further accounts that may use the role, as namespace/name; not with kube2iam.
	ServiceAccounts []string
}

// Args describe the role.
type Args struct {
	Settings
	// Cluster is where the pods run.
	Cluster ClusterIdentity
	// Partition, Region and Account place the permissions.
	Partition, Region, Account string
	// IAM is how the role is made.
	IAM iamrole.Settings
	// Tags are put on every resource.
	Tags map[string]string
}

// ClusterIdentity is what IAM needs to know of the cluster.
type ClusterIdentity struct {
	OIDCProviderARN pulumi.StringInput
	// OIDCIssuer is the issuer's URL without its scheme.
	OIDCIssuer                pulumi.StringInput
	NodeRoleARN, NodeRoleName pulumi.StringInput
	// Name is the cluster's.
	Name pulumi.StringInput
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

// Validate reports every problem of the arguments.
func (a Args) Validate() error {
	var problems []error
	if modes := []Mode{"", IRSA, Kube2IAM, PodIdentity, None}; !slices.Contains(modes, a.Mode) {
		problems = append(problems, fmt.Errorf("podRole %q is not known: write %s, %s, %s or %s", a.Mode, IRSA, Kube2IAM, PodIdentity, None))
	}
	if a.Mode == None && len(a.ServiceAccounts) > 0 {
		problems = append(problems, errors.New("podRole service accounts have no role to use: choose another podRole than none"))
	}
	for _, account := range a.ServiceAccounts {
		if !serviceAccountRef.MatchString(account) {
			problems = append(problems, fmt.Errorf("podRole service account %q is not of the form namespace/name", account))
		}
	}
	if a.Mode == Kube2IAM && len(a.ServiceAccounts) > 0 {
		problems = append(problems, errors.New("podRole service accounts cannot be told apart by kube2iam: use irsa"))
	}
	return errors.Join(problems...)
}

// Policy is the role's permissions policy: what managing the gateway in one account and region takes.
func Policy(partition, region, account string) string {
	return strings.NewReplacer("${Partition}", partition, "${Region}", region, "${Account}", account).Replace(policyTemplate)
}

// New declares the role. The Kubernetes provider comes with opts.
func New(ctx *pulumi.Context, name string, args *Args, opts ...pulumi.ResourceOption) (*PodRole, error) {
	if err := args.Validate(); err != nil {
		return nil, err
	}
	p := &PodRole{name: name, args: *args}
	if p.args.Mode == "" {
		p.args.Mode = IRSA
	}
	if p.args.Mode == None {
		return nil, fmt.Errorf("pod role %s: the mode none makes no role", name)
	}
	inputs := pulumi.Map{"mode": pulumi.String(p.args.Mode), "serviceAccounts": pulumi.ToStringArray(args.ServiceAccounts)}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, inputs, p, opts...); err != nil {
		return nil, err
	}
	if err := p.declare(ctx); err != nil {
		return nil, fmt.Errorf("pod role %s: %w", name, err)
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
		Tags:             pulumi.ToStringMap(p.args.Tags),
	}, pulumi.Parent(p))
	if err != nil {
		return err
	}
	p.RoleARN = role.Arn
	if _, err := iam.NewRolePolicy(ctx, p.name, &iam.RolePolicyArgs{
		Role:   role.Name,
		Policy: pulumi.String(Policy(p.args.Partition, p.args.Region, p.args.Account)),
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

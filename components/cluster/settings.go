package cluster

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Defaults of a new cluster.
const (
	DefaultNodeCount    = 3
	DefaultInstanceType = "t3.medium"
	// DefaultVersion is one that EKS supports for a year or so from now.
	DefaultVersion = "1.36"
	defaultDiskGB  = 20
	// maxNodes is a managed node group's quota.
	maxNodes = 450
)

// Settings are what decides about the cluster apart from where it stands. The zero value is a new cluster with
// three nodes, whose endpoint is public and private.
type Settings struct {
	// Version is the Kubernetes version. Default 1.36. EKS goes one minor version forward at a time and never back; nodes and
	// the add-ons without a version of their own follow.
	Version string
	// PrivateEndpoint closes the public endpoint: only from within the VPC can the cluster be changed.
	PrivateEndpoint bool
	// PublicAccessCIDRs may reach the public endpoint. Default everybody, who then needs IAM credentials still.
	PublicAccessCIDRs []string
	// ControlPlaneLogs go to CloudWatch: api, audit, authenticator, controllerManager, scheduler. Default none.
	ControlPlaneLogs []string
	// SecretsKMSKeyARN encrypts Kubernetes Secrets with a key of one's own, besides AWS's. It cannot be changed.
	SecretsKMSKeyARN string
	// Admins are IAM users and roles that administer the cluster, besides whoever made it.
	Admins []string
	// Addons are EKS add-ons. vpc-cni, coredns and kube-proxy are there in any case and may get a version here.
	Addons []Addon
	// NodeGroups are managed node groups. Default one of three t3.medium.
	NodeGroups []NodeGroup
	// Existing is a cluster that is there already; the fields above then have no meaning.
	Existing *Existing
}

// Addon is an EKS add-on.
type Addon struct {
	Name string `json:"name"`
	// Version is one such as v1.11.4-eksbuild.2. Default is what EKS holds to be the default.
	Version string `json:"version,omitempty"`
}

// NodeGroup is a managed node group.
type NodeGroup struct {
	// Name has lower-case letters, digits and hyphens. The first group may do without.
	Name string `json:"name,omitempty"`
	// Count is the number of nodes at the start, Min and Max its limits for an autoscaler. Default 3, and Count for both.
	Count int `json:"count,omitempty"`
	Min   int `json:"min,omitempty"`
	Max   int `json:"max,omitempty"`
	// InstanceTypes are EC2 types, several for spot. Default t3.medium.
	InstanceTypes []string `json:"instanceTypes,omitempty"`
	// Arm takes the ARM image of Amazon Linux 2023 instead of the x86 one; the types must agree.
	Arm bool `json:"arm,omitempty"`
	// Spot takes spare capacity, which AWS may take back.
	Spot bool `json:"spot,omitempty"`
	// DiskGB is the size of the encrypted root disk. Default 20.
	DiskGB int `json:"diskGb,omitempty"`
	// Labels and Taints are those of the nodes in Kubernetes. Taints are key=value:Effect.
	Labels map[string]string `json:"labels,omitempty"`
	Taints []string          `json:"taints,omitempty"`
}

// Existing is a cluster of somebody else, described by what AWS tells of it.
type Existing struct {
	Name, Endpoint, CertificateAuthority string
	// OIDCIssuer has no scheme, and OIDCProviderARN is IAM's provider for it; empty when there is none.
	OIDCIssuer, OIDCProviderARN string
	// SecurityGroupID is that of the nodes. AutoScalingGroups are those of the nodes, and Zones where they are.
	SecurityGroupID          string
	AutoScalingGroups, Zones []string
	// Region is the cluster's.
	Region string
	// Kubeconfig is used instead of one that gets its token from the AWS CLI. It may hold credentials.
	Kubeconfig string
}

var (
	kubernetesVersion = regexp.MustCompile(`^1\.[0-9]{2}$`)
	kmsKeyARN         = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/(mrk-)?[0-9a-f-]+$`)
	principalARN      = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(user|role)/[\w+=,.@/-]+$`)
	addonName         = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)
	addonVersion      = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+-eksbuild\.[0-9]+$`)
	groupName         = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$`)
	instanceType      = regexp.MustCompile(`^[a-z0-9-]+\.[a-z0-9-]+$`)
	taint             = regexp.MustCompile(`^([\w./-]+)=([\w.-]*):(NoSchedule|PreferNoSchedule|NoExecute)$`)
	logTypes          = []string{"api", "audit", "authenticator", "controllerManager", "scheduler"}
)

type problems []error

func (p *problems) when(wrong bool, format string, args ...any) {
	if wrong {
		*p = append(*p, fmt.Errorf(format, args...))
	}
}

// Validate reports every problem of the settings.
func (s Settings) Validate() error {
	var p problems
	if s.Existing != nil {
		p.when(s.Existing.Name == "" || s.Existing.Endpoint == "", "clusterName: the existing cluster is not described")
		p.when(len(s.Existing.AutoScalingGroups) == 0, "cluster %s has no managed node group: nothing could become a target of the load balancer", s.Existing.Name)
		return errors.Join(p...)
	}
	p.when(s.Version != "" && !kubernetesVersion.MatchString(s.Version), "kubernetesVersion %q is not a version such as %s", s.Version, DefaultVersion)
	p.when(s.PrivateEndpoint && len(s.PublicAccessCIDRs) > 0, "publicAccessCidrs has no meaning with clusterPrivate: choose one")
	for i, cidr := range s.PublicAccessCIDRs {
		prefix, err := netip.ParsePrefix(cidr)
		p.when(err != nil || prefix.Masked() != prefix, "publicAccessCidrs: %q is not a range such as 203.0.113.0/24", cidr)
		for _, before := range s.PublicAccessCIDRs[:i] {
			other, otherErr := netip.ParsePrefix(before)
			p.when(err == nil && otherErr == nil && prefix.Overlaps(other), "publicAccessCidrs: %s and %s overlap", before, cidr)
		}
	}
	for _, kind := range s.ControlPlaneLogs {
		p.when(!slices.Contains(logTypes, kind), "controlPlaneLogs: %q is not one of %s", kind, strings.Join(logTypes, ", "))
	}
	p.when(s.SecretsKMSKeyARN != "" && !kmsKeyARN.MatchString(s.SecretsKMSKeyARN), "secretsKmsKeyArn %q is not the ARN of a KMS key", s.SecretsKMSKeyARN)
	for i, arn := range s.Admins {
		p.when(slices.Contains(s.Admins[:i], arn), "clusterAdmins: %s is named twice", arn)
		p.when(!principalARN.MatchString(arn), "clusterAdmins: %q is not the ARN of an IAM user or role", arn)
	}
	for i, a := range s.Addons {
		p.when(!addonName.MatchString(a.Name), "addons[%d]: %q is not the name of an add-on", i, a.Name)
		p.when(a.Version != "" && !addonVersion.MatchString(a.Version), "addons[%d] %s: %q is not a version such as v1.11.4-eksbuild.2", i, a.Name, a.Version)
		p.when(slices.ContainsFunc(s.Addons[:i], func(b Addon) bool { return a.Name == b.Name }), "addons[%d]: %s is named twice", i, a.Name)
	}
	for i, g := range s.NodeGroups {
		g.validate(&p, i, s.NodeGroups[:i])
	}
	return errors.Join(p...)
}

func (g NodeGroup) validate(p *problems, i int, before []NodeGroup) {
	place := fmt.Sprintf("nodeGroups[%d]", i)
	if g.Name != "" {
		place += " " + g.Name
	}
	g = g.withDefaults()
	p.when(g.Name == "" && i > 0 || g.Name != "" && !groupName.MatchString(g.Name), "%s: name %q is not valid: use up to 30 lower-case letters, digits and hyphens, with a letter first", place, g.Name)
	p.when(slices.ContainsFunc(before, func(other NodeGroup) bool { return other.Name == g.Name }), "%s: the name is taken", place)
	p.when(g.Count < 1 || g.Count > maxNodes, "%s: count %d is not a number from 1 to %d", place, g.Count, maxNodes)
	p.when(g.Min > g.Count || g.Max < g.Count || g.Max > maxNodes, "%s: min %d, count %d and max %d are not in order, or above %d", place, g.Min, g.Count, g.Max, maxNodes)
	p.when(g.DiskGB < defaultDiskGB || g.DiskGB > 16384, "%s: diskGb %d is not from %d to 16384", place, g.DiskGB, defaultDiskGB)
	for _, name := range g.InstanceTypes {
		p.when(!instanceType.MatchString(name), "%s: instance type %q is not one such as %s", place, name, DefaultInstanceType)
	}
	for _, t := range g.Taints {
		p.when(!taint.MatchString(t), "%s: taint %q is not of the form key=value:NoSchedule", place, t)
	}
}

func (g NodeGroup) withDefaults() NodeGroup {
	orElse(&g.Count, DefaultNodeCount)
	orElse(&g.Min, g.Count)
	orElse(&g.Max, g.Count)
	orElse(&g.DiskGB, defaultDiskGB)
	if len(g.InstanceTypes) == 0 {
		g.InstanceTypes = []string{DefaultInstanceType}
	}
	return g
}

func (a Args) withDefaults() Args {
	orElse(&a.Version, DefaultVersion)
	orElse(&a.Partition, "aws")
	if len(a.NodeGroups) == 0 {
		a.NodeGroups = []NodeGroup{{}}
	}
	a.NodeGroups = slices.Clone(a.NodeGroups)
	for i := range a.NodeGroups {
		a.NodeGroups[i] = a.NodeGroups[i].withDefaults()
	}
	return a
}

func (a Args) existingName() string {
	if a.Existing == nil {
		return ""
	}
	return a.Existing.Name
}

func orElse[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

func groupInputs(groups []NodeGroup) pulumi.Array {
	list := pulumi.Array{}
	for _, g := range groups {
		list = append(list, pulumi.Map{"name": pulumi.String(g.Name), "count": pulumi.Int(g.Count), "min": pulumi.Int(g.Min), "max": pulumi.Int(g.Max),
			"instanceTypes": pulumi.ToStringArray(g.InstanceTypes)})
	}
	return list
}

package cluster

import (
	"cmp"
	"net/netip"
	"regexp"
	"slices"

	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/apigateway-ingress/apigateway-ingress/components/target"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	// maxNodes is a managed node group's quota.
	maxNodes = 450
	// exampleVersion is for messages.
	exampleVersion = "1.36"
)

// Settings are what decides about the cluster apart from where it stands. The zero value is a new cluster with
// three nodes, whose endpoint is public and private.
type Settings struct {
	// Version is the Kubernetes version of the EKS cluster. It goes one minor version forward at a time and never back; nodes
	// and the add-ons without a version of their own follow.
	Version string `pulumi:"version,optional" config:"kubernetesVersion" default:"1.36"`
	// PrivateEndpoint closes the cluster's public endpoint. Only from within the VPC can the stack be brought up then.
	PrivateEndpoint bool `pulumi:"privateEndpoint,optional" config:"clusterPrivate" hardened:"true" unless:"PublicAccessCIDRs,Existing"`
	// PublicAccessCIDRs are ranges from which the public endpoint can be reached. Empty means from everywhere, with IAM
	// credentials.
	PublicAccessCIDRs pulumi.StringArrayInput `pulumi:"publicAccessCidrs,optional"`
	// ControlPlaneLogs are the logs of the control plane that go to CloudWatch: api, audit, authenticator,
	// controllerManager and scheduler.
	ControlPlaneLogs []string `pulumi:"controlPlaneLogs,optional" enum:"api,audit,authenticator,controllerManager,scheduler" hardened:"[\"api\",\"audit\",\"authenticator\",\"controllerManager\",\"scheduler\"]" unless:"Existing"`
	// SecretsKMSKeyARN is a KMS key for Kubernetes Secrets, besides AWS's own. It cannot be taken back.
	SecretsKMSKeyARN pulumi.StringInput `pulumi:"secretsKmsKeyArn,optional"`
	// Admins are IAM users and roles that administer the cluster, besides who makes it. How many there are must be known.
	Admins pulumi.StringArray `pulumi:"admins,optional" config:"clusterAdmins"`
	// Addons are EKS add-ons. vpc-cni, coredns and kube-proxy are there anyway and may get a version.
	Addons []Addon `pulumi:"addons,optional"`
	// NodeGroups are managed node groups. Default one of three t3.medium.
	NodeGroups []NodeGroup `pulumi:"nodeGroups,optional"`
	// Existing is a cluster that is there already; the fields above then have no meaning.
	Existing *Existing `pulumi:"existing,optional" config:"-"`
}

// Addon is an EKS add-on.
type Addon struct {
	// Name is the name of the add-on.
	Name string `pulumi:"name"`
	// Version is one such as v1.11.4-eksbuild.2. Default is what EKS holds to be the default.
	Version string `pulumi:"version,optional"`
}

// NodeGroup is a managed node group.
type NodeGroup struct {
	// Name has lower-case letters, digits and hyphens. The first group may do without.
	Name string `pulumi:"name,optional"`
	// Count is the number of nodes at the start.
	Count int `pulumi:"count,optional" default:"3" range:"1..450"`
	// Min is the least number of nodes for an autoscaler. Default the count.
	Min int `pulumi:"min,optional"`
	// Max is the greatest number of nodes for an autoscaler. Default the count.
	Max int `pulumi:"max,optional"`
	// InstanceTypes are EC2 types, several for spot.
	InstanceTypes []string `pulumi:"instanceTypes,optional" default:"[\"t3.medium\"]"`
	// Arm takes the ARM image of Amazon Linux 2023 instead of the x86 one; the types must agree.
	Arm bool `pulumi:"arm,optional"`
	// Spot takes spare capacity, which AWS may take back.
	Spot bool `pulumi:"spot,optional"`
	// DiskGB is the size of the encrypted root disk.
	DiskGB int `pulumi:"diskGb,optional" default:"20" range:"20..16384"`
	// Labels are labels of the nodes in Kubernetes.
	Labels map[string]string `pulumi:"labels,optional"`
	// Taints are taints of the nodes in Kubernetes, as key=value:Effect.
	Taints []string `pulumi:"taints,optional"`
}

// Existing is a cluster of somebody else. Lookup describes one by its name; of a cluster in the same program take the
// fields from its outputs.
type Existing struct {
	// Name is the cluster's.
	Name pulumi.StringInput `pulumi:"name"`
	// Kubeconfig is how the cluster is reached. It may hold credentials. Default one that gets its token from the AWS CLI,
	// for which Endpoint and CertificateAuthority are needed.
	Kubeconfig pulumi.StringInput `pulumi:"kubeconfig,optional" provider:"secret"`
	// Endpoint is the API server's address.
	Endpoint pulumi.StringInput `pulumi:"endpoint,optional"`
	// CertificateAuthority is the API server's, in base64.
	CertificateAuthority pulumi.StringInput `pulumi:"certificateAuthority,optional"`
	// OIDCIssuer is the cluster's issuer of service accounts' tokens, without a scheme.
	OIDCIssuer pulumi.StringInput `pulumi:"oidcIssuer,optional"`
	// OIDCProviderARN is IAM's provider for it. Without one there is no IRSA.
	OIDCProviderARN pulumi.StringInput `pulumi:"oidcProviderArn,optional"`
	// Nodes are those behind the load balancer.
	Nodes target.Nodes `pulumi:"nodes"`
	// Zones are where the nodes are, for CheckZones.
	Zones []string `pulumi:"zones,optional"`
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
)

// complete puts in the defaults, those of the tags and those that depend on another field.
func (s Settings) complete() Settings {
	if len(s.NodeGroups) == 0 {
		s.NodeGroups = []NodeGroup{{}}
	}
	settings.Complete(&s)
	for i := range s.NodeGroups {
		g := &s.NodeGroups[i]
		g.Min, g.Max = cmp.Or(g.Min, g.Count), cmp.Or(g.Max, g.Count)
	}
	return s
}

// check reports every problem of completed settings.
func (s Settings) check() error {
	var p settings.Problems
	if s.Existing != nil {
		s.Existing.check(&p)
		return p.Err()
	}
	p.Add(settings.Check(s))
	p.When(!kubernetesVersion.MatchString(s.Version), "{Version} %q is not a version such as %s", s.Version, exampleVersion)
	p.When(s.PrivateEndpoint && s.PublicAccessCIDRs != nil, "{PublicAccessCIDRs} has no meaning with {PrivateEndpoint}: choose one")
	s.checkRanges(&p)
	p.Malformed("SecretsKMSKeyARN", s.SecretsKMSKeyARN, kmsKeyARN,
		"arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef")
	admins, _ := settings.KnownList(s.Admins)
	for i, arn := range admins {
		p.When(!principalARN.MatchString(arn), "{Admins}: %q is not the ARN of an IAM user or role", arn)
		p.When(slices.Contains(admins[:i], arn), "{Admins}: %s is named twice", arn)
	}
	for i, a := range s.Addons {
		p.When(!addonName.MatchString(a.Name), "{Addons[%d]}: %q is not the name of an add-on", i, a.Name)
		p.When(a.Version != "" && !addonVersion.MatchString(a.Version), "{Addons[%d]} %s: %q is not a version such as v1.11.4-eksbuild.2", i,
			a.Name, a.Version)
		p.When(slices.ContainsFunc(s.Addons[:i], func(b Addon) bool { return a.Name == b.Name }), "{Addons[%d]}: %s is named twice", i, a.Name)
	}
	for i, g := range s.NodeGroups {
		g.check(&p, i, s.NodeGroups[:i])
	}
	return p.Err()
}

func (e Existing) check(p *settings.Problems) {
	p.When(e.Name == nil, "{Existing.Name} is required")
	p.When(e.Endpoint == nil && e.Kubeconfig == nil, "{Existing.Kubeconfig} is required, or {Existing.Endpoint} for one that asks the "+
		"AWS CLI for a token")
	p.When(e.Nodes.SecurityGroupID == nil, "{Existing.Nodes.SecurityGroupID} is required: name the security group of the nodes")
}

func (s Settings) checkRanges(p *settings.Problems) {
	ranges, _ := settings.KnownList(s.PublicAccessCIDRs)
	for i, cidr := range ranges {
		prefix, err := netip.ParsePrefix(cidr)
		p.When(err != nil || prefix.Masked() != prefix, "{PublicAccessCIDRs}: %q is not a range such as 203.0.113.0/24", cidr)
		for _, before := range ranges[:i] {
			other, otherErr := netip.ParsePrefix(before)
			p.When(err == nil && otherErr == nil && prefix.Overlaps(other), "{PublicAccessCIDRs}: %s and %s overlap", before, cidr)
		}
	}
}

func (g NodeGroup) check(p *settings.Problems, i int, before []NodeGroup) {
	p.When(g.Name == "" && i > 0 || g.Name != "" && !groupName.MatchString(g.Name),
		"{NodeGroups[%d]}: name %q is not valid: use up to 30 lower-case letters, digits and hyphens, with a letter first", i, g.Name)
	p.When(slices.ContainsFunc(before, func(other NodeGroup) bool { return other.Name == g.Name }),
		"{NodeGroups[%d]}: the name %q is taken", i, g.Name)
	p.When(g.Min > g.Count || g.Max < g.Count || g.Max > maxNodes,
		"{NodeGroups[%d]}: min %d, count %d and max %d are not in order, or above %d", i, g.Min, g.Count, g.Max, maxNodes)
	for _, name := range g.InstanceTypes {
		p.When(!instanceType.MatchString(name), "{NodeGroups[%d]}: instance type %q is not one such as t3.medium", i, name)
	}
	for _, t := range g.Taints {
		p.When(!taint.MatchString(t), "{NodeGroups[%d]}: taint %q is not of the form key=value:NoSchedule", i, t)
	}
}

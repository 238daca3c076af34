package deploy

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/cluster"
	"github.com/apigateway-ingress/apigateway-ingress/components/gateway"
	"github.com/apigateway-ingress/apigateway-ingress/components/iamrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/proxy"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/nginx"
)

// Lookup gives a key of the project's config, in the form in which Pulumi hands it to programs:
// text as it is, everything else as JSON. The second result is false when the key is not set.
type Lookup func(key string) (string, bool)

// Settings are a stack's config: the platform's arguments and what is not part of them.
type Settings struct {
	Name     string
	Region   string
	Platform platform.Args
	// ZoneCount is the number of availability zones, taken from those that the region offers.
	ZoneCount int
	// PlatformStack is the stack whose network and cluster are used, and ClusterName an existing cluster.
	PlatformStack, ClusterName string
	// Kubeconfig is how an existing cluster is reached; empty asks the AWS CLI for a token.
	Kubeconfig string
}

// service is how Pulumi.yaml documents an element of services.
type service struct {
	Name          string `json:"name"`
	Namespace     string `json:"namespace"`
	Image         string `json:"image"`
	Port          int    `json:"port"`
	ContainerPort int    `json:"containerPort"`
	Replicas      int    `json:"replicas"`
}

// Read turns a stack's config into settings and reads the files that it names, relative to root.
// All problems are reported together, before any resource exists.
func Read(get Lookup, root string) (*Settings, error) {
	r := &reader{get: get, root: root}
	s := &Settings{
		Name: r.text("name"), Region: r.text("aws:region"), ZoneCount: r.number("availabilityZones"),
		PlatformStack: r.text("platformStack"), ClusterName: r.text("clusterName"),
	}
	s.Platform = platform.Args{
		Location:         platform.Location{Region: s.Region},
		Group:            r.text("group"),
		APIResourceQuota: r.number("apiResourceQuota"),
		Services:         r.services(r.text("namespace")),
		Fragments:        r.fragments(),
		Network:          r.network(),
		Cluster:          r.cluster(),
		PodRole:          podrole.Settings{Mode: podrole.Mode(r.text("podRole")), ServiceAccounts: r.list("podRoleServiceAccounts")},
		Proxy:            proxy.Settings{Image: r.text("proxyImage"), Replicas: r.number("proxyReplicas"), NodePort: r.number("nodePort"), Paths: nginx.Paths(r.text("paths"))},
		Gateway:          r.gateway(),
		OpenPods:         !r.flag("networkPolicies"),
		IAM:              iamrole.Settings{PermissionsBoundary: r.text("permissionsBoundary")},
	}
	r.object("authorizers", &s.Platform.Authorizers)
	s.Kubeconfig = r.kubeconfig()
	ingresses, err := r.ingresses()
	s.Platform.Ingresses = ingresses
	if s.ZoneCount < 2 || s.ZoneCount > 3 {
		r.problems = append(r.problems, fmt.Errorf("availabilityZones %d: choose 2 or 3", s.ZoneCount))
	}
	if s.PlatformStack != "" && (s.ClusterName != "" || s.Platform.Network.Existing != nil) {
		r.problems = append(r.problems, errors.New("platformStack brings its own network and cluster: leave clusterName and vpcId empty"))
	}
	if s.shared() {
		// Only the platform's owner hands out the role for pods.
		s.Platform.PodRole = podrole.Settings{Mode: podrole.None}
	}
	if len(ingresses) > 0 || err == nil {
		r.problems = append(r.problems, s.validate())
	}
	return s, errors.Join(r.problems...)
}

// shared says whether network and cluster are another stack's.
func (s *Settings) shared() bool { return s.PlatformStack != "" }

// validate checks what can be checked without AWS. What AWS will tell is taken for good here.
func (s *Settings) validate() error {
	checked := s.Platform
	checked.AvailabilityZones = []string{"first", "second"}
	if s.shared() {
		checked.Network.Existing = &network.Existing{VpcID: "vpc-0", PrivateSubnetIDs: []string{"subnet-0", "subnet-1"}}
	}
	if s.shared() || s.ClusterName != "" {
		checked.Cluster.Existing = &cluster.Existing{Name: "existing", Endpoint: "existing", OIDCProviderARN: "existing", AutoScalingGroups: []string{"existing"}}
	}
	return checked.Validate(s.Name)
}

// kubeconfig is the content of the file that the config names.
func (r *reader) kubeconfig() string {
	path := r.text("kubeconfig")
	if path == "" {
		return ""
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.root, path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		r.problems = append(r.problems, fmt.Errorf("config kubeconfig: %w", err))
	}
	if r.text("clusterName") == "" {
		r.problems = append(r.problems, errors.New("config kubeconfig is for an existing cluster: name it in clusterName"))
	}
	return string(content)
}

func (r *reader) ingresses() ([]ingress.Ingress, error) {
	ingresses, err := ingress.Load(r.paths("manifests"), strings.NewReader(""))
	r.problems = append(r.problems, err)
	for i := range ingresses {
		ingresses[i].Namespace = cmp.Or(r.text("namespace"), ingresses[i].Namespace)
		ingresses[i].Source = strings.TrimPrefix(ingresses[i].Source, r.root+string(filepath.Separator))
	}
	return ingresses, err
}

func (r *reader) fragments() []route.Fragment {
	fragments, err := route.LoadFragments(r.paths("openapi"))
	r.problems = append(r.problems, err)
	for i := range fragments {
		fragments[i].Source = strings.TrimPrefix(fragments[i].Source, r.root+string(filepath.Separator))
	}
	return fragments
}

func (r *reader) network() network.Settings {
	n := network.Settings{
		CIDR: r.text("vpcCidr"), NAT: network.NAT(r.text("nat")), InterfaceEndpoints: r.list("interfaceEndpoints"), FlowLogDays: r.number("flowLogDays"),
	}
	public, private := r.list("publicSubnetIds"), r.list("privateSubnetIds")
	if id := r.text("vpcId"); id != "" {
		n.Existing = &network.Existing{VpcID: id, PublicSubnetIDs: public, PrivateSubnetIDs: private}
	} else if len(public)+len(private) > 0 {
		r.problems = append(r.problems, errors.New("publicSubnetIds and privateSubnetIds without vpcId: name the VPC"))
	}
	return n
}

func (r *reader) cluster() cluster.Settings {
	c := cluster.Settings{
		Version: r.text("kubernetesVersion"), PrivateEndpoint: r.flag("clusterPrivate"), PublicAccessCIDRs: r.list("publicAccessCidrs"),
		ControlPlaneLogs: r.list("controlPlaneLogs"), SecretsKMSKeyARN: r.text("secretsKmsKeyArn"), Admins: r.list("clusterAdmins"),
	}
	r.object("addons", &c.Addons)
	r.object("nodeGroups", &c.NodeGroups)
	if len(c.NodeGroups) == 0 {
		group := cluster.NodeGroup{Count: r.number("nodeCount")}
		if instanceType := r.text("instanceType"); instanceType != "" {
			group.InstanceTypes = []string{instanceType}
		}
		c.NodeGroups = []cluster.NodeGroup{group}
	}
	return c
}

func (r *reader) gateway() gateway.Settings {
	g := gateway.Settings{
		Endpoint: gateway.Endpoint{
			Type: gateway.EndpointType(r.text("endpointType")), VPCEndpointIDs: r.list("vpcEndpointIds"), CreateVPCEndpoint: r.flag("createVpcEndpoint"),
		},
		Access: gateway.Access{Mode: gateway.AccessMode(r.text("accessMode")), ClientARNs: r.list("clientArns"), ClientUser: r.flag("clientUser")},
		Stage:  r.stage(),
		Domain: gateway.Domain{
			Name: r.text("domainName"), CertificateARN: r.text("certificateArn"), HostedZoneID: r.text("hostedZoneId"), BasePath: r.text("basePath"),
			SecurityPolicy: r.text("securityPolicy"), TruststoreURI: r.text("truststoreUri"), TruststoreVersion: r.text("truststoreVersion"),
			OnlyDomain: r.flag("onlyDomain"),
		},
		Balancer: gateway.Balancer{
			TargetType:         gateway.TargetType(r.text("targetType")),
			DeletionProtection: r.flag("deletionProtection"), CertificateARN: r.text("balancerCertificateArn"), ServerName: r.text("balancerServerName"),
		},
		WebACL: gateway.WebACL{ARN: r.text("webAclArn"), Managed: r.flag("webAclManaged"), RateLimit: r.number("webAclRateLimit"),
			BodyLimit: r.number("webAclBodyLimit"), Logs: r.flag("webAclLogs"),
		},
		Alarms: gateway.Alarms{
			Enabled: r.flag("alarms"), TopicARNs: r.list("alarmTopicArns"), LatencyMillis: r.number("alarmLatencyMillis"), Dashboard: r.flag("dashboard"),
		},
		ManageAccountLogging: r.flag("manageAccountLogging"),
	}
	r.object("webAclOverrides", &g.WebACL.Overrides)
	r.object("usagePlans", &g.UsagePlans)
	r.object("gatewayResponses", &g.Responses)
	return g
}

func (r *reader) stage() gateway.Stage {
	s := gateway.Stage{
		Name:             r.text("stageName"),
		Throttle:         route.Throttle{Rate: float64(r.number("throttleRate")), Burst: r.number("throttleBurst")},
		CacheSize:        r.text("cacheSize"),
		Tracing:          r.flag("tracing"),
		LogRetentionDays: r.number("logRetentionDays"),
		LogKMSKeyARN:     r.text("logKmsKeyArn"),
		ExecutionLogs:    r.text("executionLogs"),
		Metrics:          r.flag("metrics"),
		Canary:           gateway.Canary{Percent: float64(r.number("canaryPercent")), StableDeployment: r.text("stableDeployment")},
	}
	r.object("stageVariables", &s.Variables)
	return s
}

// reader collects problems instead of stopping at the first.
type reader struct {
	get      Lookup
	root     string
	problems []error
}

func (r *reader) text(key string) string {
	value, _ := r.get(key)
	return value
}

func (r *reader) number(key string) int {
	value, _ := r.get(key)
	n, err := strconv.Atoi(cmp.Or(value, "0"))
	if err != nil {
		r.problems = append(r.problems, fmt.Errorf("config %s: %q is not a whole number", key, value))
	}
	return n
}

func (r *reader) flag(key string) bool {
	value, _ := r.get(key)
	b, err := strconv.ParseBool(cmp.Or(value, "false"))
	if err != nil {
		r.problems = append(r.problems, fmt.Errorf("config %s: %q is not true or false", key, value))
	}
	return b
}

func (r *reader) list(key string) []string {
	var list []string
	r.object(key, &list)
	return list
}

// paths are files, relative to the project.
func (r *reader) paths(key string) []string {
	paths := r.list(key)
	for i, path := range paths {
		if !filepath.IsAbs(path) {
			paths[i] = filepath.Join(r.root, path)
		}
	}
	return paths
}

func (r *reader) services(namespace string) []platform.Service {
	var list []service
	r.object("services", &list)
	var services []platform.Service
	for _, s := range list {
		s.Namespace = cmp.Or(namespace, s.Namespace)
		services = append(services, platform.Service(s))
	}
	return services
}

func (r *reader) object(key string, into any) {
	value, ok := r.get(key)
	if !ok || value == "" {
		return
	}
	decoder := json.NewDecoder(strings.NewReader(value))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		r.problems = append(r.problems, fmt.Errorf("config %s: %w", key, readable(err)))
	}
}

// readable words a decoding error for whoever wrote the config.
func readable(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return fmt.Errorf("%s must be a %s, not a %s", wrongType.Field, wrongType.Type, wrongType.Value)
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

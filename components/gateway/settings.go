package gateway

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/openapi"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Settings are what decides about the gateway apart from where it stands. The zero value is a regional API with one
// stage, prod, access logs for 30 days, and nobody who may call it.
type Settings struct {
	Endpoint Endpoint `pulumi:"endpoint,optional" config:",inline"`
	Access   Access   `pulumi:"access,optional" config:",inline"`
	Stage    Stage    `pulumi:"stage,optional" config:",inline"`
	Domain   Domain   `pulumi:"domain,optional" config:",inline"`
	// Domains are names of the API besides domainName, each with a certificate and a base path of its own. At most 120.
	Domains  []DomainName `pulumi:"domains,optional"`
	Balancer Balancer     `pulumi:"balancer,optional" config:",inline"`
	WebACL   WebACL       `pulumi:"webAcl,optional" config:",inline"`
	// UsagePlans are throttles and quotas with the API keys for which they hold, where routes demand one. At most 300.
	UsagePlans []UsagePlan `pulumi:"usagePlans,optional"`
	// Responses are what API Gateway itself answers in some cases, instead of its own.
	Responses []openapi.GatewayResponse `pulumi:"responses,optional" config:"gatewayResponses"`
	Alarms    Alarms                    `pulumi:"alarms,optional" config:",inline"`
	// ManageAccountLogging sets the role with which API Gateway writes logs. It is one setting for the whole account and
	// region, so it is left alone by default, and stays when the stack goes.
	ManageAccountLogging bool `pulumi:"manageAccountLogging,optional"`
}

// EndpointType is from where an API can be reached.
type EndpointType string

// Regional is the default. Edge puts CloudFront in front. Private opens the API to VPC endpoints alone.
const (
	Regional EndpointType = "REGIONAL"
	Edge     EndpointType = "EDGE"
	Private  EndpointType = "PRIVATE"
)

// Endpoint is from where the API can be reached.
type Endpoint struct {
	// Type is from where the API can be reached.
	Type EndpointType `pulumi:"type,optional" config:"endpointType" default:"REGIONAL" enum:"REGIONAL,EDGE,PRIVATE"`
	// VPCEndpointIDs are the interface endpoints for execute-api through which a PRIVATE API is called.
	VPCEndpointIDs pulumi.StringArrayInput `pulumi:"vpcEndpointIds,optional"`
	// CreateVPCEndpoint makes such an endpoint for a PRIVATE API in its own VPC, with private DNS: all names of execute-api
	// in the region lead to it from within the VPC, those of other people's public APIs as well.
	CreateVPCEndpoint bool `pulumi:"createVpcEndpoint,optional"`
}

// AccessMode is what the resource policy says to those whom it does not name.
type AccessMode string

// Restrict denies everybody else, whatever their identity policies say. AllowList only adds callers: principals of
// the API's own account whose identity policy allows execute-api:Invoke can call as well, as with the old controller.
const (
	Restrict  AccessMode = "restrict"
	AllowList AccessMode = "allowList"
)

// Access says who may call the methods with IAM authentication.
type Access struct {
	// Mode is what the policy says to those whom it does not name: restrict denies them, allowList adds the clients to those
	// whose identity policy allows the call.
	Mode AccessMode `pulumi:"mode,optional" config:"accessMode" default:"restrict" enum:"restrict,allowList"`
	// ClientUser makes an IAM user with an access key that may call the API.
	ClientUser bool `pulumi:"clientUser,optional"`
	// ClientKeyGeneration makes the client user a new access key each time that it is raised; the outputs give the new one.
	ClientKeyGeneration int `pulumi:"clientKeyGeneration,optional" default:"1" range:"1..1000"`
	// KeepFormerClientKey leaves the access key of the generation before valid, until every client has the new one.
	KeepFormerClientKey bool `pulumi:"keepFormerClientKey,optional"`
	// ClientARNs are ARNs of IAM users and roles that may call the API, besides those that the manifests name. An account's
	// root lets in the identities of the account whose own policies allow execute-api:Invoke on this API.
	ClientARNs pulumi.StringArrayInput `pulumi:"clientArns,optional"`
}

// Stage is the published stage of the API.
type Stage struct {
	// Name is the name of the stage, of letters, digits and underscores.
	Name string `pulumi:"name,optional" config:"stageName" default:"prod" annotation:"stage-name"`
	// Variables are variables of the stage. Their names have letters, digits and underscores.
	Variables pulumi.StringMapInput `pulumi:"variables,optional" config:"stageVariables"`
	// Throttle is that of each method without a throttle of its own.
	Throttle Throttle `pulumi:"throttle,optional" config:",inline"`
	// CacheSize is the size of the cache in GB, where a route has one.
	CacheSize string `pulumi:"cacheSize,optional" default:"0.5" enum:"0.5,1.6,6.1,13.5,28.4,58.2,118,237"`
	// Tracing sends traces to X-Ray.
	Tracing bool `pulumi:"tracing,optional" hardened:"true"`
	// Metrics turns on a CloudWatch metric for each method.
	Metrics bool `pulumi:"metrics,optional"`
	// LogRetentionDays is how many days access logs are kept, one of the values of CloudWatch Logs.
	LogRetentionDays int `pulumi:"logRetentionDays,optional" default:"30" hardened:"365"`
	// LogKMSKeyARN is a KMS key for the logs that the stack makes. Its policy must admit CloudWatch Logs.
	LogKMSKeyARN pulumi.StringInput `pulumi:"logKmsKeyArn,optional"`
	// ExecutionLogs is API Gateway's own log. Bodies and headers are never in it.
	ExecutionLogs string `pulumi:"executionLogs,optional" default:"OFF" enum:"OFF,ERROR,INFO" hardened:"ERROR"`
	Canary        Canary `pulumi:"canary,optional" config:",inline"`
}

// Throttle is a rate of requests a second and a number that may come at once. Rate 0 leaves the account's limit.
type Throttle struct {
	// Rate is the requests a second for each method without a throttle of its own. 0 leaves the account's limit.
	Rate float64 `pulumi:"rate,optional" config:"throttleRate" range:"0..10000"`
	// Burst is the requests at once. 0 takes the rate.
	Burst int `pulumi:"burst,optional" config:"throttleBurst" range:"0..5000"`
}

// Canary sends a part of the requests to the newest deployment while the stage stays with an older one.
type Canary struct {
	// Percent is the percentage of the requests that the newest deployment gets; the others go to the stable one.
	Percent float64 `pulumi:"percent,optional" config:"canaryPercent" range:"0..100"`
	// StableDeployment is the deployment that gets the others: the output deploymentId of the last update, or what is set already. An
	// older one is refused, because NGINX has the routes of the newest manifests alone. Without percent it gets all requests.
	StableDeployment string `pulumi:"stableDeployment,optional"`
}

// Domain is the API's own name. The zero value is none.
type Domain struct {
	// Name is the API's own domain name, *.name included. Without a hosted zone, point its DNS record to the output
	// domainTarget.
	Name string `pulumi:"name,optional" config:"domainName" annotation:"custom-domain-name"`
	// CertificateARN is an ACM certificate for the domain, in the stack's region; in us-east-1 for EDGE. Without one it is
	// requested, and proved through the hosted zone.
	CertificateARN pulumi.StringInput `pulumi:"certificateArn,optional" annotation:"certificate-arn"`
	// HostedZoneID is the Route 53 zone that gets the domain's records. Without one they are the owner's to make.
	HostedZoneID pulumi.StringInput `pulumi:"hostedZoneId,optional"`
	// BasePath is what stands in front of the paths of the domain.
	BasePath string `pulumi:"basePath,optional"`
	// SecurityPolicy is the oldest TLS of the domain. AWS has TLS_1_0 as well, which browsers have given up:
	// https://www.rfc-editor.org/rfc/rfc8996
	SecurityPolicy string `pulumi:"securityPolicy,optional" default:"TLS_1_2" enum:"TLS_1_2"`
	// TruststoreURI is the s3:// address of the authorities whose client certificates are accepted (mutual TLS).
	TruststoreURI pulumi.StringInput `pulumi:"truststoreUri,optional"`
	// TruststoreVersion is the version of that S3 object.
	TruststoreVersion pulumi.StringInput `pulumi:"truststoreVersion,optional"`
	// OnlyDomain turns the execute-api endpoint off, so that only the domain answers.
	OnlyDomain bool `pulumi:"onlyDomain,optional"`
}

// Balancer is the Network Load Balancer.
type Balancer struct {
	// TargetType is what the load balancer sends requests to. ip needs the AWS Load Balancer Controller in the cluster.
	TargetType TargetType `pulumi:"targetType,optional" default:"instance" enum:"instance,ip"`
	// DeletionProtection protects the load balancer. It must be taken off before the stack can be destroyed.
	DeletionProtection bool `pulumi:"deletionProtection,optional" hardened:"true"`
	// CertificateARN is an ACM certificate of the load balancer, by which API Gateway speaks TLS to it.
	CertificateARN pulumi.StringInput `pulumi:"certificateArn,optional" config:"balancerCertificateArn"`
	// ServerName is a name in the load balancer's certificate. API Gateway checks it; DNS need not know it.
	ServerName string `pulumi:"serverName,optional" config:"balancerServerName"`
}

// UsagePlan is a throttle, a quota and the API keys for which they hold.
type UsagePlan struct {
	// Name has letters, digits, hyphens and underscores, with a letter first.
	Name string `pulumi:"name"`
	// Rate is the requests a second of each key, with Burst; 0 sets no limit.
	Rate float64 `pulumi:"rate,optional" range:"0..10000"`
	// Burst is the requests of each key at once.
	Burst int `pulumi:"burst,optional" range:"0..5000"`
	// Quota is the number of requests in a period; 0 sets none.
	Quota int `pulumi:"quota,optional" range:"0..2000000000"`
	// Period is that of the quota.
	Period string `pulumi:"period,optional" enum:"DAY,WEEK,MONTH"`
	// Keys are the names of the API keys, one or more.
	Keys []string `pulumi:"keys"`
}

// Alarms watch the API and the nodes behind the balancer. Off by default.
type Alarms struct {
	// Enabled makes CloudWatch alarms for errors, latency, throttled requests and unhealthy nodes.
	Enabled bool `pulumi:"enabled,optional" config:"alarms"`
	// TopicARNs are SNS topics that hear of the alarms.
	TopicARNs pulumi.StringArrayInput `pulumi:"topicArns,optional" config:"alarmTopicArns"`
	// LatencyMillis is how many milliseconds the slowest hundredth of the requests may take.
	LatencyMillis int `pulumi:"latencyMillis,optional" config:"alarmLatencyMillis" default:"3000" range:"1..29000"`
	// Dashboard makes a CloudWatch dashboard.
	Dashboard bool `pulumi:"dashboard,optional"`
}

// edgeCertificateRegion is where CloudFront looks for certificates.
const edgeCertificateRegion = "us-east-1"

// complete puts in the defaults, those of the tags and that which depends on another field.
func (s Settings) complete() Settings {
	settings.Complete(&s)
	if s.Stage.Throttle.Rate > 0 && s.Stage.Throttle.Burst == 0 {
		s.Stage.Throttle.Burst = int(math.Ceil(s.Stage.Throttle.Rate))
	}
	return s
}

var (
	variableName = regexp.MustCompile(`^\w+$`)
	// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html
	variableValue = regexp.MustCompile(`^[A-Za-z0-9-._~:/?#&=,]+$`)
	basePath      = regexp.MustCompile(`^[A-Za-z0-9$_.+!*'()/-]*$`)
	vpcEndpointID = regexp.MustCompile(`^vpce-[0-9a-f]+$`)
	zoneID        = regexp.MustCompile(`^Z[A-Z0-9]+$`)
	certificate   = regexp.MustCompile(`^arn:aws[a-z-]*:acm:([a-z0-9-]+):[0-9]{12}:certificate/[0-9a-f-]+$`)
	kmsKeyARN     = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/(mrk-)?[0-9a-f-]+$`)
	webACLARN     = regexp.MustCompile(`^arn:aws[a-z-]*:wafv2:[a-z0-9-]+:[0-9]{12}:regional/webacl/[\w-]+/[0-9a-f-]+$`)
	topicARN      = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[\w-]+$`)
	truststoreURI = regexp.MustCompile(`^s3://.+$`)
	dnsName       = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
	planName      = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)
)

const (
	certificateExample = "arn:aws:acm:us-east-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef"
	kmsKeyExample      = "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef"
	webACLExample      = "arn:aws:wafv2:us-east-1:111122223333:regional/webacl/name/01234567-89ab-cdef-0123-456789abcdef"
)

// check reports every problem of completed settings for an API with these routes. Without a region, what depends on
// it is not looked at.
func (s Settings) check(region string, routes *route.Table) error {
	var p settings.Problems
	p.Add(settings.Check(s))
	s.checkEndpoint(&p)
	s.checkAccess(&p, routes)
	p.In("Stage", s.Stage.check())
	s.checkDomain(&p, region)
	s.checkDomains(&p, region)
	s.checkReservedPaths(&p, routes)
	p.In("Balancer", s.Balancer.check(region))
	p.In("WebACL", s.WebACL.check())
	s.checkPlans(&p, routes)
	s.checkAlarms(&p)
	p.Add(openapi.CheckGatewayResponses(s.Responses))
	if routes != nil {
		p.Add(openapi.Check(routes, openapi.Document{Responses: s.Responses}))
	}
	return p.Err()
}

func (s Settings) checkEndpoint(p *settings.Problems) {
	e := s.Endpoint
	given := e.VPCEndpointIDs != nil || e.CreateVPCEndpoint
	p.When(e.Type == Private && !given,
		"{Endpoint.Type} PRIVATE without a VPC endpoint could not be called: set {Endpoint.VPCEndpointIDs} or {Endpoint.CreateVPCEndpoint}")
	p.When(e.Type != Private && given, "{Endpoint.VPCEndpointIDs} and {Endpoint.CreateVPCEndpoint} are for {Endpoint.Type} PRIVATE, "+
		"not %s", e.Type)
	ids, _ := settings.KnownList(e.VPCEndpointIDs)
	for _, id := range ids {
		p.Malformed("Endpoint.VPCEndpointIDs", id, vpcEndpointID, "vpce-0123456789abcdef0")
	}
}

func (s Settings) checkAccess(p *settings.Problems, routes *route.Table) {
	a := s.Access
	byIAM := routes == nil || slices.ContainsFunc(routes.Routes,
		func(r route.Route) bool { return r.Behavior.Auth == route.AuthIAM && len(r.Behavior.Callers) == 0 })
	clients, all := settings.KnownList(a.ClientARNs)
	p.When(byIAM && len(clients) == 0 && all && !a.ClientUser,
		"nobody may call the API: set {Access.ClientUser}, {Access.ClientARNs} or the annotation %sclient-arns", ingress.AnnotationPrefix)
	p.When(!a.ClientUser && (a.ClientKeyGeneration > 1 || a.KeepFormerClientKey),
		"{Access.ClientKeyGeneration} and {Access.KeepFormerClientKey} are for {Access.ClientUser}")
	p.When(a.KeepFormerClientKey && a.ClientKeyGeneration < 2, "{Access.KeepFormerClientKey} without a generation before: raise "+
		"{Access.ClientKeyGeneration}")
	for _, arn := range clients {
		p.Add(route.CheckClientARN(arn))
	}
	// No region has a longer name, and an account number has as many digits.
	_, err := s.policyText(addressee{region: "ap-southeast-1", stage: s.Stage.Name}, routes, clients, nil)
	p.Add(err)
}

func (s Stage) check() error {
	var p settings.Problems
	p.Add(route.CheckStageName(s.Name))
	p.Add(settings.CheckLogRetention("LogRetentionDays", s.LogRetentionDays))
	p.Malformed("LogKMSKeyARN", s.LogKMSKeyARN, kmsKeyARN, kmsKeyExample)
	p.When(s.Throttle.Burst > 0 && s.Throttle.Rate == 0, "{Throttle.Burst} without {Throttle.Rate}: write both")
	p.When(s.Throttle.Rate > 0 && s.Throttle.Burst < 1, "{Throttle.Burst} %d would let nothing through: write 1 or more", s.Throttle.Burst)
	variables, _ := s.Variables.(pulumi.StringMap)
	for name, value := range variables {
		text, known := settings.Known(value)
		p.When(!variableName.MatchString(name) || known && !variableValue.MatchString(text),
			"{Variables}: %s=%s: names have letters, digits and underscores, values A-Z a-z 0-9 - . _ ~ : / ? # & = ,", name, text)
	}
	p.When(s.Canary.Percent > 0 && s.Canary.StableDeployment == "",
		"{Canary.Percent} without {Canary.StableDeployment}: name the deployment that gets the other requests, the output deploymentId of "+
			"the last update")
	return p.Err()
}

func (s Settings) checkDomain(p *settings.Problems, region string) {
	d := s.Domain
	if d.Name == "" {
		without := Domain{SecurityPolicy: d.SecurityPolicy, OnlyDomain: d.OnlyDomain && len(s.Domains) > 0}
		p.When(d != without, "settings of a domain without {Domain.Name}: {Domain.CertificateARN}, "+
			"{Domain.HostedZoneID}, {Domain.BasePath}, {Domain.TruststoreURI} and {Domain.OnlyDomain} need one")
		return
	}
	p.Add(route.CheckDomainName(d.Name))
	p.When(s.Endpoint.Type == Private, "{Domain.Name} does not go with {Endpoint.Type} PRIVATE")
	p.When(d.CertificateARN == nil && d.HostedZoneID == nil,
		"{Domain.Name} without a certificate: set {Domain.CertificateARN}, or {Domain.HostedZoneID} to have one requested")
	p.Malformed("Domain.CertificateARN", d.CertificateARN, certificate, certificateExample)
	wanted := region
	if s.Endpoint.Type == Edge {
		wanted = edgeCertificateRegion
	}
	own := regionOf(d.CertificateARN)
	p.When(own != "" && wanted != "" && own != wanted,
		"{Domain.CertificateARN} is of region %s: a domain of a %s endpoint takes one of %s", own, s.Endpoint.Type, wanted)
	p.Malformed("Domain.HostedZoneID", d.HostedZoneID, zoneID, "Z0123456789ABCDEFGHIJ")
	p.When(!basePath.MatchString(d.BasePath) || strings.HasPrefix(d.BasePath, "/") || strings.HasSuffix(d.BasePath, "/"),
		"{Domain.BasePath} %q is not possible: write a path without a slash at either end", d.BasePath)
	p.Malformed("Domain.TruststoreURI", d.TruststoreURI, truststoreURI, "s3://bucket/authorities.pem")
	if d.TruststoreURI == nil {
		p.When(d.TruststoreVersion != nil, "{Domain.TruststoreVersion} without {Domain.TruststoreURI}: write both")
		return
	}
	p.When(s.Endpoint.Type != Regional, "{Domain.TruststoreURI}: mutual TLS is for REGIONAL endpoints")
	p.When(!d.OnlyDomain, "{Domain.TruststoreURI} without {Domain.OnlyDomain}: the execute-api endpoint would let callers in without a "+
		"client certificate; set {Domain.OnlyDomain}")
}

// reservedPaths are answered by API Gateway itself at the root of a domain of one's own.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
var reservedPaths = []string{"ping", "sping"}

func (s Settings) checkReservedPaths(p *settings.Problems, routes *route.Table) {
	atRoot := slices.ContainsFunc(s.Names(), func(d DomainName) bool { return d.BasePath == "" })
	p.When(slices.Contains(reservedPaths, s.Domain.BasePath), "{Domain.BasePath} %s is reserved by API Gateway: choose another",
		s.Domain.BasePath)
	if routes == nil || !atRoot {
		return
	}
	for _, r := range routes.Routes {
		for _, reserved := range reservedPaths {
			p.When(strings.Trim(r.Path, "/") == reserved,
				"%s: API Gateway answers /%s itself at the root of a domain: choose another path, or set {Domain.BasePath}", r.Source, reserved)
		}
	}
}

// regionOf is the region of a certificate that is known; empty of any other.
func regionOf(arn pulumi.StringInput) string {
	text, _ := settings.Known(arn)
	if parts := certificate.FindStringSubmatch(text); parts != nil {
		return parts[1]
	}
	return ""
}

func (b Balancer) check(region string) error {
	var p settings.Problems
	p.When((b.CertificateARN == nil) != (b.ServerName == ""), "TLS to the load balancer takes both {CertificateARN} and {ServerName}")
	p.Malformed("CertificateARN", b.CertificateARN, certificate, certificateExample)
	p.Malformed("ServerName", b.ServerName, dnsName, "proxy.example.com")
	own := regionOf(b.CertificateARN)
	p.When(own != "" && region != "" && own != region, "{CertificateARN} is of region %s, and the load balancer of %s", own, region)
	return p.Err()
}

func (s Settings) checkPlans(p *settings.Problems, routes *route.Table) {
	demanded := routes != nil && slices.ContainsFunc(routes.Routes, func(r route.Route) bool { return r.Behavior.APIKeyRequired })
	p.When(demanded && len(s.UsagePlans) == 0,
		"routes demand an API key (%sapi-key-required), and no usage plan gives one: declare {UsagePlans}", ingress.AnnotationPrefix)
	p.When(len(s.UsagePlans) > 300, "%d usage plans are more than the 300 that AWS allows", len(s.UsagePlans))
	names, keys := map[string]bool{}, map[string]bool{}
	for i, plan := range s.UsagePlans {
		p.When(!planName.MatchString(plan.Name), "{UsagePlans[%d]}: name %q is not valid: use letters, digits, - and _, with a letter first",
			i, plan.Name)
		p.When(names[plan.Name], "{UsagePlans[%d]}: %s is declared twice", i, plan.Name)
		names[plan.Name] = true
		p.When(len(plan.Keys) == 0, "{UsagePlans[%d].Keys} is empty: name at least one", i)
		for _, key := range plan.Keys {
			p.When(!planName.MatchString(key), "{UsagePlans[%d]}: key %q is not valid: use letters, digits, - and _, with a letter first", i, key)
			p.When(keys[key], "{UsagePlans[%d]}: key %s is in two plans of one stage, which API Gateway refuses", i, key)
			keys[key] = true
		}
		p.When((plan.Rate == 0) != (plan.Burst == 0), "{UsagePlans[%d]}: a throttle takes both rate and burst", i)
		p.When((plan.Quota == 0) != (plan.Period == ""), "{UsagePlans[%d]}: a quota takes both quota, above 0, and period", i)
	}
}

func (s Settings) checkAlarms(p *settings.Problems) {
	p.When(!s.Alarms.Enabled && s.Alarms.TopicARNs != nil, "{Alarms.TopicARNs} without {Alarms.Enabled}: set {Alarms.Enabled}")
	topics, _ := settings.KnownList(s.Alarms.TopicARNs)
	for _, arn := range topics {
		p.Malformed("Alarms.TopicARNs", arn, topicARN, "arn:aws:sns:us-east-1:111122223333:oncall")
	}
}

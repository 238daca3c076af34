package gateway

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/ingress"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/openapi"
)

// Settings are what decides about the gateway apart from where it stands. The zero value is a regional API with one
// stage, prod, access logs for 30 days, and nobody who may call it.
type Settings struct {
	Endpoint Endpoint
	Access   Access
	Stage    Stage
	Domain   Domain
	Balancer Balancer
	WebACL   WebACL
	// UsagePlans give API keys to callers of the routes that demand one, each with a throttle and a quota. At most 300.
	UsagePlans []UsagePlan
	// Responses replace what API Gateway itself answers.
	Responses []openapi.GatewayResponse
	Alarms    Alarms
	// ManageAccountLogging sets the role with which API Gateway writes logs. It is one setting for the
	// whole account and region, so it is left alone by default, and never removed.
	ManageAccountLogging bool
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
	// Type is REGIONAL (default), EDGE or PRIVATE.
	Type EndpointType
	// VPCEndpointIDs are the interface endpoints for execute-api through which a private API is called.
	VPCEndpointIDs []string
	// CreateVPCEndpoint makes such an endpoint in the API's own VPC.
	CreateVPCEndpoint bool
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
	// Mode is restrict (default) or allowList.
	Mode AccessMode
	// ClientARNs may call the API: IAM users, roles, or a whole account by its root. Of an account, the identities may
	// whose own policies allow execute-api:Invoke on this API.
	ClientARNs []string
	// ClientUser makes an IAM user with an access key that may call the API as well.
	ClientUser bool
}

// Stage is the published stage of the API.
type Stage struct {
	// Name has letters, digits and underscores. Default prod.
	Name string
	// Variables are the stage's: names with letters, digits and underscores.
	Variables map[string]string
	// Throttle is each method's unless its route has one of its own. Rate 0 leaves the account's.
	Throttle route.Throttle
	// CacheSize is the cache's in GB, where a route wants one: 0.5, 1.6, 6.1, 13.5, 28.4, 58.2, 118 or 237. Default 0.5.
	CacheSize string
	// Tracing sends traces to X-Ray.
	Tracing bool
	// LogRetentionDays is how long access logs are kept, one of CloudWatch's values. Default 30.
	LogRetentionDays int
	// LogKMSKeyARN encrypts the access logs with a key of one's own. Its policy must admit CloudWatch Logs.
	LogKMSKeyARN string
	// ExecutionLogs is OFF (default), ERROR or INFO.
	ExecutionLogs string
	// Metrics turns on a metric for each method.
	Metrics bool
	Canary  Canary
}

// Canary sends a part of the requests to the newest deployment while the stage stays with an older one.
type Canary struct {
	// Percent of the requests go to the newest deployment, 0 to 100.
	Percent float64
	// StableDeployment is the deployment that gets the others: the output deploymentId of an earlier update. Alone,
	// with a Percent of 0, it takes the stage back to that deployment.
	StableDeployment string
}

// Domain is the API's own name. The zero value is none.
type Domain struct {
	// Name is a domain name, *.name included.
	Name string
	// CertificateARN is an ACM certificate for it, in the API's region, or in us-east-1 for an edge endpoint.
	// Without one it is requested and validated through the hosted zone.
	CertificateARN string
	// HostedZoneID is the Route 53 zone that gets the records. Without one the record is the owner's to make.
	HostedZoneID string
	// BasePath is what stands in front of the paths; empty is nothing.
	BasePath string
	// SecurityPolicy is TLS_1_2 (default) or TLS_1_0.
	SecurityPolicy string
	// TruststoreURI is an s3:// object with the authorities whose client certificates are accepted: mutual TLS.
	TruststoreURI, TruststoreVersion string
	// OnlyDomain turns the execute-api endpoint off, so that nobody goes around the domain.
	OnlyDomain bool
}

// Balancer is the Network Load Balancer.
type Balancer struct {
	// TargetType is instance (default) or ip.
	TargetType TargetType
	// DeletionProtection keeps the balancer from being deleted, and so the stack from being destroyed.
	DeletionProtection bool
	// CertificateARN lets API Gateway speak TLS to the balancer, which has this ACM certificate.
	CertificateARN string
	// ServerName is a name in that certificate. API Gateway checks it; DNS need not know it.
	ServerName string
}

// UsagePlan is a throttle, a quota and the API keys for which they hold.
type UsagePlan struct {
	Name string `json:"name"`
	// Rate and Burst throttle each key; 0 does not.
	Rate  float64 `json:"rate,omitempty"`
	Burst int     `json:"burst,omitempty"`
	// Quota is the number of requests in a Period: DAY, WEEK or MONTH. 0 sets none.
	Quota  int    `json:"quota,omitempty"`
	Period string `json:"period,omitempty"`
	// Keys are the names of the API keys.
	Keys []string `json:"keys"`
}

// Alarms watch the API and the nodes behind the balancer. Off by default.
type Alarms struct {
	Enabled bool
	// TopicARNs are SNS topics that hear of alarms.
	TopicARNs []string
	// LatencyMillis is how long the slowest hundredth of the requests may take. Default 3000.
	LatencyMillis int
	// Dashboard makes a CloudWatch dashboard.
	Dashboard bool
}

// Defaults of a gateway.
const (
	DefaultStageName        = "prod"
	DefaultLogRetentionDays = 30
	defaultRateLimit        = 2000
	defaultLatencyMillis    = 3000
	edgeCertificateRegion   = "us-east-1"
)

func (s Settings) withDefaults() Settings {
	orElse(&s.Endpoint.Type, Regional)
	orElse(&s.Access.Mode, Restrict)
	orElse(&s.Stage.Name, DefaultStageName)
	orElse(&s.Stage.LogRetentionDays, DefaultLogRetentionDays)
	orElse(&s.Stage.CacheSize, cacheSizes[0])
	orElse(&s.Stage.ExecutionLogs, "OFF")
	if s.Stage.Throttle.Rate > 0 {
		orElse(&s.Stage.Throttle.Burst, int(math.Ceil(s.Stage.Throttle.Rate)))
	}
	orElse(&s.Domain.SecurityPolicy, "TLS_1_2")
	orElse(&s.Balancer.TargetType, Instance)
	orElse(&s.WebACL.RateLimit, defaultRateLimit)
	orElse(&s.WebACL.BodyLimit, bodyLimits[0])
	orElse(&s.Alarms.LatencyMillis, defaultLatencyMillis)
	return s
}

func orElse[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

var (
	// logRetentions are the days that CloudWatch Logs accepts; 0 keeps logs for ever.
	// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
	logRetentions = []int{0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
	// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html
	cacheSizes   = []string{"0.5", "1.6", "6.1", "13.5", "28.4", "58.2", "118", "237"}
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
	dnsName       = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
	planName      = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)
)

// problems collects what is wrong.
type problems []error

func (p *problems) when(wrong bool, format string, args ...any) {
	if wrong {
		*p = append(*p, fmt.Errorf(format, args...))
	}
}

func (p *problems) add(err error) { *p = append(*p, err) }

// malformed reports values that do not have their form; empty ones are not set.
func (p *problems) malformed(field, value string, form *regexp.Regexp, example string) {
	p.when(value != "" && !form.MatchString(value), "%s %q is malformed: write one such as %s", field, value, example)
}

// Validate reports every problem of the settings for an API in a region with these routes.
func (s Settings) Validate(region string, routes *route.Table) error {
	var p problems
	s = s.withDefaults()
	s.validateEndpoint(&p)
	s.validateAccess(&p, routes)
	s.Stage.validate(&p)
	s.validateDomain(&p, region)
	s.validateReservedPaths(&p, routes)
	s.Balancer.validate(&p, region)
	s.WebACL.validate(&p)
	s.validatePlans(&p, routes)
	s.Alarms.validate(&p)
	p.add(openapi.CheckGatewayResponses(s.Responses))
	if routes != nil {
		p.add(openapi.Check(routes, openapi.Document{Responses: s.Responses}))
	}
	return errors.Join(p...)
}

func (s Settings) validateEndpoint(p *problems) {
	e := s.Endpoint
	given := len(e.VPCEndpointIDs) > 0 || e.CreateVPCEndpoint
	p.when(!slices.Contains([]EndpointType{Regional, Edge, Private}, e.Type), "endpointType %q is not known: write REGIONAL, EDGE or PRIVATE", e.Type)
	p.when(e.Type == Private && !given, "endpointType PRIVATE without a VPC endpoint could not be called: set vpcEndpointIds or createVpcEndpoint")
	p.when(e.Type != Private && given, "vpcEndpointIds and createVpcEndpoint are for endpointType PRIVATE, not %s", e.Type)
	for _, id := range e.VPCEndpointIDs {
		p.malformed("vpcEndpointIds", id, vpcEndpointID, "vpce-0123456789abcdef0")
	}
}

func (s Settings) validateAccess(p *problems, routes *route.Table) {
	a := s.Access
	p.when(a.Mode != Restrict && a.Mode != AllowList, "accessMode %q is not known: write %s or %s", a.Mode, Restrict, AllowList)
	byIAM := routes == nil || slices.ContainsFunc(routes.Routes, func(r route.Route) bool { return r.Behavior.Auth == route.AuthIAM })
	p.when(byIAM && len(a.ClientARNs) == 0 && !a.ClientUser, "nobody may call the API: set clientUser, clientArns or the annotation %sclient-arns", ingress.AnnotationPrefix)
	for _, arn := range a.ClientARNs {
		p.add(route.CheckClientARN(arn))
	}
	policy := s.policy(a.ClientARNs, nil, routes != nil && routes.Anonymous())
	_, err := policy.text()
	p.add(err)
}

func (s Stage) validate(p *problems) {
	p.add(route.CheckStageName(s.Name))
	p.when(!slices.Contains(logRetentions, s.LogRetentionDays), "logRetentionDays %d is not a value of CloudWatch Logs: choose one of %v", s.LogRetentionDays, logRetentions[1:])
	p.when(!slices.Contains(cacheSizes, s.CacheSize), "cacheSize %q is not one of %s", s.CacheSize, strings.Join(cacheSizes, ", "))
	p.when(!slices.Contains([]string{"OFF", "ERROR", "INFO"}, s.ExecutionLogs), "executionLogs %q is not known: write OFF, ERROR or INFO", s.ExecutionLogs)
	p.malformed("logKmsKeyArn", s.LogKMSKeyARN, kmsKeyARN, "arn:aws:kms:us-east-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef")
	p.when(s.Throttle.Rate < 0 || s.Throttle.Rate > 10000, "throttleRate %v is not a number up to 10000", s.Throttle.Rate)
	p.when(s.Throttle.Burst < 0 || s.Throttle.Burst > 5000, "throttleBurst %d is not a number up to 5000", s.Throttle.Burst)
	p.when(s.Throttle.Burst > 0 && s.Throttle.Rate == 0, "throttleBurst without throttleRate: write both")
	p.when(s.Throttle.Rate > 0 && float64(s.Throttle.Burst) < 1, "throttleBurst %d would let nothing through: write 1 or more", s.Throttle.Burst)
	for name, value := range s.Variables {
		p.when(!variableName.MatchString(name) || !variableValue.MatchString(value), "stageVariables: %s=%s: names have letters, digits and underscores, values A-Z a-z 0-9 - . _ ~ : / ? # & = ,", name, value)
	}
	p.when(s.Canary.Percent < 0 || s.Canary.Percent > 100, "canaryPercent %v is not from 0 to 100", s.Canary.Percent)
	p.when(s.Canary.Percent > 0 && s.Canary.StableDeployment == "", "canaryPercent without stableDeployment: name the deployment that gets the other requests, the output deploymentId of the last update")
}

func (s Settings) validateDomain(p *problems, region string) {
	d := s.Domain
	if d.Name == "" {
		p.when(d != Domain{SecurityPolicy: d.SecurityPolicy}, "settings of a domain without domainName: certificateArn, hostedZoneId, basePath, truststoreUri and onlyDomain need one")
		return
	}
	p.add(route.CheckDomainName(d.Name))
	p.when(s.Endpoint.Type == Private, "domainName does not go with endpointType PRIVATE")
	p.when(d.CertificateARN == "" && d.HostedZoneID == "", "domainName without a certificate: set certificateArn, or hostedZoneId to have one requested")
	p.malformed("certificateArn", d.CertificateARN, certificate, "arn:aws:acm:us-east-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef")
	wanted := region
	if s.Endpoint.Type == Edge {
		wanted = edgeCertificateRegion
	}
	if parts := certificate.FindStringSubmatch(d.CertificateARN); parts != nil && wanted != "" {
		p.when(parts[1] != wanted, "certificateArn is of region %s: a domain of a %s endpoint takes one of %s", parts[1], s.Endpoint.Type, wanted)
	}
	p.malformed("hostedZoneId", d.HostedZoneID, zoneID, "Z0123456789ABCDEFGHIJ")
	p.when(!basePath.MatchString(d.BasePath) || strings.HasPrefix(d.BasePath, "/") || strings.HasSuffix(d.BasePath, "/"), "basePath %q is not possible: write a path without a slash at either end", d.BasePath)
	p.when(d.SecurityPolicy != "TLS_1_2" && d.SecurityPolicy != "TLS_1_0", "securityPolicy %q is not known: write TLS_1_2 or TLS_1_0", d.SecurityPolicy)
	p.when(d.TruststoreURI != "" && !strings.HasPrefix(d.TruststoreURI, "s3://"), "truststoreUri %q is not an s3:// address", d.TruststoreURI)
	p.when(d.TruststoreURI != "" && s.Endpoint.Type != Regional, "truststoreUri: mutual TLS is for REGIONAL endpoints")
	p.when(d.TruststoreURI != "" && d.SecurityPolicy != "TLS_1_2", "truststoreUri: mutual TLS takes securityPolicy TLS_1_2")
	p.when(d.TruststoreURI != "" && !d.OnlyDomain, "truststoreUri without onlyDomain: the execute-api endpoint would let callers in without a client certificate; set onlyDomain")
	p.when(d.TruststoreVersion != "" && d.TruststoreURI == "", "truststoreVersion without truststoreUri: write both")
}

// reservedPaths are answered by API Gateway itself at the root of a domain of one's own.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
var reservedPaths = []string{"ping", "sping"}

func (s Settings) validateReservedPaths(p *problems, routes *route.Table) {
	if s.Domain.Name == "" {
		return
	}
	p.when(slices.Contains(reservedPaths, s.Domain.BasePath), "basePath %s is reserved by API Gateway: choose another", s.Domain.BasePath)
	if routes == nil || s.Domain.BasePath != "" {
		return
	}
	for _, r := range routes.Routes {
		for _, reserved := range reservedPaths {
			p.when(strings.Trim(r.Path, "/") == reserved, "%s: API Gateway answers /%s itself at the root of a domain: choose another path, or set basePath", r.Source, reserved)
		}
	}
}

func (b Balancer) validate(p *problems, region string) {
	p.when(b.TargetType != Instance && b.TargetType != IP, "targetType %q is not known: write instance or ip", b.TargetType)
	p.when((b.CertificateARN == "") != (b.ServerName == ""), "TLS to the load balancer takes both balancerCertificateArn and balancerServerName")
	p.malformed("balancerCertificateArn", b.CertificateARN, certificate, "arn:aws:acm:us-east-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef")
	p.malformed("balancerServerName", b.ServerName, dnsName, "proxy.example.com")
	if parts := certificate.FindStringSubmatch(b.CertificateARN); parts != nil && region != "" {
		p.when(parts[1] != region, "balancerCertificateArn is of region %s, and the load balancer of %s", parts[1], region)
	}
}

func (s Settings) validatePlans(p *problems, routes *route.Table) {
	demanded := routes != nil && slices.ContainsFunc(routes.Routes, func(r route.Route) bool { return r.Behavior.APIKeyRequired })
	p.when(demanded && len(s.UsagePlans) == 0, "routes demand an API key (%sapi-key-required), and no usage plan gives one: declare usagePlans", ingress.AnnotationPrefix)
	p.when(len(s.UsagePlans) > 300, "%d usage plans are more than the 300 that AWS allows", len(s.UsagePlans))
	names, keys := map[string]bool{}, map[string]bool{}
	for i, plan := range s.UsagePlans {
		place := fmt.Sprintf("usagePlans[%d]", i)
		p.when(!planName.MatchString(plan.Name), "%s: name %q is not valid: use letters, digits, - and _, with a letter first", place, plan.Name)
		p.when(names[plan.Name], "%s: %s is declared twice", place, plan.Name)
		names[plan.Name] = true
		p.when(len(plan.Keys) == 0, "%s: keys is empty: name at least one", place)
		for _, key := range plan.Keys {
			p.when(!planName.MatchString(key), "%s: key %q is not valid: use letters, digits, - and _, with a letter first", place, key)
			p.when(keys[key], "%s: key %s is in two plans of one stage, which API Gateway refuses", place, key)
			keys[key] = true
		}
		p.when(plan.Rate < 0 || plan.Rate > 10000 || plan.Burst < 0 || plan.Burst > 5000, "%s: rate is up to 10000, burst up to 5000", place)
		p.when((plan.Rate == 0) != (plan.Burst == 0), "%s: a throttle takes both rate and burst", place)
		p.when((plan.Quota == 0) != (plan.Period == "") || plan.Quota < 0, "%s: a quota takes both quota, above 0, and period", place)
		p.when(plan.Period != "" && !slices.Contains([]string{"DAY", "WEEK", "MONTH"}, plan.Period), "%s: period %q is not DAY, WEEK or MONTH", place, plan.Period)
	}
}

func (a Alarms) validate(p *problems) {
	p.when(!a.Enabled && len(a.TopicARNs) > 0, "alarmTopicArns without alarms: set alarms")
	p.when(a.LatencyMillis < 1 || a.LatencyMillis > 29000, "alarmLatencyMillis %d is not from 1 to 29000", a.LatencyMillis)
	for _, arn := range a.TopicARNs {
		p.malformed("alarmTopicArns", arn, topicARN, "arn:aws:sns:us-east-1:111122223333:oncall")
	}
}

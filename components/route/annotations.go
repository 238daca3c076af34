package route

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/agext/levenshtein"
)

// AnnotationPrefix is in front of every annotation of this project, as in the original controller.
const AnnotationPrefix = "apigateway.ingress.kubernetes.io/"

// IngressClass is the class that this project serves, in spec.ingressClassName or in the
// annotation kubernetes.io/ingress.class. An Ingress without any class is served as well.
const IngressClass = "apigateway"

const classAnnotation = "kubernetes.io/ingress.class"

// annotated is everything that the annotations of one Ingress say.
type annotated struct {
	api   Settings
	route Behavior
	group string
	order int
}

// Annotation is one row of the table of known annotations.
type Annotation struct {
	// Name comes after AnnotationPrefix.
	Name string
	// Type, Default, Scope and Merge are for people: the value's form, what holds without it, whether it is
	// about the whole API, the proxy or the Ingress's own routes, and what happens when Ingresses differ.
	Type, Default, Scope, Merge string

	parse func(value string, into *annotated) error
}

const (
	mustAgree = "must agree; the lowest group.order decides"
	perRoute  = "each Ingress its own"
)

// Annotations lists every annotation, sorted by name. The first controller's eight have its meaning and defaults.
var Annotations = []Annotation{
	{"api-key-required", "`true` or `false`", "`false`", "routes", perRoute, func(v string, a *annotated) (err error) {
		a.route.APIKeyRequired, err = boolean(v)
		return err
	}},
	{"auth", "`iam`, `none` or the name of an authorizer", "`iam`", "routes", perRoute, func(v string, a *annotated) error {
		a.route.Auth = Auth(v)
		return matchesOr(v, authorizerName, "iam, none or the name of an authorizer")
	}},
	{"auth-scopes", "OAuth scopes, separated by commas", "none", "routes with a Cognito authorizer", perRoute, func(v string, a *annotated) error {
		a.route.Scopes = splitList(v)
		slices.Sort(a.route.Scopes)
		return eachMatches(a.route.Scopes, oauthScope, "a scope such as books/read")
	}},
	{"cache-key-query", "query parameter names, separated by commas", "none: answers do not depend on the query", "routes with cache-ttl", perRoute, func(v string, a *annotated) error {
		a.route.Cache.QueryKeys = splitList(v)
		return eachMatches(a.route.Cache.QueryKeys, queryName, "the name of a query parameter")
	}},
	{"cache-ttl", "duration, 1s to 1h; the answers must be the same for every caller", "no caching", "routes with methods GET or GET,HEAD", perRoute, func(v string, a *annotated) (err error) {
		a.route.Cache.TTL, err = duration(v, time.Second, time.Hour)
		return err
	}},
	{"certificate-arn", "ARN of an ACM certificate", "none", "API", mustAgree, func(v string, a *annotated) error { a.api.CertificateARN = v; return checkCertificateARN(v) }},
	{"client-arns", "IAM user, role or account root ARNs, separated by commas", "the stack's own client", "API", "joined", parseClientARNs},
	{"cors-allow-credentials", "`true` or `false`", "`false`", "routes with CORS", perRoute, func(v string, a *annotated) (err error) {
		a.cors().Credentials, err = boolean(v)
		return err
	}},
	{"cors-allow-headers", "header names, separated by commas", "what a signed request needs", "routes with CORS", perRoute, func(v string, a *annotated) error {
		a.cors().Headers = splitList(v)
		return eachMatches(a.cors().Headers, headerToken, "a header name")
	}},
	{"cors-allow-methods", "HTTP methods, separated by commas", "the route's methods, or all", "routes with CORS", perRoute, func(v string, a *annotated) error {
		a.cors().Methods = splitList(v)
		return checkMethods(a.cors().Methods)
	}},
	{"cors-allow-origins", "origins such as `https://app.example.com`, separated by commas, or `*`", "no CORS", "routes", perRoute, func(v string, a *annotated) error {
		a.cors().Origins = splitList(v)
		return eachMatches(a.cors().Origins, corsOrigin, "an origin such as https://app.example.com")
	}},
	{"cors-max-age", "duration, up to 24h", "10m", "routes with CORS", perRoute, func(v string, a *annotated) (err error) {
		a.cors().MaxAge, err = duration(v, time.Second, 24*time.Hour)
		return err
	}},
	{"custom-domain-name", "domain name", "none", "API", mustAgree, func(v string, a *annotated) error { a.api.CustomDomainName = v; return checkDomain(v) }},
	{"group.name", "DNS label", "none", "Ingress", "Ingresses of one name are one API", func(v string, a *annotated) error {
		a.group = v
		return matchesOr(v, groupName, "lower-case letters, digits and hyphens")
	}},
	{"group.order", "whole number, -1000 to 1000", "0", "Ingress", "the lowest decides where Ingresses must agree", func(v string, a *annotated) (err error) { a.order, err = integer(v, -1000, 1000); return err }},
	{"max-body-size", "whole number of bytes, or with k or m; up to 10m", "10m", "routes", perRoute, parseBodySize},
	{"methods", "HTTP methods, separated by commas", "all", "routes", perRoute, func(v string, a *annotated) error {
		a.route.Methods = splitList(v)
		slices.Sort(a.route.Methods)
		return checkMethods(a.route.Methods)
	}},
	{"nginx-image", "container image", "a pinned nginx", "proxy", mustAgree, func(v string, a *annotated) error { a.api.ProxyImage = v; return notEmpty(v) }},
	{"nginx-replicas", "whole number, 1 to 1000", "3", "proxy", mustAgree, func(v string, a *annotated) (err error) { a.api.ProxyReplicas, err = integer(v, 1, 1000); return err }},
	{"nginx-service-port", "port, 1024 to 65535", "8080", "proxy", mustAgree, parseProxyPort},
	{"node-selector", "`key=value` pairs, separated by commas", "none", "proxy", mustAgree, parseNodeSelector},
	{"stage-name", "A-Z, a-z, 0-9 and _", "`prod`", "API", mustAgree, func(v string, a *annotated) error { a.api.StageName = v; return CheckStageName(v) }},
	{"throttle-burst", "whole number, 1 to 5000", "the rate, rounded up", "routes with throttle-rate", perRoute, func(v string, a *annotated) (err error) {
		a.route.Throttle.Burst, err = integer(v, 1, 5000)
		return err
	}},
	{"throttle-rate", "requests a second, up to 10000", "the stage's", "routes", perRoute, parseRate},
	{"timeout", "duration, 50ms to 29s", "29s", "routes", perRoute, func(v string, a *annotated) (err error) {
		a.route.Timeout, err = duration(v, 50*time.Millisecond, maxTimeout)
		return err
	}},
}

func (a *annotated) cors() *CORS {
	if a.route.CORS == nil {
		a.route.CORS = &CORS{}
	}
	return a.route.CORS
}

// parseAnnotations reads every annotation under AnnotationPrefix and reports all problems at once.
func parseAnnotations(values map[string]string) (annotated, error) {
	var result annotated
	var problems []error
	for _, key := range sortedKeys(values) {
		name, ours := strings.CutPrefix(key, AnnotationPrefix)
		if !ours {
			continue
		}
		known := slices.IndexFunc(Annotations, func(a Annotation) bool { return a.Name == name })
		if known < 0 {
			problems = append(problems, fmt.Errorf("annotation %q is not known: did you mean %s%s?", key, AnnotationPrefix, nearestAnnotation(name)))
			continue
		}
		if err := Annotations[known].parse(strings.TrimSpace(values[key]), &result); err != nil {
			problems = append(problems, at("annotation "+key, err))
		}
	}
	return result, errors.Join(append(problems, result.route.check())...)
}

func nearestAnnotation(name string) string {
	best, distance := "", -1
	for _, known := range Annotations {
		if d := levenshtein.Distance(name, known.Name, nil); distance < 0 || d < distance {
			best, distance = known.Name, d
		}
	}
	return best
}

var (
	// ARN forms of callers: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
	clientARN      = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(user|role)/[\w+=,.@/-]+)$`)
	certificateARN = regexp.MustCompile(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]+$`)
	domainName     = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
	stageName      = regexp.MustCompile(`^[A-Za-z0-9_]{1,128}$`)
	groupName      = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	headerToken    = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
	corsOrigin     = regexp.MustCompile(`^(\*|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)$`)
	oauthScope     = regexp.MustCompile(`^[!#-\[\]-~]+$`)
	queryName      = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	bodySize       = regexp.MustCompile(`^([0-9]{1,8})([km]?)$`)
)

// CheckClientARN reports why arn cannot be a caller of the API: it must be the ARN of an IAM user
// or role, or of an account's root. Wildcards are refused.
func CheckClientARN(arn string) error {
	switch {
	case arn == "":
		return errors.New("a client ARN is empty: write one such as arn:aws:iam::111122223333:user/client")
	case strings.ContainsAny(arn, "*?"):
		return fmt.Errorf("client ARN %q has a wildcard: name each caller", arn)
	case !clientARN.MatchString(arn):
		return fmt.Errorf("client ARN %q is malformed: write one such as arn:aws:iam::111122223333:user/client", arn)
	}
	return nil
}

// CheckStageName reports why name cannot be a stage: API Gateway allows 1-128 letters, digits and
// underscores (https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html; hyphens are
// left out, because a stage name is also a variable and a metric dimension).
func CheckStageName(name string) error {
	if !stageName.MatchString(name) {
		return fmt.Errorf("stage name %q is not valid: use 1 to 128 of A-Z, a-z, 0-9 and _", name)
	}
	return nil
}

func parseClientARNs(value string, into *annotated) error {
	var problems []error
	for arn := range strings.SplitSeq(value, ",") {
		arn = strings.TrimSpace(arn)
		problems = append(problems, CheckClientARN(arn))
		into.api.ClientARNs = append(into.api.ClientARNs, arn)
	}
	return errors.Join(problems...)
}

func parseProxyPort(value string, into *annotated) (err error) {
	if into.api.ProxyPort, err = integer(value, 1024, 65535); err == nil && into.api.ProxyPort == HealthPort {
		return fmt.Errorf("%d is taken by the proxy's health check: choose another", HealthPort)
	}
	return err
}

func parseNodeSelector(value string, into *annotated) error {
	into.api.NodeSelector = map[string]string{}
	for pair := range strings.SplitSeq(value, ",") {
		key, label, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || key == "" {
			return fmt.Errorf("%q is not a list of key=value pairs such as kubernetes.io/arch=amd64", value)
		}
		into.api.NodeSelector[key] = label
	}
	return nil
}

func parseBodySize(value string, into *annotated) error {
	parts := bodySize.FindStringSubmatch(value)
	if parts == nil {
		return fmt.Errorf("%q is not a size such as 512k or 10m", value)
	}
	size, err := strconv.Atoi(parts[1])
	if err != nil {
		return err
	}
	into.route.MaxBodySize = size * map[string]int{"": 1, "k": 1 << 10, "m": 1 << 20}[parts[2]]
	if into.route.MaxBodySize < 1 || into.route.MaxBodySize > maxBodySize {
		return fmt.Errorf("%q is not from 1 to 10m, the most that API Gateway passes on", value)
	}
	return nil
}

func parseRate(value string, into *annotated) error {
	rate, err := strconv.ParseFloat(value, 64)
	if err != nil || !(rate > 0 && rate <= 10000) {
		return fmt.Errorf("%q is not a number above 0 and up to 10000", value)
	}
	into.route.Throttle.Rate = rate
	return nil
}

func checkCertificateARN(value string) error {
	return matchesOr(value, certificateARN, "the ARN of an ACM certificate")
}

func checkDomain(value string) error { return matchesOr(value, domainName, "a domain name") }

func matchesOr(value string, pattern *regexp.Regexp, what string) error {
	if !pattern.MatchString(value) {
		return fmt.Errorf("%q is not %s", value, what)
	}
	return nil
}

func eachMatches(values []string, pattern *regexp.Regexp, what string) error {
	for _, value := range values {
		if err := matchesOr(value, pattern, what); err != nil {
			return err
		}
	}
	return nil
}

func notEmpty(value string) error {
	if value == "" {
		return errors.New("the value is empty")
	}
	return nil
}

func integer(value string, lowest, highest int) (int, error) {
	number, err := strconv.Atoi(value)
	if err != nil || number < lowest || number > highest {
		return 0, fmt.Errorf("%q is not a whole number from %d to %d", value, lowest, highest)
	}
	return number, nil
}

func boolean(value string) (bool, error) {
	switch value {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is not true or false", value)
}

func duration(value string, shortest, longest time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d < shortest || d > longest {
		return 0, fmt.Errorf("%q is not a duration from %s to %s", value, shortest, longest)
	}
	return d, nil
}

func splitList(value string) []string {
	parts := strings.Split(value, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// CheckDomainName reports why name cannot be a domain of an API: a name of two labels or more, *.name included.
func CheckDomainName(name string) error { return at("domainName", checkDomain(name)) }

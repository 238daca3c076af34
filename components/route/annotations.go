package route

import (
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
)

// AnnotationPrefix is in front of every annotation of this project, as in the original controller.
const AnnotationPrefix = "apigateway.ingress.kubernetes.io/"

// IngressClass is the class that this project serves, in spec.ingressClassName or in the
// annotation kubernetes.io/ingress.class. An Ingress without any class is served as well.
const IngressClass = "apigateway"

const classAnnotation = "kubernetes.io/ingress.class"

// Settings are what the annotations of an Ingress say about the API and its proxy.
// A zero field means that no annotation said anything.
type Settings struct {
	// ClientARNs may call the API: IAM users, roles or accounts (client-arns, separated by commas).
	ClientARNs []string
	// StageName is the API Gateway stage (stage-name).
	StageName string
	// ProxyReplicas is the number of NGINX pods (nginx-replicas).
	ProxyReplicas int
	// ProxyImage is the NGINX container image (nginx-image).
	ProxyImage string
	// ProxyPort is the port on which NGINX listens in its pod (nginx-service-port).
	ProxyPort int
	// NodeSelector places the NGINX pods (node-selector, key=value separated by commas).
	NodeSelector map[string]string
	// CustomDomainName and CertificateARN name the API's own domain (custom-domain-name, certificate-arn).
	CustomDomainName, CertificateARN string
}

// annotation is one row of the table of known annotations.
type annotation struct {
	name  string
	parse func(value string, settings *Settings) error
}

var annotations = []annotation{
	{"certificate-arn", func(v string, s *Settings) error { s.CertificateARN = v; return checkCertificateARN(v) }},
	{"client-arns", parseClientARNs},
	{"custom-domain-name", func(v string, s *Settings) error { s.CustomDomainName = v; return checkDomain(v) }},
	{"nginx-image", func(v string, s *Settings) error { s.ProxyImage = v; return notEmpty(v) }},
	{"nginx-replicas", func(v string, s *Settings) (err error) { s.ProxyReplicas, err = integer(v, 1, 1000); return err }},
	{"nginx-service-port", parseProxyPort},
	{"node-selector", parseNodeSelector},
	{"stage-name", func(v string, s *Settings) error { s.StageName = v; return CheckStageName(v) }},
}

// parseAnnotations reads every annotation under AnnotationPrefix and reports all problems at once.
func parseAnnotations(values map[string]string) (Settings, error) {
	var settings Settings
	var problems []error
	for _, key := range sortedKeys(values) {
		name, ours := strings.CutPrefix(key, AnnotationPrefix)
		if !ours {
			continue
		}
		known := findAnnotation(name)
		if known == nil {
			problems = append(problems, fmt.Errorf("annotation %s is not known: did you mean %s%s?", key, AnnotationPrefix, nearestAnnotation(name)))
			continue
		}
		if err := known.parse(strings.TrimSpace(values[key]), &settings); err != nil {
			problems = append(problems, fmt.Errorf("annotation %s: %w", key, err))
		}
	}
	return settings, errors.Join(problems...)
}

func findAnnotation(name string) *annotation {
	for i := range annotations {
		if annotations[i].name == name {
			return &annotations[i]
		}
	}
	return nil
}

func nearestAnnotation(name string) string {
	best, distance := "", -1
	for _, known := range annotations {
		if d := levenshtein.Distance(name, known.name, nil); distance < 0 || d < distance {
			best, distance = known.name, d
		}
	}
	return best
}

// ARN forms of callers: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
var (
	clientARN      = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(user|role)/[\x21-\x7E]+)$`)
	certificateARN = regexp.MustCompile(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]+$`)
	domainName     = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
	stageName      = regexp.MustCompile(`^[A-Za-z0-9_]{1,128}$`)
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

func parseClientARNs(value string, settings *Settings) error {
	var problems []error
	for arn := range strings.SplitSeq(value, ",") {
		arn = strings.TrimSpace(arn)
		problems = append(problems, CheckClientARN(arn))
		settings.ClientARNs = append(settings.ClientARNs, arn)
	}
	return errors.Join(problems...)
}

func parseProxyPort(value string, settings *Settings) (err error) {
	if settings.ProxyPort, err = integer(value, 1024, 65535); err == nil && settings.ProxyPort == HealthPort {
		return fmt.Errorf("%d is taken by the proxy's health check: choose another", HealthPort)
	}
	return err
}

func parseNodeSelector(value string, settings *Settings) error {
	settings.NodeSelector = map[string]string{}
	for pair := range strings.SplitSeq(value, ",") {
		key, label, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || key == "" {
			return fmt.Errorf("%q is not a list of key=value pairs such as kubernetes.io/arch=amd64", value)
		}
		settings.NodeSelector[key] = label
	}
	return nil
}

func checkCertificateARN(value string) error {
	if !certificateARN.MatchString(value) {
		return fmt.Errorf("%q is not the ARN of an ACM certificate", value)
	}
	return nil
}

func checkDomain(value string) error {
	if !domainName.MatchString(value) {
		return fmt.Errorf("%q is not a domain name", value)
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

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

package route

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Settings are what annotations say about the API as a whole and its proxy. A zero field means that none said anything.
type Settings struct {
	// StageName is the API Gateway stage.
	StageName string
	// ProxyReplicas is the number of NGINX pods, ProxyImage their image, ProxyPort where NGINX listens in its
	// pod, and NodeSelector places them.
	ProxyReplicas int
	ProxyImage    string
	ProxyPort     int
	NodeSelector  map[string]string
	// CustomDomainName and CertificateARN name the API's own domain.
	CustomDomainName, CertificateARN string
}

// HealthPort is where the proxy answers GET /healthz, apart from ProxyPort, so that no route can hide it.
const HealthPort = 8081

var (
	// ARN forms of callers: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
	clientARN  = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(root|(user|role)/[\w+=,.@/-]+)$`)
	domainName = regexp.MustCompile(`^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
	stageName  = regexp.MustCompile(`^[A-Za-z0-9_]{1,128}$`)
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

// CheckDomainName reports why name cannot be a domain of an API: a name of two labels or more, *.name included.
func CheckDomainName(name string) error {
	return At("domainName", matchesOr(name, domainName, "a domain name"))
}

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

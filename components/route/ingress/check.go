package ingress

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
)

var (
	isAuthorizerName    = matching(`^[A-Za-z][A-Za-z0-9_-]{0,127}$`, "iam, none or the name of an authorizer")
	checkCertificateARN = matching(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]+$`, "the ARN of an ACM certificate")
	isOrigin            = matching(`^(\*|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)$`, "an origin such as https://app.example.com")
	// The grammar of image references: https://github.com/distribution/reference/blob/main/reference.go
	checkImage = matching(`^[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$`,
		"a container image such as docker.io/library/nginx:1.30.0")
)

// maxOriginLength is a scheme, the longest name that DNS has, and a port.
const maxOriginLength = 270

func checkOrigin(text string) error {
	if len(text) > maxOriginLength {
		return fmt.Errorf("an origin has %d characters: DNS names have at most 253", len(text))
	}
	return isOrigin(text)
}

// checkAuth refuses words that only look like one of ours.
func checkAuth(text string) error {
	for _, word := range []route.Auth{route.AuthIAM, route.AuthNone} {
		if text != string(word) && strings.EqualFold(text, string(word)) {
			return fmt.Errorf("%q: write %s", text, word)
		}
	}
	return isAuthorizerName(text)
}

func checkMethod(text string) error {
	if !slices.Contains(route.HTTPMethods, text) {
		return fmt.Errorf("%q is not one of %v", text, route.HTTPMethods)
	}
	return nil
}

func checkDomain(text string) error {
	if err := route.CheckDomainName(text); err != nil {
		return errors.Unwrap(err)
	}
	return nil
}

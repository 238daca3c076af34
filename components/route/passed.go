package route

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Headers of which the names have a dot or an underscore vanish in NGINX, because other servers take them for headers with
// dashes: X_Apigw_Caller would be one of ours. Those that a service needs are named one by one, and API Gateway carries them
// under other names, so that no alias of another header passes.

var (
	oddName = regexp.MustCompile(`^[A-Za-z0-9-]*[A-Za-z0-9][._][A-Za-z0-9._-]*$`)
	dashes  = strings.NewReplacer("_", "-", ".", "-")
)

// written are headers that API Gateway, NGINX or HTTP itself decides about, and aliases of them with it.
var written = []string{
	"Authorization", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Host", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade",
	"X-Api-Key", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Proto",
	"X-Amzn-Apigateway-Api-Id",
}

// IsOddHeader says whether NGINX ignores a header for its name.
func IsOddHeader(name string) bool { return strings.ContainsAny(name, "._") }

// CheckOddHeader says why a header with a dot or an underscore in its name cannot be passed on; refused are those of which an
// alias must not pass.
func CheckOddHeader(name string, refused []string) error {
	alias := http.CanonicalHeaderKey(dashes.Replace(name))
	if !oddName.MatchString(name) {
		return fmt.Errorf("%q is not the name of a header of letters, digits, dashes, dots and underscores", name)
	}
	if strings.HasPrefix(alias, "X-Apigw-") || slices.Contains(written, alias) || slices.Contains(TrustedHeaders, alias) ||
		slices.Contains(refused, alias) {
		return fmt.Errorf("%q could be taken for %s, which clients must not write", name, alias)
	}
	return nil
}

// CarrierOf is the header in which API Gateway carries one that NGINX would ignore.
func CarrierOf(name string) string {
	return http.CanonicalHeaderKey("X-Apigw-Pass-" + hex.EncodeToString([]byte(strings.ToLower(name))))
}

package dataplane

import (
	"net/http"
	"strings"
)

// Fate is what API Gateway does with a header.
type Fate string

// A header is dropped, comes with Remapped in front of its name, is written by API Gateway whatever there was, or is dropped
// where it holds a signature for API Gateway.
const (
	Dropped             Fate = "dropped"
	Renamed             Fate = "renamed"
	Written             Fate = "written by API Gateway"
	DroppedIfASignature Fate = "dropped if it is a signature"
)

// Remapped precedes the names of headers that API Gateway renames.
const Remapped = "x-amzn-remapped-"

// HeaderRule says what becomes of one header. All others pass as they are.
type HeaderRule struct {
	Name string
	Fate Fate
	// Believed marks what is known from recordings and reports rather than from AWS's documentation.
	Believed bool
}

// importantNotes is the source of the rules that are not only believed:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html

// ToBackend are the rules for requests of an HTTP proxy integration. A parameter mapping of the integration comes after them.
var ToBackend = []HeaderRule{
	{Name: "Authorization", Fate: DroppedIfASignature},
	{Name: "Connection", Fate: Dropped}, {Name: "Keep-Alive", Fate: Dropped}, {Name: "Proxy-Authenticate", Fate: Dropped},
	{Name: "Proxy-Authorization", Fate: Dropped, Believed: true}, {Name: "Proxy-Connection", Fate: Dropped, Believed: true},
	{Name: "Te", Fate: Dropped}, {Name: "Trailer", Fate: Dropped}, {Name: "Transfer-Encoding", Fate: Dropped},
	{Name: "Upgrade", Fate: Dropped},
	{Name: "Expect", Fate: Dropped}, {Name: "Content-Encoding", Fate: Dropped}, {Name: "Content-Md5", Fate: Dropped},
	{Name: "Max-Forwards", Fate: Dropped}, {Name: "Server", Fate: Dropped}, {Name: "Via", Fate: Dropped},
	{Name: "Www-Authenticate", Fate: Dropped},
	{Name: "X-Forwarded-For", Fate: Written, Believed: true}, {Name: "X-Forwarded-Port", Fate: Written, Believed: true},
	{Name: "X-Forwarded-Proto", Fate: Written, Believed: true}, {Name: "X-Amzn-Apigateway-Api-Id", Fate: Written, Believed: true},
}

// ToClient are the rules for answers.
var ToClient = []HeaderRule{
	{Name: "Authorization", Fate: Renamed}, {Name: "Content-Md5", Fate: Renamed}, {Name: "Max-Forwards", Fate: Renamed},
	{Name: "User-Agent", Fate: Renamed}, {Name: "Www-Authenticate", Fate: Renamed},
	{Name: "Connection", Fate: Renamed, Believed: true}, {Name: "Content-Length", Fate: Renamed, Believed: true},
	{Name: "Date", Fate: Renamed, Believed: true}, {Name: "Server", Fate: Renamed, Believed: true},
	{Name: "X-Amzn-Requestid", Fate: Renamed, Believed: true}, {Name: "X-Amz-Apigw-Id", Fate: Renamed, Believed: true},
	{Name: "Expect", Fate: Dropped}, {Name: "Host", Fate: Dropped}, {Name: "Via", Fate: Dropped},
	{Name: "Keep-Alive", Fate: Dropped}, {Name: "Proxy-Authenticate", Fate: Dropped}, {Name: "Te", Fate: Dropped},
	{Name: "Trailer", Fate: Dropped},
	{Name: "Transfer-Encoding", Fate: Dropped}, {Name: "Upgrade", Fate: Dropped},
}

// applied is a copy of headers after rules.
func applied(header http.Header, rules []HeaderRule) http.Header {
	result := header.Clone()
	for _, rule := range rules {
		values := result[rule.Name]
		if len(values) == 0 || rule.Fate == DroppedIfASignature && !strings.HasPrefix(values[0], "AWS4-HMAC-SHA256") {
			continue
		}
		delete(result, rule.Name)
		if rule.Fate == Renamed {
			result[http.CanonicalHeaderKey(Remapped+rule.Name)] = values
		}
	}
	return result
}

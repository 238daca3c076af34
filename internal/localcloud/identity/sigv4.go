// Package identity answers the two questions of every request: who sent it (Signature Version 4),
// and may they (IAM and resource policies).
package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Key is an access key and its owner.
type Key struct {
	Secret    string
	Active    bool
	Principal Principal
}

// Principal is an IAM user or role, or somebody whom an identity provider vouches for.
type Principal struct {
	ARN, Account, UserName, UserID string
	// Federated is the ARN of the identity provider.
	Federated string
	// Service is the name of an AWS service, for one of its own.
	Service string
}

// Refusal is why a request is not let in. API Gateway answers 403 with the message, and the type in a header.
type Refusal struct{ Type, Message string }

func (r *Refusal) Error() string { return r.Type + ": " + r.Message }

// Verifier checks Signature Version 4 as API Gateway does, in header and query form:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
type Verifier struct {
	Region  string
	Service string
	// Lookup finds an access key by its id.
	Lookup func(id string) (Key, bool)
	Now    func() time.Time
	// Used, unless it is nil, hears of each key with which a request was signed as it should be.
	Used func(id string, at time.Time)

	signingKeys sync.Map
}

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
	// allowedSkew is how far a client's clock may be off.
	allowedSkew = 5 * time.Minute
	maxExpiry   = 7 * 24 * time.Hour
	terminator  = "aws4_request"
)

// claim is what a request says of its own signature.
type claim struct {
	keyID, date, region, service string
	signedHeaders                []string
	signature                    string
	at                           time.Time
	// expires is the validity of a presigned URL; 0 for the header form.
	expires   time.Duration
	presigned bool
}

// Verify returns who signed the request, or why it is refused. body is the request's whole payload.
func (v *Verifier) Verify(r *http.Request, body []byte) (Principal, *Refusal) {
	c, refusal := parseClaim(r)
	if refusal != nil {
		return Principal{}, refusal
	}
	if refusal := v.checkScope(c); refusal != nil {
		return Principal{}, refusal
	}
	if refusal := v.checkTime(c); refusal != nil {
		return Principal{}, refusal
	}
	key, known := v.Lookup(c.keyID)
	if !known || !key.Active || hasSessionToken(r) {
		return Principal{}, &Refusal{"UnrecognizedClientException", "The security token included in the request is invalid."}
	}
	sum := sha256.Sum256(body)
	payload := hex.EncodeToString(sum[:])
	if announced := r.Header.Get("X-Amz-Content-Sha256"); announced != "" && announced != payload {
		return Principal{}, mismatch()
	}
	text := canonicalRequest(r, c, payload)
	digest := sha256.Sum256([]byte(text))
	scope := strings.Join([]string{c.date, c.region, c.service, terminator}, "/")
	toSign := strings.Join([]string{algorithm, c.at.Format(timeFormat), scope, hex.EncodeToString(digest[:])}, "\n")
	expected := hex.EncodeToString(sign(v.signingKey(c, key.Secret), toSign))
	if !hmac.Equal([]byte(expected), []byte(c.signature)) {
		return Principal{}, mismatch()
	}
	if v.Used != nil {
		v.Used(c.keyID, v.Now())
	}
	return key.Principal, nil
}

func mismatch() *Refusal {
	return &Refusal{"InvalidSignatureException", "The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}
}

func hasSessionToken(r *http.Request) bool {
	return r.Header.Get("X-Amz-Security-Token") != "" || r.URL.Query().Has("X-Amz-Security-Token")
}

func parseClaim(r *http.Request) (claim, *Refusal) {
	if authorization := r.Header.Get("Authorization"); authorization != "" {
		return parseHeader(r, authorization)
	}
	if r.URL.Query().Has("X-Amz-Algorithm") {
		return parseQuery(r.URL.Query())
	}
	return claim{}, &Refusal{"MissingAuthenticationTokenException", "Missing Authentication Token"}
}

func incomplete(format string, args ...any) *Refusal {
	return &Refusal{"IncompleteSignatureException", fmt.Sprintf(format, args...)}
}

func parseHeader(r *http.Request, authorization string) (claim, *Refusal) {
	if len(r.Header.Values("Authorization")) > 1 {
		return claim{}, incomplete("Authorization header must be given once")
	}
	fields, isV4 := strings.CutPrefix(authorization, algorithm+" ")
	if !isV4 {
		return claim{}, incomplete("Unsupported AWS 'algorithm' in Authorization header: '%s'", authorization)
	}
	given := map[string]string{}
	for field := range strings.SplitSeq(fields, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(field), "=")
		if _, twice := given[name]; !ok || twice {
			return claim{}, incomplete("'%s' not a valid key=value pair (missing equal-sign) in Authorization header: '%s'.", field, authorization)
		}
		given[name] = value
	}
	for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
		if given[name] == "" {
			return claim{}, incomplete("Authorization header requires '%s' parameter. Authorization=%s", name, algorithm)
		}
	}
	date := r.Header.Get("X-Amz-Date")
	at, err := time.Parse(timeFormat, date)
	if date == "" {
		at, err = http.ParseTime(r.Header.Get("Date"))
	}
	if err != nil {
		return claim{}, incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=%s",
			algorithm)
	}
	return newClaim(claim{signature: given["Signature"], at: at.UTC()}, given["Credential"], given["SignedHeaders"])
}

func parseQuery(query url.Values) (claim, *Refusal) {
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Date"} {
		if len(query[name]) != 1 || query.Get(name) == "" {
			return claim{}, incomplete("AWS query-string parameters must include '%s' once. Re-examine the query-string parameters.", name)
		}
	}
	if query.Get("X-Amz-Algorithm") != algorithm {
		return claim{}, incomplete("Unsupported AWS 'algorithm': '%s'", query.Get("X-Amz-Algorithm"))
	}
	at, err := time.Parse(timeFormat, query.Get("X-Amz-Date"))
	if err != nil {
		return claim{}, incomplete("X-Amz-Date must be in the ISO8601 Long Format yyyyMMdd'T'HHmmss'Z'")
	}
	result := claim{signature: query.Get("X-Amz-Signature"), at: at, presigned: true, expires: allowedSkew}
	if query.Has("X-Amz-Expires") {
		seconds, err := strconv.Atoi(query.Get("X-Amz-Expires"))
		if err != nil || seconds < 0 || time.Duration(seconds)*time.Second > maxExpiry {
			return claim{}, incomplete("X-Amz-Expires must be between 0 and 604800 seconds")
		}
		result.expires = time.Duration(seconds) * time.Second
	}
	return newClaim(result, query.Get("X-Amz-Credential"), query.Get("X-Amz-SignedHeaders"))
}

func newClaim(c claim, credential, signedHeaders string) (claim, *Refusal) {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[4] != terminator {
		return claim{}, incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'",
			credential)
	}
	c.keyID, c.date, c.region, c.service = parts[0], parts[1], parts[2], parts[3]
	c.signedHeaders = strings.Split(signedHeaders, ";")
	if !slices.IsSorted(c.signedHeaders) || !slices.Contains(c.signedHeaders, "host") || signedHeaders != strings.ToLower(signedHeaders) {
		return claim{}, &Refusal{"InvalidSignatureException", "'Host' must be a 'SignedHeader' in the AWS Authorization, and signed " +
			"headers must be sorted and in lower case."}
	}
	return c, nil
}

func (v *Verifier) checkScope(c claim) *Refusal {
	var problems []string
	if c.region != v.Region {
		problems = append(problems, fmt.Sprintf("Credential should be scoped to a valid region, not '%s'. ", c.region))
	}
	if c.service != v.Service {
		problems = append(problems, fmt.Sprintf("Credential should be scoped to correct service: '%s'. ", v.Service))
	}
	if c.date != c.at.Format("20060102") {
		problems = append(problems, fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "+
			"HTTP: '%s' != '%s', from '%s'.",
			c.date, c.at.Format("20060102"), c.at.Format(timeFormat)))
	}
	if len(problems) > 0 {
		return &Refusal{"InvalidSignatureException", strings.Join(problems, "")}
	}
	return nil
}

func (v *Verifier) checkTime(c claim) *Refusal {
	now := v.Now().UTC()
	validity := allowedSkew
	if c.presigned {
		validity = c.expires
	}
	if now.After(c.at.Add(validity)) {
		return &Refusal{"InvalidSignatureException", fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)",
			c.at.Format(timeFormat), now.Add(-validity).Format(timeFormat), now.Format(timeFormat), int(validity.Minutes()))}
	}
	if c.at.After(now.Add(allowedSkew)) {
		return &Refusal{"InvalidSignatureException", fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %d min.)",
			c.at.Format(timeFormat), now.Add(allowedSkew).Format(timeFormat), now.Format(timeFormat), int(allowedSkew.Minutes()))}
	}
	return nil
}

func canonicalRequest(r *http.Request, c claim, payload string) string {
	var b strings.Builder
	b.WriteString(r.Method)
	b.WriteByte('\n')
	b.WriteString(escape(NormalPath(r.URL.EscapedPath()), true))
	b.WriteByte('\n')
	b.WriteString(canonicalQuery(r.URL.RawQuery))
	b.WriteByte('\n')
	for _, name := range c.signedHeaders {
		b.WriteString(name)
		b.WriteByte(':')
		b.WriteString(headerValue(r, name))
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	b.WriteString(strings.Join(c.signedHeaders, ";"))
	b.WriteByte('\n')
	b.WriteString(payload)
	return b.String()
}

// NormalPath is an encoded path without empty segments, "." and "..", which is what services other than S3 sign; the
// canonical request encodes it once more. The slash at the end stays, except behind a dot segment, as in botocore's signer:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request
func NormalPath(escaped string) string {
	var kept []string
	for segment := range strings.SplitSeq(escaped, "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, segment)
		}
	}
	path := "/" + strings.Join(kept, "/")
	if strings.HasSuffix(escaped, "/") && len(kept) > 0 {
		path += "/"
	}
	return path
}

func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	values := r.Header.Values(name)
	trimmed := make([]string, len(values))
	for i, value := range values {
		trimmed[i] = strings.Join(strings.Fields(value), " ")
	}
	return strings.Join(trimmed, ",")
}

func canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	var pairs []string
	for part := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		name, value = decoded(name), decoded(value)
		if part == "" || name == "X-Amz-Signature" {
			continue
		}
		pairs = append(pairs, escape(name, false)+"="+escape(value, false))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func decoded(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// escape encodes everything but the unreserved characters of RFC 3986 and, in paths, slashes.
func escape(text string, isPath bool) string {
	const hexDigits = "0123456789ABCDEF"
	plain := true
	for i := range len(text) {
		if !unreserved(text[i], isPath) {
			plain = false
			break
		}
	}
	if plain {
		return text
	}
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; unreserved(c, isPath) {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
	return b.String()
}

func unreserved(c byte, isPath bool) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~' || isPath && c == '/'
}

// signingKey is kept for the day: deriving it costs four hashes.
func (v *Verifier) signingKey(c claim, secret string) []byte {
	name := strings.Join([]string{secret, c.date, c.region, c.service}, "\x00")
	if known, ok := v.signingKeys.Load(name); ok {
		return known.([]byte)
	}
	key := sign(sign(sign(sign([]byte("AWS4"+secret), c.date), c.region), c.service), terminator)
	v.signingKeys.Store(name, key)
	return key
}

func sign(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

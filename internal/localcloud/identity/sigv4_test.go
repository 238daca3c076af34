package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

var alice = Key{Secret: "alice's secret", Active: true, Principal: Principal{ARN: "arn:aws:iam::111122223333:user/alice"}}

func verifier() *Verifier {
	return &Verifier{Region: "us-east-1", Service: "execute-api", Now: func() time.Time { return now }, Lookup: func(id string) (Key, bool) {
		switch id {
		case "AKIAALICE":
			return alice, true
		case "AKIAINACTIVE":
			inactive := alice
			inactive.Active = false
			return inactive, true
		}
		return Key{}, false
	}}
}

// signing is what a client does, with the AWS SDK's own signer.
type signing struct {
	method, url, body           string
	keyID, secret, region, name string
	at                          time.Time
	presign                     bool
	prepare, tamper             func(*http.Request)
}

func good() signing {
	return signing{method: http.MethodGet, url: "http://127.0.0.1:8000/prod/api/book/list", keyID: "AKIAALICE", secret: alice.Secret,
		region: "us-east-1", name: "execute-api", at: now}
}

// arrive signs a request and parses it as a server would.
func (s signing) arrive(t *testing.T) (*http.Request, []byte) {
	t.Helper()
	request, err := http.NewRequest(s.method, s.url, strings.NewReader(s.body))
	require.NoError(t, err)
	if s.prepare != nil {
		s.prepare(request)
	}
	sum := sha256.Sum256([]byte(s.body))
	credentials := aws.Credentials{AccessKeyID: s.keyID, SecretAccessKey: s.secret}
	if s.presign {
		query := request.URL.Query()
		query.Set("X-Amz-Expires", "300")
		request.URL.RawQuery = query.Encode()
		signed, headers, err := v4.NewSigner().PresignHTTP(context.Background(), credentials, request, hex.EncodeToString(sum[:]), s.name,
			s.region, s.at)
		require.NoError(t, err)
		request, err = http.NewRequest(s.method, signed, strings.NewReader(s.body))
		require.NoError(t, err)
		for name, values := range headers {
			request.Header[name] = values
		}
	} else {
		require.NoError(t, v4.NewSigner().SignHTTP(context.Background(), credentials, request, hex.EncodeToString(sum[:]), s.name, s.region,
			s.at))
	}
	if s.tamper != nil {
		s.tamper(request)
	}
	arrived := httptest.NewRequest(request.Method, request.URL.RequestURI(), nil)
	arrived.Host, arrived.Header, arrived.ContentLength = request.Host, request.Header, int64(len(s.body))
	if arrived.Host == "" {
		arrived.Host = request.URL.Host
	}
	body, err := io.ReadAll(request.Body)
	require.NoError(t, err)
	return arrived, body
}

func TestRealClientsAreAccepted(t *testing.T) {
	for name, change := range map[string]func(*signing){
		"plain":        func(*signing) {},
		"query":        func(s *signing) { s.url += "?b=2&a=1&a=0&empty=&plus=a+b&enc=%2F%20%C3%A9" },
		"encoded path": func(s *signing) { s.url = "http://127.0.0.1:8000/prod/a%20b/%C3%A9/c%2Fd" },
		"root":         func(s *signing) { s.url = "http://127.0.0.1:8000" },
		"body":         func(s *signing) { s.method, s.body = http.MethodPost, `{"a":1}` },
		"extra headers": func(s *signing) {
			s.prepare = func(r *http.Request) { r.Header.Add("X-Amz-Meta", "  a   b "); r.Header.Add("X-Amz-Meta", "c") }
		},
		"presigned":         func(s *signing) { s.presign = true },
		"presigned query":   func(s *signing) { s.presign = true; s.url += "?b=2&a=1" },
		"clock 4 min late":  func(s *signing) { s.at = now.Add(-4 * time.Minute) },
		"clock 4 min early": func(s *signing) { s.at = now.Add(4 * time.Minute) },
		"unsigned header":   func(s *signing) { s.tamper = func(r *http.Request) { r.Header.Set("X-Added", "later") } },
	} {
		t.Run(name, func(t *testing.T) {
			s := good()
			change(&s)
			request, body := s.arrive(t)
			principal, refusal := verifier().Verify(request, body)
			require.Nil(t, refusal)
			require.Equal(t, alice.Principal, principal)
		})
	}
}

func TestHostileRequestsAreRefused(t *testing.T) {
	authorization := func(change func(string) string) func(*signing) {
		return func(s *signing) {
			s.tamper = func(r *http.Request) { r.Header.Set("Authorization", change(r.Header.Get("Authorization"))) }
		}
	}
	const (
		missing    = "MissingAuthenticationTokenException"
		incomplete = "IncompleteSignatureException"
		invalid    = "InvalidSignatureException"
		unknown    = "UnrecognizedClientException"
	)
	for name, c := range map[string]struct {
		change func(*signing)
		want   string
	}{
		"unsigned":        {authorization(func(string) string { return "" }), missing},
		"other scheme":    {authorization(func(string) string { return "Bearer abc" }), incomplete},
		"other algorithm": {authorization(func(a string) string { return strings.Replace(a, "SHA256", "SHA1", 1) }), incomplete},
		"no signature":    {authorization(func(a string) string { return a[:strings.Index(a, ", Signature")] }), incomplete},
		"no credential": {authorization(func(a string) string { return strings.Replace(a, "Credential=", "Credentials=", 1) }),
			incomplete},
		"short credential":     {authorization(func(a string) string { return strings.Replace(a, "/aws4_request", "", 1) }), incomplete},
		"twice the same field": {authorization(func(a string) string { return a + ", Signature=0" }), incomplete},
		"empty signature":      {authorization(func(a string) string { return a[:strings.Index(a, "Signature=")] + "Signature=" }), incomplete},
		"cut signature":        {authorization(func(a string) string { return a[:len(a)-1] }), invalid},
		"upper-case signature": {authorization(func(a string) string {
			i := strings.Index(a, "Signature=")
			return a[:i+10] + strings.ToUpper(a[i+10:])
		}), invalid},
		"host not signed": {authorization(func(a string) string { return strings.Replace(a, "host;", "", 1) }), invalid},
		"unsorted signed headers": {authorization(func(a string) string {
			return strings.Replace(a, "SignedHeaders=", "SignedHeaders=x-z;",
				1)
		}), invalid},
		"expired":         {func(s *signing) { s.at = now.Add(-6 * time.Minute) }, invalid},
		"from the future": {func(s *signing) { s.at = now.Add(6 * time.Minute) }, invalid},
		"other region":    {func(s *signing) { s.region = "eu-west-1" }, invalid},
		"other service":   {func(s *signing) { s.name = "s3" }, invalid},
		"other secret":    {func(s *signing) { s.secret = "guess" }, invalid},
		"unknown key":     {func(s *signing) { s.keyID = "AKIANOBODY" }, unknown},
		"inactive key":    {func(s *signing) { s.keyID = "AKIAINACTIVE" }, unknown},
		"session token":   {func(s *signing) { s.tamper = func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "x") } }, unknown},
		"other method":    {func(s *signing) { s.tamper = func(r *http.Request) { r.Method = http.MethodDelete } }, invalid},
		"other path":      {func(s *signing) { s.tamper = func(r *http.Request) { r.URL.Path = "/prod/api/author/list" } }, invalid},
		"query added":     {func(s *signing) { s.tamper = func(r *http.Request) { r.URL.RawQuery = "admin=1" } }, invalid},
		"query repeated": {func(s *signing) { s.url += "?a=1"; s.tamper = func(r *http.Request) { r.URL.RawQuery = "a=1&a=1" } },
			invalid},
		"other host": {func(s *signing) { s.tamper = func(r *http.Request) { r.Host = "evil.example.com" } }, invalid},
		"other body": {func(s *signing) {
			s.method, s.body = http.MethodPost, "a"
			s.tamper = func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("b")) }
		}, invalid},
		"other payload hash": {func(s *signing) {
			s.tamper = func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("0", 64)) }
		}, invalid},
		"other date": {func(s *signing) {
			s.tamper = func(r *http.Request) { r.Header.Set("X-Amz-Date", now.Add(time.Minute).Format(timeFormat)) }
		}, invalid},
		"yesterday's scope": {func(s *signing) {
			s.tamper = func(r *http.Request) { r.Header.Set("X-Amz-Date", now.AddDate(0, 0, 1).Format(timeFormat)) }
		}, invalid},
		"no date": {func(s *signing) { s.tamper = func(r *http.Request) { r.Header.Del("X-Amz-Date") } }, incomplete},
		"signed header changed": {func(s *signing) {
			s.prepare = func(r *http.Request) { r.Header.Set("X-Amz-Meta", "a") }
			s.tamper = func(r *http.Request) { r.Header.Set("X-Amz-Meta", "b") }
		}, invalid},
		"signed header doubled": {func(s *signing) {
			s.prepare = func(r *http.Request) { r.Header.Set("X-Amz-Meta", "a") }
			s.tamper = func(r *http.Request) { r.Header.Add("X-Amz-Meta", "a") }
		}, invalid},
		"two authorizations": {func(s *signing) { s.tamper = func(r *http.Request) { r.Header.Add("Authorization", "x") } }, incomplete},
		"presigned, expired": {func(s *signing) { s.presign = true; s.at = now.Add(-301 * time.Second) }, invalid},
		"presigned, tampered": {func(s *signing) { s.presign = true; s.tamper = func(r *http.Request) { r.URL.RawQuery += "&admin=1" } },
			invalid},
		"presigned, longer life": {func(s *signing) {
			s.presign = true
			s.tamper = func(r *http.Request) {
				r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "Expires=300", "Expires=604800", 1)
			}
		}, invalid},
		"presigned, absurd life": {func(s *signing) {
			s.presign = true
			s.tamper = func(r *http.Request) {
				r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "Expires=300", "Expires=604801", 1)
			}
		}, incomplete},
		"presigned, two dates": {func(s *signing) {
			s.presign = true
			s.tamper = func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Date=20260101T000000Z" }
		}, incomplete},
	} {
		t.Run(name, func(t *testing.T) {
			s := good()
			c.change(&s)
			request, body := s.arrive(t)
			_, refusal := verifier().Verify(request, body)
			require.NotNil(t, refusal)
			require.Equal(t, c.want, refusal.Type, refusal.Message)
		})
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKIAALICE/20261123/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=0", "a=1")
	f.Add("", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%2F")
	f.Fuzz(func(t *testing.T, authorization, query string) {
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.URL.RawQuery = query
		request.Header.Set("Authorization", authorization)
		request.Header.Set("X-Amz-Date", now.Format(timeFormat))
		if _, refusal := verifier().Verify(request, nil); refusal == nil {
			t.Fatal("nobody knows the secret")
		}
	})
}

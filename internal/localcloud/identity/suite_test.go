package identity

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Requests with the key, the time and the signatures of AWS's own test suite for Signature Version 4:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-test-suite.html
func TestSignaturesOfTheSuite(t *testing.T) {
	const (
		date    = "20150830T123600Z"
		vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
	)
	at, err := time.Parse(timeFormat, date)
	assert.NoError(t, err)
	verifier := &Verifier{Region: "us-east-1", Service: "service", Now: func() time.Time { return at }, Lookup: func(string) (Key, bool) {
		return Key{Secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", Active: true}, true
	}}
	for _, c := range []struct {
		name, method, target, signed string
		header                       http.Header
		body, signature              string
	}{
		{"get-vanilla", "GET", "/", "", nil, "", vanilla},
		{"get-relative", "GET", "/example/..", "", nil, "", vanilla},
		{"get-relative-relative", "GET", "/example1/example2/../..", "", nil, "", vanilla},
		{"get-slash", "GET", "//", "", nil, "", vanilla},
		{"get-slash-dot-slash", "GET", "/./", "", nil, "", vanilla},
		{"get-slash-pointless-dot", "GET", "/./example", "", nil, "", "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
		{"get-slashes", "GET", "//example//", "", nil, "", "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
		{"get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", "", nil, "",
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"get-vanilla-empty-query-key", "GET", "/?Param1=value1", "", nil, "",
			"a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
		{"get-header-value-trim", "GET", "/", "my-header1;my-header2;",
			http.Header{"My-Header1": {" value1"}, "My-Header2": {` "a   b   c"`}}, "",
			"acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
		{"post-vanilla", "POST", "/", "", nil, "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"post-x-www-form-urlencoded", "POST", "/", "content-type;", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
			"Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := httptest.NewRequest(c.method, "http://example.amazonaws.com"+c.target, strings.NewReader(c.body))
			for name, values := range c.header {
				request.Header[name] = values
			}
			before, after, _ := strings.Cut(c.signed, "my-")
			signed := before + "host;"
			if after != "" {
				signed += "my-" + after
			}
			request.Header.Set("X-Amz-Date", date)
			request.Header.Set("Authorization", algorithm+" Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders="+
				signed+"x-amz-date, Signature="+c.signature)
			_, refusal := verifier.Verify(request, []byte(c.body))
			assert.Nil(t, refusal)
		})
	}
}

// What is encoded on the wire is encoded a second time, and dots that are encoded are no dot segments.
func TestCanonicalPath(t *testing.T) {
	for path, want := range map[string]string{
		"":                 "/",
		"/a b/":            "/a%2520b/",
		"/ሴ":               "/%25E1%2588%25B4",
		"/a%2Fb":           "/a%252Fb",
		"/a%2e%2e/b":       "/a%252e%252e/b",
		"/%2e%2e/b":        "/%252e%252e/b",
		"/a/../../b":       "/b",
		"/a//b/./c/../d/":  "/a/b/d/",
		"/~user/A-Z_0.9":   "/~user/A-Z_0.9",
		"/prod/api/*:list": "/prod/api/%2A%3Alist",
	} {
		asked, err := url.Parse("http://example.com" + strings.ReplaceAll(path, " ", "%20"))
		assert.NoError(t, err)
		assert.Equal(t, want, escape(NormalPath(asked.EscapedPath()), true), path)
	}
}

// Package apiclient signs requests to a stack's API with the key of the stack's client user.
package apiclient

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/identity"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
)

// Transport signs requests with Signature Version 4 and sends them. Bodies are read into memory, because their digest is
// signed before they are sent.
type Transport struct {
	Credentials aws.Credentials
	Region      string
	// Base sends what is signed; nil is http.DefaultTransport.
	Base http.RoundTripper
}

// ErrNoClient says that a stack has no client user, whose key could sign.
var ErrNoClient = errors.New("the stack has no client user: set its config clientUser to true")

// New makes a Transport from a stack's outputs, with secrets in plain text.
func New(outputs auto.OutputMap) (*Transport, error) {
	id, _ := outputs["clientAccessKeyId"].Value.(string)
	secret, _ := outputs["clientSecretAccessKey"].Value.(string)
	region, _ := outputs["region"].Value.(string)
	if id == "" || secret == "" {
		return nil, ErrNoClient
	}
	return &Transport{Credentials: aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}, Region: region}, nil
}

// RoundTrip signs and sends a request. One that a redirect leads to another host is sent without a signature.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	if origin(r).URL.Host != r.URL.Host {
		return base.RoundTrip(r)
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, errors.Join(err, r.Body.Close())
		}
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
	}
	// A RoundTripper must not change the request that it is given.
	signed := r.Clone(r.Context())
	if len(body) > 0 {
		signed.Body = io.NopCloser(bytes.NewReader(body))
	}
	sum := sha256.Sum256(body)
	// The SDK's signer takes the path as it is sent; API Gateway compares the normalized one.
	signed.URL.Opaque = "//" + r.URL.Host + identity.NormalPath(r.URL.EscapedPath())
	if err := v4.NewSigner().SignHTTP(r.Context(), t.Credentials, signed, hex.EncodeToString(sum[:]), "execute-api", t.Region,
		time.Now()); err != nil {
		return nil, err
	}
	signed.URL.Opaque = r.URL.Opaque
	return base.RoundTrip(signed)
}

// origin is the request that redirects have led to r.
func origin(r *http.Request) *http.Request {
	for r.Response != nil && r.Response.Request != nil {
		r = r.Response.Request
	}
	return r
}

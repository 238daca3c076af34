// Package cognito stands for Cognito user pools: it signs tokens and checks them, and knows no users.
package cognito

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/internal/wholefile"
	"github.com/golang-jwt/jwt/v5"
)

// Pools are the user pools of one local cloud, each with a key that is made when it is first asked for.
type Pools struct {
	path string
	mu   sync.Mutex
	keys map[string]*rsa.PrivateKey
}

// Claims are what a token says. Scope is empty in an ID token.
type Claims struct {
	TokenUse string `json:"token_use"`
	Scope    string `json:"scope,omitempty"`
	Username string `json:"cognito:username,omitempty"`
	jwt.RegisteredClaims
}

const keyBits = 2048

// Open reads the keys that were made so far.
func Open(path string) (*Pools, error) {
	p := &Pools{path: path, keys: map[string]*rsa.PrivateKey{}}
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	stored := map[string][]byte{}
	if err := json.Unmarshal(content, &stored); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w; remove it to start anew", path, err)
	}
	for pool, encoded := range stored {
		if p.keys[pool], err = x509.ParsePKCS1PrivateKey(encoded); err != nil {
			return nil, fmt.Errorf("%s: pool %s: %w", path, pool, err)
		}
	}
	return p, nil
}

func (p *Pools) key(pool string) (*rsa.PrivateKey, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.keys[pool]; known != nil {
		return known, nil
	}
	made, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, err
	}
	p.keys[pool] = made
	stored := map[string][]byte{}
	for name, key := range p.keys {
		stored[name] = x509.MarshalPKCS1PrivateKey(key)
	}
	content, err := json.Marshal(stored)
	if err != nil {
		return nil, err
	}
	return made, wholefile.Write(p.path, content)
}

// issuer is a pool's: https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
func issuer(poolARN string) string {
	parts := strings.Split(poolARN+":::::", ":")
	return fmt.Sprintf("https://cognito-idp.%s.amazonaws.com/%s", parts[3], strings.TrimPrefix(parts[5], "userpool/"))
}

// Token makes a token for a user: an access token when it has scopes, an ID token otherwise.
func (p *Pools) Token(poolARN, user string, scopes []string, now time.Time, life time.Duration) (string, error) {
	key, err := p.key(poolARN)
	if err != nil {
		return "", err
	}
	claims := Claims{TokenUse: "id", Username: user, RegisteredClaims: jwt.RegisteredClaims{
		Issuer: issuer(poolARN), Subject: user, IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(life)),
	}}
	if len(scopes) > 0 {
		claims.TokenUse, claims.Scope = "access", strings.Join(scopes, " ")
	}
	return jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(key)
}

// Errors of Verify.
var (
	ErrInvalid = errors.New("the token is not valid")
	ErrExpired = errors.New("the token has expired")
)

// Verify checks a token against the pools. With scopes it must be an access token that has one of them, and
// without an ID token.
func (p *Pools) Verify(token string, poolARNs, scopes []string, now time.Time) (*Claims, error) {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}),
		jwt.WithTimeFunc(func() time.Time { return now }), jwt.WithExpirationRequired())
	problem := ErrInvalid
	for _, pool := range poolARNs {
		key, err := p.key(pool)
		if err != nil {
			return nil, err
		}
		claims := &Claims{}
		_, err = parser.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return &key.PublicKey, nil })
		if errors.Is(err, jwt.ErrTokenExpired) {
			problem = ErrExpired
		}
		if err != nil || claims.Issuer != issuer(pool) {
			continue
		}
		if len(scopes) == 0 && claims.TokenUse == "id" {
			return claims, nil
		}
		if claims.TokenUse == "access" && slices.ContainsFunc(strings.Fields(claims.Scope),
			func(s string) bool { return slices.Contains(scopes, s) }) {
			return claims, nil
		}
	}
	return nil, problem
}

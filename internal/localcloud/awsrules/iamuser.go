package awsrules

import (
	"crypto/rand"
	"encoding/base64"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
)

// Type tokens of users, their policies and access keys.
const (
	User       = "aws:iam/user:User"
	UserPolicy = "aws:iam/userPolicy:UserPolicy"
	AccessKey  = "aws:iam/accessKey:AccessKey"
)

var ofUser = ref{path: "user", to: User, missing: "NoSuchEntity", inUse: deleteConflict}

var user = &rule{
	token: User, args: (*iam.UserArgs)(nil), resource: (*iam.User)(nil), id: byName,
	autoName: "name", maxName: 64, unique: "name", replace: []string{"name"}, defaults: properties{"path": "/"},
	outputs: userOutputs, createTakes: 2 * time.Second,
}

func userOutputs(c *call) properties {
	return properties{"arn": c.arn("iam", "", "user"+c.text("path")+c.object.ID), "uniqueId": "AIDA" + upperHash(c.object.ID, 17)}
}

var userPolicy = &rule{
	token: UserPolicy, args: (*iam.UserPolicyArgs)(nil), resource: (*iam.UserPolicy)(nil), autoName: "name",
	id:      func(c *call) string { return c.text("user") + ":" + c.text("name") },
	replace: []string{"name", "user"}, refs: []ref{ofUser}, check: checkPolicy("policy"),
}

var accessKey = &rule{
	token: AccessKey, args: (*iam.AccessKeyArgs)(nil), resource: (*iam.AccessKey)(nil),
	id:      func(*call) string { return "AKIA" + upperHash(randomHex(32), 16) },
	replace: []string{"user", "pgpKey"}, refs: []ref{ofUser}, defaults: properties{"status": "Active"},
	prepare: atMostTwoKeys, outputs: secretKey,
}

// maxAccessKeys is IAM's quota for a user.
const maxAccessKeys = 2

func atMostTwoKeys(c *call) error {
	keys := 0
	for _, key := range c.store.List(AccessKey) {
		if key.Text("user") == c.text("user") && key.ID != c.object.ID {
			keys++
		}
	}
	if keys >= maxAccessKeys {
		return apiError("LimitExceeded", "cannot exceed quota for AccessKeysPerUser: %d", maxAccessKeys)
	}
	return nil
}

func secretKey(c *call) properties {
	if existing := c.text("secret"); existing != "" {
		return properties{"secret": existing}
	}
	buffer := make([]byte, 30)
	_, _ = rand.Read(buffer) // never fails: https://pkg.go.dev/crypto/rand#Read
	return properties{"secret": base64.StdEncoding.EncodeToString(buffer)}
}

package awsrules

import (
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
)

// PodIdentityAssociation is the type token of what gives a service account a role.
const (
	PodIdentityAssociation = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
	accessEntryType        = "aws:eks/accessEntry:AccessEntry"
)

var accessEntry = &rule{
	token: accessEntryType, args: (*eks.AccessEntryArgs)(nil), resource: (*eks.AccessEntry)(nil), id: accessEntryID,
	replace: []string{"clusterName", "principalArn", "type"}, refs: []ref{ofCluster}, prepare: isNew("AccessEntry"),
	outputs: accessEntryOutputs,
}

func accessEntryID(c *call) string { return c.text("clusterName") + ":" + c.text("principalArn") }

func accessEntryOutputs(c *call) properties {
	return properties{"accessEntryArn": c.regional("eks", "access-entry/"+c.text("clusterName")+"/"+lowerHash(c.object.ID, 36))}
}

var accessPolicyAssociation = &rule{
	token: "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
	args:  (*eks.AccessPolicyAssociationArgs)(nil), resource: (*eks.AccessPolicyAssociation)(nil),
	id: func(c *call) string {
		return c.text("clusterName") + "#" + c.text("principalArn") + "#" + c.text("policyArn")
	},
	replace: []string{"clusterName", "principalArn", "policyArn"}, refs: []ref{ofCluster}, prepare: principalHasEntry,
}

func principalHasEntry(c *call) error {
	if c.store.Get(accessEntryType, accessEntryID(c)) == nil {
		return apiError("ResourceNotFoundException", "The specified principalArn could not be found: %s", c.text("principalArn"))
	}
	if !strings.HasPrefix(c.text("policyArn"), "arn:"+Partition(c.region)+":eks::aws:cluster-access-policy/") {
		return apiError("InvalidParameterException", "The policyArn is not valid: %s", c.text("policyArn"))
	}
	return nil
}

var podIdentityAssociation = &rule{
	token: PodIdentityAssociation, args: (*eks.PodIdentityAssociationArgs)(nil), resource: (*eks.PodIdentityAssociation)(nil),
	id:      randomID("a-", 17),
	replace: []string{"clusterName", "namespace", "serviceAccount"},
	refs:    []ref{ofCluster, {path: "roleArn", to: Role, attr: "arn", missing: "InvalidParameterException"}},
	prepare: associationIsNew, outputs: podIdentityOutputs,
}

func associationIsNew(c *call) error {
	for _, other := range c.store.List(PodIdentityAssociation) {
		if other.ID != c.object.ID && sameInputs(other, c.object, "clusterName", "namespace", "serviceAccount") {
			return apiError(resourceInUse, "Association already exists: %s", other.ID)
		}
	}
	return nil
}

func podIdentityOutputs(c *call) properties {
	return properties{"associationId": c.object.ID, "associationArn": c.regional("eks", "podidentityassociation/"+c.text("clusterName")+
		"/"+c.object.ID)}
}

func sameInputs(a, b *store.Object, names ...string) bool {
	for _, name := range names {
		if a.Inputs[name] != b.Inputs[name] {
			return false
		}
	}
	return true
}

// isNew refuses a second object with the id of one that exists.
func isNew(what string) func(*call) error {
	return func(c *call) error {
		if c.isNew() && c.store.Get(c.rule.token, c.object.ID) != nil {
			return apiError(resourceInUse, "%s %s already exists", what, c.object.ID)
		}
		return nil
	}
}

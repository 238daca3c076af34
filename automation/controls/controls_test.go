package controls

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/apigateway-ingress/apigateway-ingress/policies"
	"github.com/stretchr/testify/require"
)

func judged(t *testing.T, id string, resources ...policies.Resource) Control {
	t.Helper()
	for _, c := range Judge(resources) {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("no control %s", id)
	return Control{}
}

type object = map[string]any

// Each control fails for what it speaks against, holds for what it asks for, and says nothing of a stack without either.
func TestControls(t *testing.T) {
	of := func(token string, inputs object) policies.Resource {
		return policies.Resource{Type: token, Name: "x", Inputs: inputs}
	}
	type list = []policies.Resource
	hops := func(tokens string) list {
		return list{of(template, object{"metadataOptions": object{"httpTokens": tokens}})}
	}
	cases := map[string]struct{ bad, good list }{
		"APIGateway.1": {
			list{of(stage, nil), of(methodSettings, object{"settings": object{"loggingLevel": "ERROR"}}),
				of(methodSettings, object{"settings": object{}})},
			list{of(stage, nil), of(methodSettings, object{"settings": object{"loggingLevel": "INFO"}})},
		},
		"APIGateway.2": {list{of(stage, nil)}, list{of(stage, object{"clientCertificateId": "a"})}},
		"APIGateway.3": {list{of(stage, nil)}, list{of(stage, object{"xrayTracingEnabled": true})}},
		"APIGateway.4": {list{of(stage, nil)}, list{of(stage, nil), of("aws:wafv2/webAclAssociation:WebAclAssociation", nil)}},
		"APIGateway.5": {list{of(methodSettings, object{"settings": object{"cachingEnabled": true}})},
			list{of(methodSettings, object{"settings": object{"cachingEnabled": true, "cacheDataEncrypted": true}})}},
		"CloudWatch.16": {list{of("aws:cloudwatch/logGroup:LogGroup", object{"retentionInDays": 30.0})},
			list{of("aws:cloudwatch/logGroup:LogGroup", object{"retentionInDays": 365.0}),
				of("aws:cloudwatch/logGroup:LogGroup", object{"retentionInDays": 0.0})}},
		"EC2.2":  {list{of(vpc, nil)}, list{of(vpc, nil), of("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", nil)}},
		"EC2.6":  {list{of(vpc, nil)}, list{of(vpc, nil), of("aws:ec2/flowLog:FlowLog", nil)}},
		"EC2.8":  {hops("optional"), hops("required")},
		"EC2.15": {list{of("aws:ec2/subnet:Subnet", object{"mapPublicIpOnLaunch": true})}, list{of("aws:ec2/subnet:Subnet", nil)}},
		"EC2.25": {list{of(template, object{"networkInterfaces": []any{object{"associatePublicIpAddress": "true"}}})},
			list{of(template, nil)}},
		"EKS.1": {list{of(cluster, object{"vpcConfig": object{}})},
			list{of(cluster, object{"vpcConfig": object{"endpointPublicAccess": false}})}},
		"EKS.3": {list{of(cluster, nil)}, list{of(cluster, object{"encryptionConfig": object{}})}},
		"EKS.8": {list{of(cluster, object{"enabledClusterLogTypes": []any{"api"}})},
			list{of(cluster, object{"enabledClusterLogTypes": []any{"api", "audit"}})}},
		"ELB.6":  {list{of(balancer, nil)}, list{of(balancer, object{"enableDeletionProtection": true})}},
		"ELB.13": {list{of(balancer, object{"subnets": []any{"a"}})}, list{of(balancer, object{"subnets": []any{"a", "b"}})}},
		"ELB.17": {list{of(listener, object{"protocol": "TLS", "sslPolicy": "ELBSecurityPolicy-2016-08"})},
			list{of(listener, object{"protocol": "TLS", "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06"})}},
		"ELB.18": {list{of(listener, object{"protocol": "TCP"})}, list{of(listener, object{"protocol": "TLS"})}},
		"IAM.2":  {list{of("aws:iam/userPolicy:UserPolicy", nil)}, nil},
		"KMS.4":  {list{of(key, nil)}, list{of(key, object{"enableKeyRotation": true})}},
		"WAF.10": {list{of(webACL, nil)}, list{of(webACL, object{"rules": []any{object{}}})}},
		"WAF.11": {list{of(webACL, nil)}, list{of(webACL, nil),
			of("aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration", nil)}},
	}
	require.Len(t, cases, len(table))
	for id, c := range cases {
		bad := judged(t, id, c.bad...)
		require.Equal(t, Fails, bad.Outcome, id)
		require.NotEmpty(t, bad.Failing, id)
		if c.good != nil {
			require.Equal(t, Holds, judged(t, id, c.good...).Outcome, id)
		}
		require.Equal(t, NotApplicable, judged(t, id).Outcome, id)
	}
}

// A key that a control names exists, and the profile sets it, unless it takes something of the user's.
func TestControlsNameKeysOfTheProfile(t *testing.T) {
	schema, err := os.ReadFile("../../Pulumi.yaml")
	require.NoError(t, err)
	hardened := settings.Hardened(reflect.TypeFor[platform.Args]())
	for _, c := range Judge(nil) {
		if c.Key == "" {
			continue
		}
		require.True(t, strings.Contains(string(schema), "\n  "+c.Key+":\n"), "%s names %s", c.ID, c.Key)
		if c.Key != "balancerCertificateArn" && c.Key != "clientUser" {
			require.True(t, slices.Contains(hardened, c.Key), "the profile does not set %s of %s", c.Key, c.ID)
		}
	}
}

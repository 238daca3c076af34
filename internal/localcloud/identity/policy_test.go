package identity

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func requestOf(arn, account string) Request {
	return Request{
		Principal: Principal{ARN: arn, Account: account},
		Action:    "execute-api:Invoke",
		Resource:  "arn:aws:execute-api:us-east-1:111122223333:abc/prod/GET/api/book/list",
		Context: map[string][]string{
			"aws:principalarn": {arn}, "aws:principalaccount": {account}, "aws:sourceip": {"10.1.2.3"},
			"aws:username": {"alice"}, "aws:currenttime": {"2026-11-23T12:00:00Z"}, "aws:principaltag/team": {"a", "b"},
		},
	}
}

const aliceARN, bobARN = "arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:user/bob"

func TestStatements(t *testing.T) {
	for name, c := range map[string]struct {
		statement string
		want      Decision
	}{
		"everything":         {`"Effect":"Allow","Action":"*","Resource":"*"`, Allow},
		"deny":               {`"Effect":"Deny","Action":"*","Resource":"*"`, Deny},
		"action in any case": {`"Effect":"Allow","Action":"Execute-API:invoke","Resource":"*"`, Allow},
		"other action":       {`"Effect":"Allow","Action":"execute-api:ManageConnections","Resource":"*"`, NoMatch},
		"notAction":          {`"Effect":"Allow","NotAction":"s3:*","Resource":"*"`, Allow},
		"notAction of it":    {`"Effect":"Allow","NotAction":"execute-api:*","Resource":"*"`, NoMatch},
		"resource":           {`"Effect":"Allow","Action":"*","Resource":"arn:aws:execute-api:us-east-1:111122223333:abc/prod/GET/*"`, Allow},
		"other stage":        {`"Effect":"Allow","Action":"*","Resource":"arn:aws:execute-api:us-east-1:111122223333:abc/dev/*"`, NoMatch},
		"one character":      {`"Effect":"Allow","Action":"*","Resource":"arn:aws:execute-api:us-east-1:111122223333:ab?/prod/*"`, Allow},
		"notResource":        {`"Effect":"Deny","Action":"*","NotResource":"arn:aws:execute-api:us-east-1:111122223333:abc/*"`, NoMatch},
		"principal":          {`"Effect":"Allow","Principal":{"AWS":"` + aliceARN + `"},"Action":"*","Resource":"*"`, Allow},
		"other principal":    {`"Effect":"Allow","Principal":{"AWS":"` + bobARN + `"},"Action":"*","Resource":"*"`, NoMatch},
		"account number":     {`"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"*","Resource":"*"`, Delegate},
		"account root": {`"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root"]},"Action":"*","Resource":"*"`,
			Delegate},
		"service":                {`"Effect":"Allow","Principal":{"Service":"x"},"Action":"*","Resource":"*"`, NoMatch},
		"notPrincipal":           {`"Effect":"Deny","NotPrincipal":{"AWS":"` + aliceARN + `"},"Action":"*","Resource":"*"`, NoMatch},
		"notPrincipal of others": {`"Effect":"Deny","NotPrincipal":{"AWS":"` + bobARN + `"},"Action":"*","Resource":"*"`, Deny},
		"variable":               {`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/${aws:username}"}}`, Allow},
		"both conditions":        {`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"StringLike":{"aws:username":"al*"}}`, Allow},
		"one condition fails":    {`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.168.0.0/16"},"StringLike":{"aws:username":"al*"}}`, NoMatch},
		"not equal to any": {`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"ArnNotEquals":{"aws:PrincipalArn":["` + bobARN +
			`","` + aliceARN + `"]}}`, NoMatch},
		"missing key, negated": {`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}`, Deny},
		"missing key": {`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}}`,
			NoMatch},
		"missing key, if exists": {`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"}}`, Allow},
		"null":                   {`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Null":{"aws:SourceVpc":"true"}}`, Allow},
		"not null":               {`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Null":{"aws:SourceVpc":"false"}}`, NoMatch},
		"date":                   {`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"}}`, Allow},
		"all values":             {`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:PrincipalTag/team":["a","c"]}}`, NoMatch},
		"any value":              {`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"aws:PrincipalTag/team":["a","c"]}}`, Allow},
		"ARN parts do not leak":  {`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:root"}}`, NoMatch},
	} {
		t.Run(name, func(t *testing.T) {
			policy, err := ParsePolicy(`{"Version":"2012-10-17","Statement":[{` + c.statement + `}]}`)
			require.NoError(t, err)
			require.Equal(t, c.want, policy.Decide(requestOf(aliceARN, "111122223333")))
		})
	}
}

// The table of https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
func TestAuthorizationFlow(t *testing.T) {
	policy := func(effect string) *Policy {
		text := ""
		if effect != "" {
			text = fmt.Sprintf(`{"Statement":[{"Effect":%q,"Action":"execute-api:Invoke","Resource":"*"}]}`, effect)
		}
		if effect == "Neither" {
			text = `{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`
		}
		parsed, err := ParsePolicy(text)
		require.NoError(t, err)
		return parsed
	}
	for _, c := range []struct {
		identity, resource          string
		sameAccount, acrossAccounts Decision
	}{
		{"Allow", "Allow", Allow, Allow},
		{"Allow", "Neither", Allow, NoMatch},
		{"Allow", "Deny", Deny, Deny},
		{"Allow", "", Allow, Allow},
		{"Neither", "Allow", Allow, NoMatch},
		{"Neither", "Neither", NoMatch, NoMatch},
		{"Neither", "Deny", Deny, Deny},
		{"Neither", "", NoMatch, NoMatch},
		{"Deny", "Allow", Deny, Deny},
		{"Deny", "Neither", Deny, Deny},
		{"Deny", "Deny", Deny, Deny},
		{"Deny", "", Deny, Deny},
	} {
		identity, resource := []*Policy{policy(c.identity)}, policy(c.resource)
		require.Equal(t, c.sameAccount, Authorize(requestOf(aliceARN, "111122223333"), "111122223333", identity, resource), "%+v", c)
		require.Equal(t, c.acrossAccounts, Authorize(requestOf("arn:aws:iam::444455556666:user/eve", "444455556666"), "111122223333",
			identity, resource), "%+v", c)
	}
}

func TestBadPolicies(t *testing.T) {
	for _, text := range []string{`{`, `{"Statement":[{"Effect":"Maybe"}]}`,
		`{"Statement":[{"Effect":"Allow","Condition":{"StringSmells":{"a":"b"}}}]}`, `{"Statement":[{"Effect":"Allow","Principal":"me"}]}`} {
		_, err := ParsePolicy(text)
		require.Error(t, err, text)
	}
}

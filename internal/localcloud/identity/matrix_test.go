package identity

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	home    = "111122223333"
	foreign = "444455556666"
	api     = "arn:aws:execute-api:us-east-1:111122223333:abc/prod/GET/api/book"
)

func document(statements ...string) string {
	text := `{"Version":"2012-10-17","Statement":[`
	for i, s := range statements {
		if i > 0 {
			text += ","
		}
		text += s
	}
	return text + "]}"
}

func allow(rest string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Action":"execute-api:Invoke"%s}`, rest)
}
func deny(rest string) string {
	return fmt.Sprintf(`{"Effect":"Deny","Action":"execute-api:Invoke"%s}`, rest)
}

const (
	anyResource = `,"Resource":"*"`
	everybody   = `,"Principal":"*","Resource":"*"`
)

// Requests that are signed well, by callers whom the policies do not let in.
func TestAuthorizationMatrix(t *testing.T) {
	conditional := func(effect, condition string) string {
		return fmt.Sprintf(`{"Effect":%q,"Principal":"*","Action":"execute-api:Invoke","Resource":"*","Condition":%s}`, effect, condition)
	}
	ownAccount := document(allow(`,"Principal":{"AWS":["arn:aws:iam::111122223333:root"]},"Resource":"*"`),
		conditional("Deny", `{"StringNotEquals":{"aws:PrincipalAccount":["111122223333"]}}`))
	for name, c := range map[string]struct {
		account            string
		identity, resource string
		want               Decision
	}{
		"nothing says anything":                {home, "", "", NoMatch},
		"identity policy alone":                {home, document(allow(anyResource)), "", Allow},
		"resource policy alone, own account":   {home, "", document(allow(everybody)), Allow},
		"resource policy alone, other account": {foreign, "", document(allow(everybody)), NoMatch},
		"identity policy alone, other account": {foreign, document(allow(anyResource)),
			document(allow(`,"Principal":{"AWS":"` + home + `"},"Resource":"*"`)), NoMatch},
		"both, other account": {foreign, document(allow(anyResource)), document(allow(everybody)), Allow},
		"the own account alone delegates": {home, "", document(allow(`,"Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Resource":"*"`)),
			NoMatch},
		"and so does its number": {home, "", document(allow(`,"Principal":{"AWS":["111122223333"]},"Resource":"*"`)),
			NoMatch},
		"an identity for another API, own account": {home, document(allow(`,"Resource":"arn:aws:execute-api:*:*:xyz/*"`)),
			document(allow(`,"Principal":{"AWS":"111122223333"},"Resource":"*"`)), NoMatch},
		"the own account and the identity": {home, document(allow(anyResource)),
			document(allow(`,"Principal":{"AWS":"111122223333"},"Resource":"*"`)), Allow},
		"the own account beside its user": {home, "", document(allow(`,"Principal":{"AWS":["111122223333","arn:aws:iam::111122223333:user/alice"]},"Resource":"*"`)), Allow},
		"another account and its identity": {foreign, document(allow(anyResource)),
			document(allow(`,"Principal":{"AWS":"444455556666"},"Resource":"*"`)), Allow},
		"another account without its identity": {foreign, "", document(allow(`,"Principal":{"AWS":"444455556666"},"Resource":"*"`)),
			NoMatch},
		"deny to the account is to each of it": {home, document(allow(anyResource)),
			document(deny(`,"Principal":{"AWS":"111122223333"},"Resource":"*"`)), Deny},
		"deny over allow in one policy":       {home, "", document(allow(everybody), deny(everybody)), Deny},
		"deny over allow, in the other order": {home, "", document(deny(everybody), allow(everybody)), Deny},
		"identity denies, resource allows":    {home, document(deny(anyResource)), document(allow(everybody)), Deny},
		"resource denies, identity allows":    {home, document(allow(anyResource)), document(deny(everybody)), Deny},
		"another action": {home, document(`{"Effect":"Allow","Action":"execute-api:ManageConnections","Resource":"*"}`),
			"", NoMatch},
		"another service's invoke": {home, document(`{"Effect":"Allow","Action":"lambda:Invoke*","Resource":"*"}`), "",
			NoMatch},
		"all but invoking": {home, document(`{"Effect":"Allow","NotAction":"execute-api:*","Resource":"*"}`), "",
			NoMatch},
		"another API":   {home, document(allow(`,"Resource":"arn:aws:execute-api:us-east-1:111122223333:xyz/*"`)), "", NoMatch},
		"another stage": {home, document(allow(`,"Resource":"arn:aws:execute-api:*:*:abc/dev/*"`)), "", NoMatch},
		"another method": {home, document(allow(`,"Resource":"arn:aws:execute-api:*:*:abc/prod/POST/*"`)), "",
			NoMatch},
		"another path": {home, document(allow(`,"Resource":"arn:aws:execute-api:*:*:abc/*/GET/api/author*"`)),
			"", NoMatch},
		"a path that begins alike": {home, document(allow(`,"Resource":"arn:aws:execute-api:*:*:abc/*/GET/api/books"`)), "",
			NoMatch},
		"a question mark is one character": {home, document(allow(`,"Resource":"arn:aws:execute-api:*:*:abc/*/GET/api/boo?s"`)), "",
			NoMatch},
		"all resources but this":            {home, document(allow(`,"NotResource":"arn:aws:execute-api:*:*:abc/*"`)), "", NoMatch},
		"resources count in case":           {home, document(allow(`,"Resource":"arn:aws:execute-api:*:*:abc/PROD/*"`)), "", NoMatch},
		"another user":                      {home, "", document(allow(`,"Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Resource":"*"`)), NoMatch},
		"a user whose name begins alike":    {home, "", document(allow(`,"Principal":{"AWS":"arn:aws:iam::111122223333:user/alic"},"Resource":"*"`)), NoMatch},
		"a wildcard in a principal is none": {home, "", document(allow(`,"Principal":{"AWS":"arn:aws:iam::111122223333:user/*"},"Resource":"*"`)), NoMatch},
		"a service is no user":              {home, "", document(allow(`,"Principal":{"Service":"ec2.amazonaws.com"},"Resource":"*"`)), NoMatch},
		"everybody but alice":               {home, "", document(allow(`,"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/alice"},"Resource":"*"`)), NoMatch},
		"deny to everybody but bob": {home, document(allow(anyResource)),
			document(deny(`,"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Resource":"*"`)), Deny},
		"deny to everybody but alice": {home, document(allow(anyResource)),
			document(deny(`,"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/alice"},"Resource":"*"`)), Allow},
		"outside the range": {home, "", document(conditional("Allow",
			`{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}`)), NoMatch},
		"inside a range that is denied": {home, document(allow(anyResource)),
			document(conditional("Deny", `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`)), Deny},
		"not inside the range that is meant": {home, document(allow(anyResource)),
			document(conditional("Deny", `{"NotIpAddress":{"aws:SourceIp":["198.51.100.0/24"]}}`)), Deny},
		"another user agent": {home, "", document(conditional("Allow",
			`{"StringEquals":{"aws:UserAgent":"browser"}}`)), NoMatch},
		"strings count in case": {home, "", document(conditional("Allow", `{"StringEquals":{"aws:UserAgent":"CURL"}}`)),
			NoMatch},
		"a key that is not there": {home, "", document(conditional("Allow",
			`{"StringEquals":{"aws:SourceVpce":"vpce-1"}}`)), NoMatch},
		"not equal holds for a key that is missing": {home, document(allow(anyResource)),
			document(conditional("Deny", `{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}`)), Deny},
		"null wants a key to be missing": {home, "", document(conditional("Allow", `{"Null":{"aws:UserAgent":"true"}}`)), NoMatch},
		"two conditions both count": {home, "", document(conditional("Allow",
			`{"StringEquals":{"aws:UserAgent":"curl"},"Bool":{"aws:SecureTransport":"false"}}`)), NoMatch},
		"too late": {home, "", document(conditional("Allow",
			`{"DateLessThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}}`)), NoMatch},
		"another account's principal": {home, document(allow(anyResource)),
			document(conditional("Deny", `{"StringNotEquals":{"aws:PrincipalAccount":["444455556666"]}}`)), Deny},
		"what this project writes, for somebody": {home, document(allow(anyResource)),
			document(conditional("Deny", `{"ArnNotEquals":{"aws:PrincipalArn":["arn:aws:iam::111122223333:user/bob"]}}`)), Deny},
		"what this project writes, for alice": {home, document(allow(anyResource)),
			document(conditional("Deny", `{"ArnNotEquals":{"aws:PrincipalArn":["arn:aws:iam::111122223333:user/alice"]}}`)), Allow},
		"what this project writes, for an account": {home, document(allow(`,"Resource":"arn:aws:execute-api:*:*:xyz/*"`)), ownAccount, NoMatch},
		"and for an identity of it that may call":  {home, document(allow(anyResource)), ownAccount, Allow},
		"and for an identity of another account":   {foreign, document(allow(anyResource)), ownAccount, Deny},
		"a wildcard in ArnEquals is one": {home, "", document(conditional("Allow",
			`{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/*"}}`)), Allow},
		"a variable that is another's": {home, document(allow(`,"Resource":"arn:aws:execute-api:*:*:abc/*/GET/${aws:username}"`)), "", NoMatch},
		"an action in capitals is the same": {home, document(`{"Effect":"Deny","Action":"EXECUTE-API:invoke","Resource":"*"}`),
			document(allow(everybody)), Deny},
		"IfExists passes over what is missing": {home, "", document(conditional("Allow",
			`{"StringEqualsIfExists":{"aws:SourceVpce":"vpce-1"}}`)), Allow},
		"and looks at what is there": {home, "", document(conditional("Allow",
			`{"StringEqualsIfExists":{"aws:UserAgent":"browser"}}`)), NoMatch},
		"an identity policy ignores whom it is for": {home, document(allow(anyResource),
			deny(`,"Resource":"arn:aws:execute-api:*:*:abc/dev/*"`)), "", Allow},
		"a deny for another path is none": {home, document(allow(anyResource)),
			document(deny(`,"Principal":"*","Resource":"arn:aws:execute-api:*:*:abc/*/GET/admin/*"`)), Allow},
		"a deny for this path in the identity's own": {home, document(allow(anyResource),
			deny(`,"Resource":"arn:aws:execute-api:*:*:abc/*/*/api/*"`)), "", Deny},
	} {
		t.Run(name, func(t *testing.T) {
			identityPolicy, err := ParsePolicy(c.identity)
			require.NoError(t, err)
			resourcePolicy, err := ParsePolicy(c.resource)
			require.NoError(t, err)
			arn := "arn:aws:iam::" + c.account + ":user/alice"
			request := Request{Principal: Principal{ARN: arn, Account: c.account, UserName: "alice"}, Action: "execute-api:Invoke",
				Resource: api, Context: map[string][]string{
					"aws:principalarn": {arn}, "aws:principalaccount": {c.account}, "aws:username": {"alice"}, "aws:sourceip": {"203.0.113.7"},
					"aws:useragent":       {"curl"},
					"aws:securetransport": {"true"}, "aws:currenttime": {"2026-11-23T08:00:00Z"},
				}}
			require.Equal(t, c.want, Authorize(request, home, []*Policy{identityPolicy}, resourcePolicy))
		})
	}
}

// No document makes the evaluator fail or answer a request that nobody allows.
func FuzzPolicy(f *testing.F) {
	f.Add(document(allow(everybody)), "arn:aws:iam::111122223333:user/alice", "1.2.3.4")
	f.Add(document(`{"Effect":"Deny","NotPrincipal":{"AWS":["*"]},"NotAction":["a"],"NotResource":"${aws:username}","Condition":{"IpAddress":{"aws:SourceIp":"::/0"}}}`), "x", "")
	f.Fuzz(func(t *testing.T, text, arn, ip string) {
		policy, err := ParsePolicy(text)
		if err != nil {
			return
		}
		request := Request{Principal: Principal{ARN: arn}, Action: "execute-api:Invoke", Resource: api,
			Context: map[string][]string{"aws:sourceip": {ip}, "aws:username": {arn}}}
		decision := policy.Decide(request)
		allows := false
		for _, s := range policy.statements {
			allows = allows || s.allow
		}
		if decision == Allow && !allows {
			t.Fatal("allowed by a policy without an Allow")
		}
	})
}

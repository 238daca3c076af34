package identity

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Policy is a parsed IAM or resource policy document.
type Policy struct{ statements []statement }

type statement struct {
	allow bool
	// principals of a resource policy; nil in an identity policy.
	principals, notPrincipals *principalSet
	actions, notActions       []string
	resources, notResources   []string
	conditions                []condition
}

type principalSet struct {
	everybody               bool
	aws, federated, service []string
}

// Request is what policies decide on.
type Request struct {
	Principal Principal
	Action    string
	Resource  string
	// Context are the condition keys in lower case, with their values.
	Context map[string][]string
}

// Decision is what one policy, or several together, say to a request.
type Decision int

// A Deny wins over every Allow, and no statement at all is no. Delegate is the Allow of a statement that names the
// caller's account and not the caller: in its own account the caller's own policies must allow as well.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
const (
	NoMatch Decision = iota
	Delegate
	Allow
	Deny
)

type rawStatement struct {
	Effect                  string
	Principal, NotPrincipal json.RawMessage
	Action, NotAction       oneOrMany
	Resource, NotResource   oneOrMany
	Condition               map[string]map[string]oneOrMany
}

// oneOrMany is a string or a list of strings; numbers and booleans count as their text.
type oneOrMany []string

func (o *oneOrMany) UnmarshalJSON(data []byte) error {
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return err
	}
	items, isList := value.([]any)
	if !isList {
		items = []any{value}
	}
	for _, item := range items {
		*o = append(*o, fmt.Sprint(item))
	}
	return nil
}

// ParsePolicy reads a policy document. An empty text is a policy that says nothing.
func ParsePolicy(text string) (*Policy, error) {
	if text == "" {
		return &Policy{}, nil
	}
	var document struct{ Statement []rawStatement }
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	policy := &Policy{}
	for i, raw := range document.Statement {
		parsed, err := parseStatement(raw)
		if err != nil {
			return nil, fmt.Errorf("policy: statement %d: %w", i+1, err)
		}
		policy.statements = append(policy.statements, parsed)
	}
	return policy, nil
}

func parseStatement(raw rawStatement) (statement, error) {
	s := statement{
		allow: raw.Effect == "Allow", actions: raw.Action, notActions: raw.NotAction,
		resources: raw.Resource, notResources: raw.NotResource,
	}
	if raw.Effect != "Allow" && raw.Effect != "Deny" {
		return s, fmt.Errorf("the effect %q is neither Allow nor Deny", raw.Effect)
	}
	var err error
	if s.principals, err = parsePrincipals(raw.Principal); err != nil {
		return s, err
	}
	if s.notPrincipals, err = parsePrincipals(raw.NotPrincipal); err != nil {
		return s, err
	}
	for operator, keys := range raw.Condition {
		for key, values := range keys {
			c, err := newCondition(operator, key, values)
			if err != nil {
				return s, err
			}
			s.conditions = append(s.conditions, c)
		}
	}
	return s, nil
}

func parsePrincipals(raw json.RawMessage) (*principalSet, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	if string(raw) == `"*"` {
		return &principalSet{everybody: true}, nil
	}
	var kinds map[string]oneOrMany
	if err := json.Unmarshal(raw, &kinds); err != nil {
		return nil, fmt.Errorf("principal: %w", err)
	}
	return &principalSet{everybody: slices.Contains(kinds["AWS"], "*"), aws: kinds["AWS"], federated: kinds["Federated"],
		service: kinds["Service"]}, nil
}

func (p *principalSet) contains(who Principal) bool { return p.names(who) || p.namesAccountOf(who) }

// names is whether the set holds the caller itself.
func (p *principalSet) names(who Principal) bool {
	switch {
	case p.everybody:
		return true
	case who.Service != "":
		return slices.Contains(p.service, who.Service)
	case who.Federated != "":
		return slices.Contains(p.federated, who.Federated)
	}
	return who.ARN != "" && slices.Contains(p.aws, who.ARN)
}

func (p *principalSet) namesAccountOf(who Principal) bool {
	return who.Account != "" && slices.ContainsFunc(p.aws, func(arn string) bool {
		return arn == who.Account || strings.HasPrefix(arn, "arn:") && strings.HasSuffix(arn, ":"+who.Account+":root")
	})
}

// Decide evaluates the policy for a request.
func (p *Policy) Decide(r Request) Decision {
	decision := NoMatch
	for i := range p.statements {
		if s := &p.statements[i]; s.applies(r) {
			decision = max(decision, s.decision(r.Principal))
		}
	}
	return decision
}

// decision is what a statement that applies says to the caller.
func (s *statement) decision(who Principal) Decision {
	switch {
	case !s.allow:
		return Deny
	case s.principals != nil && !s.principals.names(who):
		return Delegate
	}
	return Allow
}

func (s *statement) applies(r Request) bool {
	if s.principals != nil && !s.principals.contains(r.Principal) || s.notPrincipals != nil && s.notPrincipals.contains(r.Principal) {
		return false
	}
	if s.actions != nil && !anyMatches(s.actions, strings.ToLower(r.Action), strings.ToLower) ||
		s.notActions != nil && anyMatches(s.notActions, strings.ToLower(r.Action), strings.ToLower) {
		return false
	}
	expand := func(pattern string) string { return substitute(pattern, r) }
	if s.resources != nil && !anyMatches(s.resources, r.Resource, expand) || s.notResources != nil &&
		anyMatches(s.notResources, r.Resource, expand) {
		return false
	}
	for _, c := range s.conditions {
		if !c.holds(r) {
			return false
		}
	}
	return true
}

func anyMatches(patterns []string, value string, prepare func(string) string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return glob(prepare(pattern), value) })
}

// substitute puts policy variables such as ${aws:username} in.
func substitute(pattern string, r Request) string {
	for {
		start := strings.Index(pattern, "${")
		if start < 0 {
			return pattern
		}
		end := strings.Index(pattern[start:], "}")
		if end < 0 {
			return pattern
		}
		name := strings.ToLower(pattern[start+2 : start+end])
		value := ""
		if values := r.Context[name]; len(values) > 0 {
			value = values[0]
		}
		pattern = pattern[:start] + value + pattern[start+end+1:]
	}
}

// glob matches * against any text and ? against one character.
func glob(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// PolicyOf reads a policy document that is decoded already.
func PolicyOf(document map[string]any) (*Policy, error) {
	encoded, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	policy, err := ParsePolicy(string(encoded))
	if err == nil && len(policy.statements) == 0 {
		err = fmt.Errorf("policy: it has no statement")
	}
	return policy, err
}

// AuthorizeAnonymous asks the resource policy about a request without an IAM identity. One that says nothing at all
// admits it, and any other must allow it.
func AuthorizeAnonymous(r Request, resourcePolicy *Policy) Decision {
	if len(resourcePolicy.statements) == 0 {
		return Allow
	}
	return resourcePolicy.Decide(r)
}

// Authorize joins an identity's and a resource's policies as API Gateway does with AWS_IAM authorization:
// within one account either Allow is enough, across accounts both must allow, and a Deny always wins. A resource policy
// that allows the account leaves it to the identity's policies.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
func Authorize(r Request, resourceAccount string, identityPolicies []*Policy, resourcePolicy *Policy) Decision {
	fromIdentity := NoMatch
	for _, p := range identityPolicies {
		fromIdentity = max(fromIdentity, p.Decide(r))
	}
	fromResource := resourcePolicy.Decide(r)
	switch {
	case fromIdentity == Deny || fromResource == Deny:
		return Deny
	case len(resourcePolicy.statements) == 0:
		return fromIdentity
	case r.Principal.Account != resourceAccount && fromResource == NoMatch:
		return NoMatch
	case r.Principal.Account == resourceAccount && fromResource == Allow:
		return Allow
	default:
		return fromIdentity
	}
}

// Package permissions tells which AWS permissions it takes to bring a stack up and down: those for the resource
// types that are in it, on what is the stack's own, and no others.
//
// What is its own shows from names and paths that begin with the stack's, and elsewhere from the tags that the program
// puts on everything. Roles and users can be made only within a permissions boundary, so that nobody who deploys can
// give a role more than the boundary allows. Which conditions an action takes, and on which resources, is in the
// service authorization reference:
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
package permissions

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

var (
	//go:embed actions.json
	actionsJSON []byte
	//go:embed boundary.json
	boundaryJSON string
)

// needed are the permissions of one resource type: grants, and reads (and the few others) which AWS does not tie to a
// resource.
type needed struct {
	Grants []grant  `json:"grants"`
	Reads  []string `json:"reads"`
}

// grant allows actions on resources, under conditions.
type grant struct {
	Resources []string `json:"resources"`
	Actions   []string `json:"actions"`
	// When names a condition that many grants share, see shared.
	When      string    `json:"when,omitempty"`
	Condition condition `json:"condition,omitempty"`
}

type condition map[string]map[string][]string

// shared are the conditions by which the stack's own is told from others'. API Gateway hands an API's tags down to what
// is in it, and asks for PATCH on a resource before it tags it, so that nobody can tag what is another's.
var shared = map[string]condition{
	"created": {"StringEquals": {"aws:RequestTag/project": {"${Project}"}, "aws:RequestTag/stack": {"${Stack}"}}},
	"owned":   {"StringEquals": {"aws:ResourceTag/project": {"${Project}"}, "aws:ResourceTag/stack": {"${Stack}"}}},
	"bounded": {"StringEquals": {"iam:PermissionsBoundary": {"${Boundary}"}}},
}

// always are the reads by which the program finds out where it is, and about networks and clusters that exist.
var always = []string{
	"autoscaling:DescribeAutoScalingGroups", "ec2:DescribeAvailabilityZones", "ec2:DescribeInstances",
	"ec2:DescribeNetworkInterfaces", "ec2:DescribeRegions", "ec2:DescribeSubnets",
	"ec2:DescribeVpcAttribute", "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs",
	"eks:DescribeCluster", "eks:DescribeNodegroup", "eks:ListNodegroups", "sts:GetCallerIdentity",
}

// Resource is one of a stack's: its type token and its inputs.
type Resource struct {
	Type   string
	Inputs map[string]any
}

// Stack is whose permissions are wanted.
type Stack struct {
	// Partition, Region and Account are where it stands.
	Partition, Region, Account string
	// Project and Stack are Pulumi's names, which the tags tell. Name is the prefix of the names of resources.
	Project, Stack, Name string
	// ReadOnly takes what only looks, for previews and the search for drift.
	ReadOnly bool
	// Resources are what it consists of.
	Resources []Resource
}

type document struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  any
	Condition condition `json:",omitempty"`
}

// BoundaryName is the permissions boundary that is taken for granted where the roles of a stack have none.
const BoundaryName = "apigw-ingress-boundary"

// Boundary is a permissions boundary for the roles and the user of stacks: the most that any of them needs. It lets
// nobody into IAM, and into no other role than those of the stacks.
func Boundary(partition, region, account string) string {
	return strings.NewReplacer("${Partition}", partition, "${Region}", region, "${Account}", account).Replace(boundaryJSON)
}

// maxCharacters is what IAM takes in a managed policy, not counting white space:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxCharacters = 6144

// Policies are the policy documents for somebody who brings up and destroys the stack: as many as it takes to keep to
// the size of a managed policy. They report types about which nothing is known.
func (s Stack) Policies() ([]string, error) {
	table, err := readTable()
	if err != nil {
		return nil, err
	}
	grants, reads, err := s.take(table)
	if err != nil {
		return nil, err
	}
	statements := []statement{{
		Sid: "WithoutResource", Effect: "Allow", Action: slices.Sorted(maps.Keys(reads)), Resource: "*",
		Condition: condition{"StringEquals": {"aws:RequestedRegion": {"${Region}", "us-east-1"}}},
	}}
	for i, key := range slices.Sorted(maps.Keys(grants)) {
		one := grants[key]
		service, _, _ := strings.Cut(one.Actions[0], ":")
		statements = append(statements, statement{
			Sid: fmt.Sprintf("%s%d", strings.ToUpper(service[:1])+service[1:], i+1), Effect: "Allow",
			Action: one.Actions, Resource: one.Resources, Condition: one.Condition,
		})
	}
	return s.pack(statements)
}

func readTable() (table map[string]needed, err error) {
	decoder := json.NewDecoder(bytes.NewReader(actionsJSON))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&table)
	return table, err
}

// pack fills documents one after the other.
func (s Stack) pack(statements []statement) ([]string, error) {
	var documents []string
	fill := s.replacer()
	for start, end := 0, 1; start < len(statements); end++ {
		text, err := encode(statements[start:min(end+1, len(statements))], fill)
		if err != nil {
			return nil, err
		}
		if end < len(statements) && Characters(text) <= maxCharacters {
			continue
		}
		if text, err = encode(statements[start:end], fill); err != nil {
			return nil, err
		}
		documents = append(documents, text)
		start = end
	}
	return documents, nil
}

func encode(statements []statement, fill *strings.Replacer) (string, error) {
	encoded, err := json.MarshalIndent(document{Version: "2012-10-17", Statement: statements}, "", "  ")
	return fill.Replace(string(encoded)), err
}

// Characters is the size of a policy as IAM counts it.
func Characters(policy string) int { return len(strings.Join(strings.Fields(policy), "")) }

// take collects what the types need.
func (s Stack) take(table map[string]needed) (merged, map[string]bool, error) {
	grants, reads := merged{}, map[string]bool{}
	for _, action := range always {
		reads[action] = true
	}
	var unknown []string
	for _, token := range s.types() {
		n, known := table[token]
		if !known {
			unknown = append(unknown, token)
		}
		if s.ReadOnly {
			n = n.looking()
		}
		for _, g := range n.Grants {
			if err := grants.add(g); err != nil {
				return nil, nil, err
			}
		}
		for _, action := range n.Reads {
			reads[action] = true
		}
	}
	if len(unknown) > 0 {
		return nil, nil, fmt.Errorf("the permissions for %s are not known", strings.Join(unknown, ", "))
	}
	return grants, reads, nil
}

// looking leaves out what changes something.
func (n needed) looking() needed {
	n.Reads = slices.DeleteFunc(slices.Clone(n.Reads), changes)
	var grants []grant
	for _, g := range n.Grants {
		if g.Actions = slices.DeleteFunc(slices.Clone(g.Actions), changes); len(g.Actions) > 0 {
			grants = append(grants, g)
		}
	}
	n.Grants = grants
	return n
}

// changes says whether an action does more than look. The cluster's API asks what Kubernetes lets the caller do.
func changes(action string) bool {
	_, verb, _ := strings.Cut(action, ":")
	return !slices.ContainsFunc([]string{"Get", "GET", "List", "Describe", "AccessKubernetesApi"},
		func(reads string) bool { return strings.HasPrefix(verb, reads) })
}

// merged are grants by what makes them one statement: IAM counts characters. Under a condition that tells what is the
// stack's own, actions of one service can stand beside each other with all their resources; without one, only actions on
// the same resources can.
type merged map[string]*grant

func (m merged) add(g grant) error {
	all := g.conditions()
	service, _, _ := strings.Cut(g.Actions[0], ":")
	place := []any{service, all}
	if len(all) == 0 {
		place = []any{service, g.Resources}
	}
	key, err := json.Marshal(place)
	if err != nil {
		return err
	}
	same := m[string(key)]
	if same == nil {
		same = &grant{Condition: all}
		m[string(key)] = same
	}
	same.Actions = sorted(same.Actions, g.Actions)
	same.Resources = sorted(same.Resources, g.Resources)
	return nil
}

func sorted(a, b []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

// conditions are the shared ones and the grant's own.
func (g grant) conditions() condition {
	all := maps.Clone(shared[g.When])
	if all == nil {
		all = condition{}
	}
	maps.Copy(all, g.Condition)
	return all
}

func (s Stack) types() []string {
	var types []string
	for _, r := range s.Resources {
		types = append(types, r.Type)
	}
	return slices.Compact(slices.Sorted(slices.Values(types)))
}

// replacer fills in what the table leaves open.
func (s Stack) replacer() *strings.Replacer {
	first := func(token, input, otherwise string) string {
		for _, r := range s.Resources {
			if text, _ := r.Inputs[input].(string); r.Type == token && text != "" {
				return text
			}
		}
		return otherwise
	}
	// Of several the policy names the kind: a host more would otherwise need another policy before it can be made.
	only := func(token, input string) string {
		name := first(token, input, "*")
		for _, r := range s.Resources {
			if text, _ := r.Inputs[input].(string); r.Type == token && text != "" && text != name {
				return "*"
			}
		}
		return name
	}
	boundary := fmt.Sprintf("arn:%s:iam::%s:policy/%s", s.Partition, s.Account, BoundaryName)
	return strings.NewReplacer(
		"${Partition}", s.Partition, "${Region}", s.Region, "${Account}", s.Account, "${Project}", s.Project, "${Stack}", s.Stack, "${Name}",
		s.Name,
		"${Path}", first(role, "path", fmt.Sprintf("/apigateway-ingress/%s/%s/", s.Project, s.Stack)),
		"${Boundary}", first(role, "permissionsBoundary", boundary),
		"${Cluster}", s.cluster(),
		"${Domain}", only("aws:apigateway/domainName:DomainName", "domainName"),
		"${Zone}", only("aws:route53/record:Record", "zoneId"),
	)
}

const role = "aws:iam/role:Role"

// cluster matches the cluster's name: one of the stack's own has its prefix, and another can have any name.
func (s Stack) cluster() string {
	if slices.Contains(s.types(), "aws:eks/cluster:Cluster") {
		return s.Name + "-*"
	}
	return "*"
}

// Bounded says whether all roles and users of the stack have a permissions boundary.
func (s Stack) Bounded() bool {
	return !slices.ContainsFunc(s.Resources, func(r Resource) bool {
		boundary, _ := r.Inputs["permissionsBoundary"].(string)
		return (r.Type == role || r.Type == "aws:iam/user:User") && boundary == ""
	})
}

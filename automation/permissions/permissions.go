// Package permissions tells which AWS permissions it takes to bring a stack up and down: those for the resource
// types that are in it, and no others.
package permissions

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:embed actions.json
var actionsJSON []byte

// needed are the permissions of one resource type: actions on resources, and reads (and the few others) which AWS
// does not tie to a resource.
type needed struct {
	Resources []string `json:"resources"`
	Actions   []string `json:"actions"`
	Reads     []string `json:"reads"`
}

// always are the reads by which the program finds out where it is, and about networks and clusters that exist.
var always = []string{
	"autoscaling:DescribeAutoScalingGroups", "ec2:DescribeAvailabilityZones", "ec2:DescribeRegions", "ec2:DescribeSubnets", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcs",
	"eks:DescribeCluster", "eks:DescribeNodegroup", "eks:ListNodegroups", "sts:GetCallerIdentity",
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
	Condition map[string]map[string][]string `json:",omitempty"`
}

// Policy is the policy document for somebody who brings up and destroys stacks of these resource types. It reports
// types about which nothing is known.
func Policy(types []string, partition, region, account string) (string, error) {
	var table map[string]needed
	if err := json.Unmarshal(actionsJSON, &table); err != nil {
		return "", err
	}
	// Types of one service on the same resources share a statement.
	byResources := map[string]map[string]bool{}
	reads := map[string]bool{}
	for _, action := range always {
		reads[action] = true
	}
	var unknown []string
	for _, token := range slices.Compact(slices.Sorted(slices.Values(types))) {
		n, known := table[token]
		if !known {
			unknown = append(unknown, token)
			continue
		}
		key := strings.Join(n.Resources, " ")
		if byResources[key] == nil {
			byResources[key] = map[string]bool{}
		}
		for _, action := range n.Actions {
			byResources[key][action] = true
		}
		for _, action := range n.Reads {
			reads[action] = true
		}
	}
	if len(unknown) > 0 {
		return "", fmt.Errorf("the permissions for %s are not known", strings.Join(unknown, ", "))
	}
	d := document{Version: "2012-10-17"}
	for i, key := range slices.Sorted(maps.Keys(byResources)) {
		actions := slices.Sorted(maps.Keys(byResources[key]))
		service, _, _ := strings.Cut(actions[0], ":")
		d.Statement = append(d.Statement, statement{Sid: fmt.Sprintf("%s%d", strings.ToUpper(service[:1])+service[1:], i+1), Effect: "Allow", Action: actions, Resource: strings.Fields(key)})
	}
	d.Statement = append(d.Statement, statement{
		Sid: "WithoutResource", Effect: "Allow", Action: slices.Sorted(maps.Keys(reads)), Resource: "*",
		Condition: map[string]map[string][]string{"StringEquals": {"aws:RequestedRegion": {"${Region}", "us-east-1"}}},
	})
	encoded, err := json.MarshalIndent(d, "", "  ")
	return strings.NewReplacer("${Partition}", partition, "${Region}", region, "${Account}", account).Replace(string(encoded)), err
}

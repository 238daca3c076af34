package cluster

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/change"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
)

// mayChange refuses what EKS refuses, before anything is touched.
func mayChange(old, new change.Inputs) error {
	var p settings.Problems
	if before, after := old.Text("existing"), new.Text("existing"); before != after {
		p.When(true, "the cluster cannot change from %s to %s: bring up another stack for the other cluster and move the callers there",
			clusterText(before), clusterText(after))
	} else if after == "" {
		p.When(old.Text("secretsKmsKeyArn") != "" && old.Text("secretsKmsKeyArn") != new.Text("secretsKmsKeyArn"),
			"secretsKmsKeyArn cannot change or be taken away once it is set: keep %s", old.Text("secretsKmsKeyArn"))
		p.Add(versionStep(old.Text("version"), new.Text("version")))
		p.Add(countsMayChange(old, new))
	}
	return p.Err()
}

// countsMayChange: between limits the number of nodes is an autoscaler's, so that another count would have no effect.
func countsMayChange(old, new change.Inputs) error {
	before := map[any]map[string]any{}
	for _, group := range old.Objects("nodeGroups") {
		before[group["name"]] = group
	}
	var p settings.Problems
	for _, group := range new.Objects("nodeGroups") {
		was, there := before[group["name"]]
		p.When(there && group["min"] != group["max"] && was["count"] != group["count"],
			"nodeGroups %v: count cannot change from %v to %v while min and max differ, because then an autoscaler chooses it: change min or max",
			group["name"], was["count"], group["count"])
	}
	return p.Err()
}

// scalingMayChange: EKS refuses a minimum above the number of nodes there are meant to be, which an autoscaler chose.
func scalingMayChange(group string, new change.Inputs) error {
	scaling, _ := new["scalingConfig"].(map[string]any)
	low, lowKnown := scaling["minSize"].(float64)
	wanted, known := scaling["desiredSize"].(float64)
	if !known || !lowKnown || low <= wanted {
		return nil
	}
	return fmt.Errorf("node group %s: min cannot rise to %v, above the %v nodes that it was last told to have: "+
		"scale it to %v first (aws eks update-nodegroup-config), run refresh, then up", group, low, wanted, low)
}

func clusterText(name string) string {
	if name == "" {
		return "the stack's own"
	}
	return name
}

// versionStep: EKS goes one minor version forward at a time, and never back:
// https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html
func versionStep(before, after string) error {
	from, fromErr := minor(before)
	to, toErr := minor(after)
	switch {
	case fromErr != nil || toErr != nil || to == from || to == from+1:
		return nil
	case to < from:
		return fmt.Errorf("kubernetesVersion cannot go back from %s to %s: set kubernetesVersion: %q", before, after, before)
	}
	return fmt.Errorf("kubernetesVersion cannot go from %s to %s at once: EKS takes one minor version a step. Set kubernetesVersion: "+
		"\"1.%d\" and run up, then the next",
		before, after, from+1)
}

func minor(version string) (int, error) {
	return strconv.Atoi(strings.TrimPrefix(version, "1."))
}

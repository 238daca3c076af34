package awsrules

import (
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
)

// Account is the number of the local account, one that AWS uses in examples and gives to nobody.
const Account = "111122223333"

// callerARN is whoever calls the local AWS.
func callerARN(region string) string {
	return "arn:" + Partition(region) + ":iam::" + Account + ":user/local"
}

// Invoke answers the data sources that programs ask for.
func (r *Rules) Invoke(token, region string, args store.Properties) (store.Properties, error) {
	switch token {
	case "aws:index/getRegion:getRegion":
		return properties{
			"id": region, "name": region, "endpoint": fmt.Sprintf("ec2.%s.amazonaws.com", region), "description": region,
		}, nil
	case "aws:index/getCallerIdentity:getCallerIdentity":
		return properties{"id": Account, "accountId": Account, "arn": callerARN(region), "userId": "AIDALOCALLOCALLOCAL00"}, nil
	case "aws:index/getPartition:getPartition":
		return partition(region), nil
	case "aws:index/getAvailabilityZones:getAvailabilityZones":
		var names, ids []any
		for _, z := range zonesOf(region) {
			names, ids = append(names, z.name), append(ids, z.id)
		}
		return properties{"id": region, "names": names, "zoneIds": ids, "groupNames": []any{region}}, nil
	}
	if lookup := lookups[token]; lookup != nil {
		return lookup(r, args)
	}
	return nil, fmt.Errorf("the local target does not know the function %s", token)
}

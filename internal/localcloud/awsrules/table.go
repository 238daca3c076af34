package awsrules

// table holds the rule of each resource type that the program uses.
var table = index(
	vpcRule, subnet, internetGateway, elasticIP, natGateway, routeTable, route, routeTableAssociation, vpcEndpoint, flowLog,
	securityGroup, ingressRule, egressRule,
	launchTemplate, autoScalingAttachment, loadBalancer, targetGroup, listener,
	cluster, nodeGroup, addon, accessEntry, accessPolicyAssociation, podIdentityAssociation,
	role, rolePolicy, rolePolicyAttachment, oidcProvider, user, userPolicy, accessKey,
	restAPI, apiGatewayAccount, deployment, stage, methodSettings, vpcLink, domainName, basePathMapping, apiKey, usagePlan, usagePlanKey,
	certificate, certificateValidation, dnsRecord, webACL, webACLAssociation, webACLLogging,
	lambdaPermission, kmsKey, logGroup, logMetricFilter, metricAlarm, dashboard,
)

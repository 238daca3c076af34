package controls

import (
	"slices"
	"strings"
)

const (
	stage          = "aws:apigateway/stage:Stage"
	methodSettings = "aws:apigateway/methodSettings:MethodSettings"
	cluster        = "aws:eks/cluster:Cluster"
	balancer       = "aws:lb/loadBalancer:LoadBalancer"
	listener       = "aws:lb/listener:Listener"
	template       = "aws:ec2/launchTemplate:LaunchTemplate"
	webACL         = "aws:wafv2/webAcl:WebAcl"
	key            = "aws:kms/key:Key"
	vpc            = "aws:ec2/vpc:Vpc"
)

// yearOfDays is how long CloudWatch.16 wants logs to be kept. Groups that keep for ever say 0.
const yearOfDays = 365

type row struct {
	Control
	judge judge
}

// table has the controls of the services of which the program makes resources.
var table = []row{
	{Control{ID: "APIGateway.1", Title: "stages write execution logs", Key: "executionLogs"}, accompanied(stage, methodSettings, logsErrors)},
	{Control{ID: "APIGateway.2", Title: "stages show a client certificate to the backend"},
		each(stage, nil, func(in inputs) bool { return in.at("clientCertificateId") != nil })},
	{Control{ID: "APIGateway.3", Title: "stages trace with X-Ray", Key: "tracing"},
		each(stage, nil, func(in inputs) bool { return in.yes("xrayTracingEnabled") })},
	{Control{ID: "APIGateway.4", Title: "stages have a web ACL", Key: "webAclManaged"},
		accompanied(stage, "aws:wafv2/webAclAssociation:WebAclAssociation", always)},
	{Control{ID: "APIGateway.5", Title: "cached answers are encrypted"},
		each(methodSettings, caches, func(in inputs) bool { return in.yes("settings", "cacheDataEncrypted") })},
	{Control{ID: "CloudWatch.16", Title: "log groups keep a year", Key: "logRetentionDays"},
		each("aws:cloudwatch/logGroup:LogGroup", nil, keepsAYear)},
	{Control{ID: "EC2.2", Title: "default security groups let nothing through", CIS: "5.4"},
		accompanied(vpc, "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", always)},
	{Control{ID: "EC2.6", Title: "VPCs have flow logs", CIS: "3.7", Key: "flowLogDays"}, accompanied(vpc, "aws:ec2/flowLog:FlowLog", always)},
	{Control{ID: "EC2.8", Title: "instances take IMDSv2 tokens only", CIS: "5.6"},
		each(template, nil, func(in inputs) bool { return in.text("metadataOptions", "httpTokens") == "required" })},
	{Control{ID: "EC2.15", Title: "subnets give no public addresses"},
		each("aws:ec2/subnet:Subnet", nil, func(in inputs) bool { return !in.yes("mapPublicIpOnLaunch") })},
	{Control{ID: "EC2.25", Title: "launch templates give no public addresses"},
		each(template, nil, func(in inputs) bool { return !in.yes("networkInterfaces", "associatePublicIpAddress") })},
	{Control{ID: "EKS.1", Title: "the cluster's endpoint is not public", Key: "clusterPrivate"}, each(cluster, nil, privateEndpoint)},
	{Control{ID: "EKS.3", Title: "Kubernetes Secrets are encrypted with a KMS key", Key: "createKmsKey"},
		each(cluster, nil, func(in inputs) bool { return in.at("encryptionConfig") != nil })},
	{Control{ID: "EKS.8", Title: "the cluster writes audit logs", Key: "controlPlaneLogs"},
		each(cluster, nil, func(in inputs) bool { return slices.Contains(in.list("enabledClusterLogTypes"), any("audit")) })},
	{Control{ID: "ELB.6", Title: "load balancers are protected from deletion", Key: "deletionProtection"},
		each(balancer, nil, func(in inputs) bool { return in.yes("enableDeletionProtection") })},
	{Control{ID: "ELB.13", Title: "load balancers span zones"},
		each(balancer, nil, func(in inputs) bool { return len(in.list("subnets")) > 1 })},
	{Control{ID: "ELB.17", Title: "TLS listeners have a recommended policy"},
		each(listener, speaksTLS, func(in inputs) bool { return strings.HasPrefix(in.text("sslPolicy"), "ELBSecurityPolicy-TLS13-1-2-") })},
	{Control{ID: "ELB.18", Title: "listeners speak TLS", Key: "balancerCertificateArn"}, each(listener, nil, speaksTLS)},
	{Control{ID: "IAM.2", Title: "users have no policies of their own", CIS: "1.15", Key: "clientUser"},
		each("aws:iam/userPolicy:UserPolicy", nil, func(inputs) bool { return false })},
	{Control{ID: "KMS.4", Title: "keys are rotated", CIS: "3.6", Key: "createKmsKey"},
		each(key, nil, func(in inputs) bool { return in.yes("enableKeyRotation") })},
	{Control{ID: "WAF.10", Title: "web ACLs have rules", Key: "webAclManaged"},
		each(webACL, nil, func(in inputs) bool { return len(in.list("rules")) > 0 })},
	{Control{ID: "WAF.11", Title: "web ACLs write logs", Key: "webAclLogs"},
		accompanied(webACL, "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration", always)},
}

func always(inputs) bool { return true }

func logsErrors(in inputs) bool {
	level := in.text("settings", "loggingLevel")
	return level == "ERROR" || level == "INFO"
}

func caches(in inputs) bool { return in.yes("settings", "cachingEnabled") }

func keepsAYear(in inputs) bool {
	days, _ := in.at("retentionInDays").(float64)
	return days == 0 || days >= yearOfDays
}

// privateEndpoint: EKS opens the endpoint where nothing is said.
func privateEndpoint(in inputs) bool {
	public := in.at("vpcConfig", "endpointPublicAccess")
	return public == false || public == "false"
}

func speaksTLS(in inputs) bool {
	protocol := in.text("protocol")
	return protocol == "TLS" || protocol == "HTTPS"
}

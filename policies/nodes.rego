package apigateway

import rego.v1

deny contains violation("imds-v2", "set metadataOptions.httpTokens to required: pods could read the node's credentials by a forged request") if {
	input.type == "aws:ec2/launchTemplate:LaunchTemplate"
	not input.properties.metadataOptions.httpTokens == "required"
}

deny contains violation("encrypted-disks", sprintf("%s is not encrypted", [object.get(device, "deviceName", "a disk")])) if {
	input.type == "aws:ec2/launchTemplate:LaunchTemplate"
	some device in input.properties.blockDeviceMappings
	not encrypted(device)
}

deny contains violation("encrypted-disks", "set blockDeviceMappings with encrypted disks") if {
	input.type == "aws:ec2/launchTemplate:LaunchTemplate"
	not input.properties.blockDeviceMappings
}

deny contains violation("launch-template", "set launchTemplate") if {
	input.type == "aws:eks/nodeGroup:NodeGroup"
	not input.properties.launchTemplate
}

# Pulumi's type of the property is a string; other programs write a truth value.
encrypted(device) if device.ebs.encrypted in {true, "true"}

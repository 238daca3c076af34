package apigateway

import rego.v1

machines := {
	"aws:ec2/launchTemplate:LaunchTemplate", "aws:ec2/instance:Instance", "aws:ec2/launchConfiguration:LaunchConfiguration",
	"aws:ec2/spotInstanceRequest:SpotInstanceRequest",
}

metadata := property(["metadataOptions"])

takes_metadata if {
	input.type in machines
	not unknown(metadata)
	not object.get(object_or_empty(metadata), "httpEndpoint", "enabled") == "disabled"
}

deny contains violation("imds-v2", "set metadataOptions.httpTokens to required: pods could read the node's credentials by a forged request") if {
	takes_metadata
	tokens := object.get(object_or_empty(metadata), "httpTokens", "optional")
	not unknown(tokens)
	tokens != "required"
}

# The default comes from the image, and is 2 for those of EKS:
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html
deny contains violation("imds-v2", "set metadataOptions.httpPutResponseHopLimit to 1: pods could take the node's credentials") if {
	takes_metadata
	limit := object.get(object_or_empty(metadata), "httpPutResponseHopLimit", 2)
	not unknown(limit)
	to_number(limit) > 1
}

deny contains violation("imds-v2", "leave httpTokens required") if {
	input.type == "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults"
	property(["httpTokens"]) == "optional"
}

deny contains violation("encrypted-disks", sprintf("%s is not encrypted", [object.get(device, "deviceName", "a disk")])) if {
	input.type == "aws:ec2/launchTemplate:LaunchTemplate"
	some device in list(property(["blockDeviceMappings"]))
	not device.noDevice
	not device.virtualName
	not unknown(object.get(device, "ebs", null))
	not_yes(object.get(device, ["ebs", "encrypted"], null))
}

deny contains violation("encrypted-disks", "set blockDeviceMappings with encrypted disks") if {
	input.type == "aws:ec2/launchTemplate:LaunchTemplate"
	property(["blockDeviceMappings"]) in {null, []}
}

deny contains violation("encrypted-disks", sprintf("%s is not encrypted", [object.get(device, "deviceName", "the root disk")])) if {
	input.type in machines - {"aws:ec2/launchTemplate:LaunchTemplate"}
	some device in array.concat(root_disk, list(property(["ebsBlockDevices"])))
	not_yes(object.get(device, "encrypted", null))
}

root_disk := [{}] if property(["rootBlockDevice"]) == null

root_disk := list(property(["rootBlockDevice"])) if not property(["rootBlockDevice"]) == null

deny contains violation("encrypted-disks", "set encrypted") if {
	input.type in {"aws:ebs/volume:Volume", "aws:ebs/snapshotCopy:SnapshotCopy", "aws:efs/fileSystem:FileSystem"}
	not_yes(property(["encrypted"]))
}

deny contains violation("encrypted-disks", "leave encryption by default on") if {
	input.type == "aws:ebs/encryptionByDefault:EncryptionByDefault"
	property(["enabled"]) in {false, "false"}
}

deny contains violation("launch-template", "set launchTemplate") if {
	input.type == "aws:eks/nodeGroup:NodeGroup"
	property(["launchTemplate"]) == null
}

deny contains violation("private-nodes", "leave associatePublicIpAddress off: the way in is the API") if {
	input.type in machines
	some holder in array.concat([input.properties], list(property(["networkInterfaces"])))
	yes(object.get(holder, "associatePublicIpAddress", false))
}

"""Calls the fake EC2 by way of boto3 and prints what it saw, one JSON object, for the test beside it to judge."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

AMI = "ami-0b007ace000000001"

ec2 = boto3.client(
    "ec2",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="AKIDBOTO3",
    aws_secret_access_key="secret",
    config=Config(retries={"mode": "standard", "max_attempts": 5}),
)
saw = {}


def code(call, **arguments):
    """Returns EC2's code for the error of a call, and its HTTP status."""
    try:
        call(**arguments)
        return "no error"
    except ClientError as e:
        return "%d %s" % (e.response["ResponseMetadata"]["HTTPStatusCode"], e.response["Error"]["Code"])


launch = dict(ImageId=AMI, MinCount=1, MaxCount=1, ClientToken="boto3-1", UserData="#!/bin/sh\necho hi\n",
              TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "role", "Value": "one"}]}])
first = ec2.run_instances(**launch)["Instances"][0]
machine = first["InstanceId"]
saw["launched"] = first["State"]["Name"]
saw["same"] = ec2.run_instances(**launch)["Instances"][0]["InstanceId"] == machine
saw["mismatch"] = code(ec2.run_instances, **dict(launch, MaxCount=2))
saw["dry run"] = code(ec2.run_instances, ImageId=AMI, MinCount=1, MaxCount=1, DryRun=True)
ec2.run_instances(ImageId=AMI, MinCount=11, MaxCount=11)

ec2.get_waiter("instance_running").wait(InstanceIds=[machine], WaiterConfig={"Delay": 0, "MaxAttempts": 200})
ec2.get_waiter("instance_status_ok").wait(InstanceIds=[machine], WaiterConfig={"Delay": 0, "MaxAttempts": 200})
pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
saw["pages"] = [sum(len(r["Instances"]) for r in p["Reservations"]) for p in pages]
found = ec2.describe_instances(Filters=[{"Name": "tag:role", "Values": ["o*"]},
                                        {"Name": "instance-state-name", "Values": ["running"]}])
saw["filtered"] = [i["InstanceId"] for r in found["Reservations"] for i in r["Instances"]] == [machine]
ec2.create_tags(Resources=[machine], Tags=[{"Key": "more", "Value": "<&> ü"}])
saw["tags"] = {t["Key"]: t["Value"] for t in ec2.describe_tags(
    Filters=[{"Name": "resource-id", "Values": [machine]}])["Tags"]}
saw["console"] = ec2.get_console_output(InstanceId=machine).get("Output", "")
saw["stopped"] = ec2.stop_instances(InstanceIds=[machine])["StoppingInstances"][0]["CurrentState"]["Name"]
ec2.get_waiter("instance_stopped").wait(InstanceIds=[machine], WaiterConfig={"Delay": 0, "MaxAttempts": 200})
saw["started"] = ec2.start_instances(InstanceIds=[machine])["StartingInstances"][0]["CurrentState"]["Name"]
saw["ended"] = ec2.terminate_instances(InstanceIds=[machine])["TerminatingInstances"][0]["CurrentState"]["Name"]
ec2.get_waiter("instance_terminated").wait(InstanceIds=[machine], WaiterConfig={"Delay": 0, "MaxAttempts": 200})
try:
    ec2.get_waiter("instance_running").wait(InstanceIds=[machine], WaiterConfig={"Delay": 0, "MaxAttempts": 5})
    saw["waiting for the dead"] = "no error"
except WaiterError as e:
    saw["waiting for the dead"] = "error" if "terminal failure" in str(e) else str(e)

# As a set-up script or Terraform does it: a network that is there, a group, a key, a machine with all of these, and its end.
vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
subnet = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"][1]
group = ec2.create_security_group(GroupName="agents", Description="of agents", VpcId=vpc, TagSpecifications=[
    {"ResourceType": "security-group", "Tags": [{"Key": "role", "Value": "two"}]}])["GroupId"]
ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
    {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "inside"}]}])
saw["permissions"] = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
saw["key"] = "PRIVATE KEY" in ec2.create_key_pair(KeyName="agents")["KeyMaterial"]
small = ec2.describe_instance_types(InstanceTypes=["c6i.large"])["InstanceTypes"][0]
saw["type"] = [small["VCpuInfo"]["DefaultVCpus"], small["MemoryInfo"]["SizeInMiB"], small["ProcessorInfo"]["SupportedArchitectures"]]
made = ec2.run_instances(
    ImageId=AMI, MinCount=1, MaxCount=1, InstanceType="c6i.large", SubnetId=subnet["SubnetId"], SecurityGroupIds=[group],
    KeyName="agents", DisableApiTermination=True, MetadataOptions={"HttpTokens": "required"},
    TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "role", "Value": "two"}]}])["Instances"][0]
other = made["InstanceId"]
saw["why"] = made["StateReason"]["Code"]
ec2.get_waiter("instance_running").wait(InstanceIds=[other], WaiterConfig={"Delay": 0, "MaxAttempts": 200})
found = ec2.describe_instances(InstanceIds=[other])["Reservations"][0]["Instances"][0]
volume = found["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
saw["machine"] = [
    found["Placement"]["AvailabilityZone"] == subnet["AvailabilityZone"], found["SubnetId"] == subnet["SubnetId"],
    found["NetworkInterfaces"][0]["PrivateIpAddress"] == found["PrivateIpAddress"],
    found["SecurityGroups"][0]["GroupName"], found["MetadataOptions"]["HttpTokens"],
    ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [other]}])["Volumes"][0]["VolumeId"] == volume]
saw["in use"] = code(ec2.delete_security_group, GroupId=group)
saw["protected"] = code(ec2.terminate_instances, InstanceIds=[other])
ec2.modify_instance_attribute(InstanceId=other, DisableApiTermination={"Value": False})
saw["attribute"] = ec2.describe_instance_attribute(InstanceId=other, Attribute="disableApiTermination")["DisableApiTermination"]["Value"]
ec2.terminate_instances(InstanceIds=[other])
ec2.get_waiter("instance_terminated").wait(InstanceIds=[other], WaiterConfig={"Delay": 0, "MaxAttempts": 200})
found = ec2.describe_instances(InstanceIds=[other])["Reservations"][0]["Instances"][0]
saw["left"] = sorted({"SubnetId", "VpcId", "PrivateIpAddress", "Tags"} & set(found))
ec2.delete_security_group(GroupId=group)
ec2.delete_key_pair(KeyName="agents")
saw["none"] = code(ec2.terminate_instances, InstanceIds=[])

saw["unknown"] = code(ec2.describe_instances, InstanceIds=["i-12345678"])
saw["malformed"] = code(ec2.describe_instances, InstanceIds=["machine"])
saw["unknown action"] = code(ec2.describe_addresses)
json.dump(saw, sys.stdout)
